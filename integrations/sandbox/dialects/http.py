"""HTTP in a dialect: content types, charsets, status codes, error envelopes, error pages of proxies."""

from __future__ import annotations

import json
from typing import Any

from integrations.sandbox.dialects import ashby, justifacts
from integrations.sandbox.dialects.dialect import Dialect

#: Status and body of pages with which proxies and servers answer instead of the API.
PROXY_PAGES: tuple[tuple[int, str], ...] = (
    (
        404,
        '<!doctype html><html lang="en"><head><title>HTTP Status 404 – Not Found</title></head><body>'
        "<h1>HTTP Status 404 – Not Found</h1><p><b>Type</b> Status Report</p><h3>Apache Tomcat/9.0.71</h3>"
        "</body></html>",
    ),
    (403, "<html><head><title>403 Forbidden</title></head><body><center>cloudfront</center></body></html>"),
    (
        502,
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>"
        "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
    ),
    (200, "<html><body><h1>Scheduled maintenance</h1><p>We will be back shortly.</p></body></html>"),
)
EDGE_REFUSAL = (403, "error code: 1010")
#: Codes about the state of the server, and undocumented codes.
UNKNOWN_CODES = (
    *("generic_internal_error", "temporarily_unavailable", "timeout", "too_many_requests"),
    *("E-4711", "unexpected_state", "java.lang.NullPointerException"),
)
_FAULTS = ("proxy_pages", "unknown_codes", "edge_403")


def fault_before(dialect: Dialect) -> str:
    """The fault that replaces carrying out the call; empty for none."""
    return next((name for name in _FAULTS if dialect.uses(name)), "")


def fault_after(dialect: Dialect) -> str:
    """The fault that replaces the answer after the call was carried out; empty for none."""
    return next((name for name in ("proxy_pages_after", "unknown_codes_after") if dialect.uses(name)), "")


def fault_answer(dialect: Dialect, fault: str, request_id: str) -> tuple[int, Any]:
    """Status and payload of the answer of a fault."""
    if fault == "edge_403":
        return EDGE_REFUSAL
    if fault.startswith("proxy_pages"):
        return dialect.pick(PROXY_PAGES)
    code = dialect.pick(UNKNOWN_CODES)
    info = {"code": code, "message": "The operation could not be completed.", "requestId": request_id}
    return 200, {"success": False, "errors": [code], "errorInfo": info}


def write_answer(dialect: Dialect, payload: Any) -> Any:
    """The payload of an answer, in the dialect."""
    if isinstance(payload, dict) and payload.get("success") is False and dialect.uses("errors_as_objects"):
        return _vary_envelope(dialect, payload)
    module = justifacts if dialect.side == "justifacts" else ashby
    return module.write_answer(dialect, payload)


def status_of_success(dialect: Dialect, status: int, payload: Any, name: str) -> int:
    """The HTTP status of an answer, in the dialect: another 2xx may replace 200."""
    succeeded = status == 200 and isinstance(payload, dict) and payload.get("success") is True
    if not succeeded or not dialect.uses("created_statuses"):
        return status
    return 204 if name == "assessment.cancel" else dialect.pick((201, 202))


def encode(dialect: Dialect, text: str, content_type: str) -> tuple[bytes, str]:
    """Body and Content-Type of an answer."""
    if content_type == "application/json" and dialect.uses("wrong_content_type"):
        content_type = dialect.pick(("text/plain", "text/html"))
    body, declared = _encode(dialect, text, content_type)
    return body, declared if "charset" in declared else f"{declared}; charset=utf-8"


def encode_request(dialect: Dialect, text: str) -> tuple[bytes, str | None]:
    """Body and Content-Type of a call to the portal; no Content-Type is sent for ``None``."""
    if dialect.uses("no_content_type"):
        return text.encode("utf-8", "replace"), None
    content_type = "application/json"
    if dialect.uses("wrong_content_type"):
        content_type = dialect.pick(("text/plain", "application/x-www-form-urlencoded"))
    return _encode(dialect, text, content_type)


def _encode(dialect: Dialect, text: str, content_type: str) -> tuple[bytes, str]:
    if dialect.uses("latin1"):
        return _in_latin1(text), f"{content_type};charset=ISO-8859-1"
    # An echoed lone surrogate cannot be encoded; it must not crash the sandbox.
    body = text.encode("utf-8", "replace")
    if dialect.uses("utf8_bom"):
        body = b"\xef\xbb\xbf" + body
    return body, content_type


def _in_latin1(text: str) -> bytes:
    """ISO-8859-1, with JSON escapes for other characters."""
    return "".join(
        character if character <= "\xff" else json.dumps(character)[1:-1] for character in text
    ).encode("latin-1")


def _vary_envelope(dialect: Dialect, payload: dict[str, Any]) -> dict[str, Any]:
    """Another shape of an error; each contains the code."""
    info = payload.get("errorInfo")
    code, message = payload["errors"][0], info["message"] if isinstance(info, dict) else ""
    return dialect.pick(
        (
            {"success": False, "errors": [{"code": code, "message": message, "parameter": None}]},
            {"success": False, "errors": [code], "message": message},
            {"success": False, "error": {"code": code, "message": message}},
            {"success": False, "errors": {"code": code, "message": message}, "errorInfo": None},
            {"success": False, "code": code, "message": message, "results": None},
        )
    )
