"""Reads the body of an inbound call: a JSON object of at most 256 KB."""

import re
from typing import Any

from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from integrations.http.strict_json import MAX_BYTES, UnreadableBody, charset_of, read_object

# A body that is too large is read up to here: a caller that is still sending would not see the answer.
_DRAINED_BYTES = 8 * 1024 * 1024
# A vendor's media type for JSON ends in "+json" (RFC 6839).
_JSON = re.compile(r"application/(json|[^/\s]+\+json)")


class BodyTooLarge(APIException):
    """413."""

    status_code = 413
    default_detail = f"The body is larger than {MAX_BYTES // 1024} KB."
    default_code = "body_too_large"


class BadBody(APIException):
    """400; the detail says what is wrong with the body, without quoting it."""

    status_code = 400
    default_code = "invalid_input"


class AlwaysJSON(DefaultContentNegotiation):
    """Answers in JSON, whatever the Accept header asks for."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


def read_body(
    request: Request, *, of_any_type: bool = False, any_text: bool = False
) -> tuple[dict[str, Any], int]:
    """The call's JSON object, and its size in bytes.

    A body without a Content-Type is read as JSON. ``of_any_type``: the Content-Type is ignored, and control
    characters are replaced instead of refused. ``any_text``: as in ``read_object``.

    Raises ``BodyTooLarge``, ``BadBody`` or ``UnsupportedMediaType``.
    """
    content = _content(request)
    media_type = request.content_type.partition(";")[0].strip().lower() if request.content_type else ""
    if not of_any_type and media_type and not _JSON.fullmatch(media_type):
        raise UnsupportedMediaType(media_type, detail="The content type has to be application/json.")
    charset = charset_of(request.content_type or "")
    try:
        return read_object(content, charset, any_text=any_text, replace_controls=of_any_type), len(content)
    except UnreadableBody as error:
        raise BadBody(str(error)) from None


def _content(request: Request) -> bytes:
    # Django reads a chunked body, which has no Content-Length, as empty. The WSGI server has all of it.
    environ = request.META
    chunked = not environ.get("CONTENT_LENGTH") and environ.get("HTTP_TRANSFER_ENCODING")
    stream = environ["wsgi.input"] if chunked else request._request
    content: bytes = stream.read(MAX_BYTES + 1)
    if len(content) <= MAX_BYTES:
        return content
    drained = len(content)
    while drained < _DRAINED_BYTES and (chunk := stream.read(64 * 1024)):
        drained += len(chunk)
    raise BodyTooLarge
