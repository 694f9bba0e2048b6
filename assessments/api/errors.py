"""What Django answers before or around a view, in the envelope where a machine asked."""

import re
import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from .exceptions import failure

_MACHINES = re.compile(r"/*(ashby|justifacts)(/|$)")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Such as a Host header that is not ours."""
    if _MACHINES.match(request.path_info):
        return _envelope(400, "bad_request", "The request could not be read; is the host's name right?")
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault outside any view."""
    if _MACHINES.match(request.path_info):
        return _envelope(500, "internal_error", "Something went wrong here; nothing was changed.")
    return defaults.server_error(request)


def _envelope(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse(failure(status, code, message, uuid.uuid4().hex), status=status)
