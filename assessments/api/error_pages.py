"""Error pages outside any view: the error envelope for Ashby and Justifacts, a page for people."""

import re
import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from assessments.api.exception_handler import failure

#: A path below /ashby or /justifacts, however it is written.
_MACHINES = re.compile(r"/*(ashby|justifacts)\b", re.IGNORECASE)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, for example for a Host header that is not in ALLOWED_HOSTS."""
    if _MACHINES.match(request.path_info):
        return _envelope(400, "bad_request", "The request could not be read; is the host's name right?")
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, for a path without a view."""
    if _MACHINES.match(request.path_info):
        return _envelope(404, "not_found", "There is no such call.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, for an error outside the partner views, which have their own handler."""
    if _MACHINES.match(request.path_info):
        return _envelope(500, "internal_error", "Something went wrong here; nothing was changed.")
    return defaults.server_error(request)


def _envelope(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse(failure(status, code, message, uuid.uuid4().hex), status=status)
