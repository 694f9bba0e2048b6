"""Turns exceptions into the error envelope of Ashby's partner protocol. Outside any view, people get a page.

``{"success": false, "errors": ["code"], "errorInfo": {"code", "message", "requestId"}}``. With 409 and 422
the ``message`` is at the top as well, and Ashby shows it to its user. [Ashby's guide]
"""

import logging
import re
import traceback
import uuid
from typing import Any

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from assessments.api.throttling import TooManyCalls
from assessments.intake.start import AlreadyBeingAssessed, StartHeldUp
from assessments.models import Order
from assessments.tracking.apply import WrongOrderNumber
from integrations.catalog.offers import NoPackage
from integrations.partner_protocol.parsing import InvalidMessage
from integrations.partner_protocol.responses import ErrorInfo, ErrorResponse

logger = logging.getLogger(__name__)

#: A path below /ashby or /justifacts, however it is written.
_MACHINES = re.compile(r"/*(ashby|justifacts)\b", re.IGNORECASE)
_WENT_WRONG = "Something went wrong here; nothing was changed."
_SHOWN_TO_THE_USER = frozenset({409, 422})


def _failure(status: int, code: str, message: str, request_id: str) -> dict[str, Any]:
    shown = message if status in _SHOWN_TO_THE_USER else ""
    return ErrorResponse((code,), ErrorInfo(code, message, request_id), shown).as_json()


def explain(exc: Exception) -> tuple[int, str, str]:
    """HTTP status, error code and message for an exception."""
    match exc:
        case InvalidMessage():
            return (422 if exc.for_person else 400), "invalid_input", exc.message
        case NoPackage():
            return 422, "package_not_available", str(exc)
        case AlreadyBeingAssessed():
            return 409, "already_being_assessed", str(exc)
        case Order.DoesNotExist():
            return 404, "assessment_not_found", "This organization has no such assessment."
        case WrongOrderNumber():
            return 409, "order_number_mismatch", "This reference belongs to another order number."
        case Http404():
            return 404, "not_found", "There is no such call."
        case APIException():
            # get_codes() is one text, because the views here raise no exception with several errors.
            return exc.status_code, str(exc.get_codes()), str(exc.detail)
        case StartHeldUp():
            return 503, "temporarily_unavailable", "The start was held up; nothing was accepted. Try again."
        case DatabaseError():
            return 503, "temporarily_unavailable", "The portal cannot reach its database. Try again shortly."
    return 500, "internal_error", _WENT_WRONG


def envelope(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler (``EXCEPTION_HANDLER``)."""
    status, code, message = explain(exc)
    if status >= 500:
        # The traceback without the exception's text: a database error quotes the row, with candidate data.
        where = "".join(traceback.format_tb(exc.__traceback__))
        logger.error("inbound call failed: %s\n%s", type(exc).__name__, where)
    headers = {}
    if isinstance(exc, APIException) and getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]
    if isinstance(exc, TooManyCalls):
        headers["Retry-After"] = str(exc.wait)
    if status == 503:
        headers["Retry-After"] = "5"
    request_id = getattr(context.get("view"), "request_id", "")
    return Response(_failure(status, code, message, request_id), status=status, headers=headers)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 (``handler400``), for example for a Host header that is not in ALLOWED_HOSTS."""
    message = "The request could not be read; is the host's name right?"
    return _for_partner(request, 400, "bad_request", message) or defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 (``handler404``), for a path without a view."""
    message = "There is no such call."
    return _for_partner(request, 404, "not_found", message) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 (``handler500``), for an error outside the partner views."""
    return _for_partner(request, 500, "internal_error", _WENT_WRONG) or defaults.server_error(request)


def _for_partner(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse | None:
    if not _MACHINES.match(request.path_info):
        return None
    return JsonResponse(_failure(status, code, message, uuid.uuid4().hex), status=status)
