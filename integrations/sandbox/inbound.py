"""Answers the portal's calls: applies failure switches and dialects, and records the calls."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import socket
import struct
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from integrations.sandbox.call_log import Call, shown_headers, without_secrets
from integrations.sandbox.dialects import http
from integrations.sandbox.dialects.dialect import Dialect
from integrations.sandbox.failures import Failure
from integrations.sandbox.models import Org
from integrations.sandbox.state import State

STATE: web.AppKey[State] = web.AppKey("state", State)

_HUGE = "x" * 1_500_000
_GARBAGE = "<!doctype html><html><body><h1>We will be right back</h1><p>&#128296;</p></body></html>"
_DEFAULT_HANG_SECONDS = 30.0


class BadBody(ValueError):
    """The body is not JSON."""


@dataclass
class InboundCall:
    """One received call. ``org`` is ``None`` if its key is unknown."""

    side: str
    name: str
    request: web.Request
    raw: bytes
    key: str | None
    password: str
    org: Org | None
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex[:20])

    def header(self, name: str) -> str:
        """A header's value, or an empty text."""
        return self.request.headers.get(name, "")

    def json(self) -> Any:
        """The body as strict JSON, without NaN and Infinity. Raises ``BadBody``."""
        try:
            return json.loads(self.raw or b"", parse_constant=_reject_constant)
        except (ValueError, RecursionError) as error:
            raise BadBody("the body is not JSON") from error


@dataclass
class Reply:
    """One answer, and what it is about, for the record."""

    status: int
    payload: Any
    headers: dict[str, str] = field(default_factory=dict)
    application_id: str | None = None
    assessment_id: str | None = None
    order_id: str | None = None

    @property
    def text(self) -> str:
        """The body: a string as it is, anything else as JSON."""
        return self.payload if isinstance(self.payload, str) else json.dumps(self.payload, ensure_ascii=False)

    @property
    def content_type(self) -> str:
        """JSON, or HTML or plain text for a string."""
        if isinstance(self.payload, str):
            return "text/html" if self.payload.startswith("<") else "text/plain"
        return "application/json"


Process = Callable[[InboundCall], Reply]


def basic_user(header: str) -> tuple[str | None, str]:
    """User name and password of an HTTP Basic header; the name is ``None`` without credentials."""
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic" or not encoded:
        return None, ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, ""
    return user, password


def basic_header(key: str) -> str:
    """The HTTP Basic header with the key as user name and a blank password (docs/protocol.md)."""
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def error_body(code: str, message: str, request_id: str) -> dict[str, Any]:
    """The error envelope of docs/protocol.md."""
    info = {"code": code, "message": message, "requestId": request_id}
    return {"success": False, "errors": [code], "errorInfo": info}


async def answer(
    state: State, inbound: InboundCall, process: Process, common_headers: dict[str, str]
) -> web.StreamResponse:
    """Answer one call, subject to failure switches and the partner's dialect, and record it.

    ``process`` carries out the call and makes the plain answer."""
    began = time.perf_counter()
    slug = inbound.org.slug if inbound.org else None
    failure = state.failures.take(inbound.side, slug, inbound.name)
    dialect = state.dialects.of(inbound.side, slug)
    reply: Reply | None
    if failure is None:
        reply, note = _with_dialect_faults(dialect, inbound, process)
    else:
        reply, note = await _failing(failure, inbound, process), f"failure switch: {failure.mode}"
    if reply is not None:
        _apply_dialect(dialect, inbound.name, reply)
        reply.headers.update(common_headers)
    is_lost = reply is None or (failure is not None and failure.mode == "cut_after")
    _record(state, inbound, reply, is_lost, note, (time.perf_counter() - began) * 1000)
    if reply is None or is_lost:
        return reset_connection(inbound.request)
    body, content_type = http.encode(dialect, reply.text, reply.content_type)
    return web.Response(
        body=body, status=reply.status, headers={**reply.headers, "Content-Type": content_type}
    )


def _with_dialect_faults(
    dialect: Dialect, inbound: InboundCall, process: Process
) -> tuple[Reply, str | None]:
    """The answer, or the fault that the dialect puts in its place, with a note for the record."""
    if fault := http.fault_before(dialect):
        return Reply(*http.fault_answer(dialect, fault, inbound.request_id)), f"dialect: {fault}"
    reply = process(inbound)
    if fault := http.fault_after(dialect):
        reply.status, reply.payload = http.fault_answer(dialect, fault, inbound.request_id)
        return reply, f"dialect: {fault}"
    return reply, None


def _apply_dialect(dialect: Dialect, name: str, reply: Reply) -> None:
    reply.status = http.status_of_success(dialect, reply.status, reply.payload, name)
    reply.payload = "" if reply.status == 204 else http.write_answer(dialect, reply.payload)


def reset_connection(request: web.Request) -> web.StreamResponse:
    """End the TCP connection with a reset, as when a server dies."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if sock is not None:
            # With a linger time of zero the kernel sends RST instead of FIN.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _failing(failure: Failure, inbound: InboundCall, process: Process) -> Reply | None:
    """The answer under a failure switch; ``None`` if the connection ends without one."""
    mode = failure.mode
    if mode == "slow":
        await asyncio.sleep(1.0 if failure.seconds is None else failure.seconds)
    processed = process(inbound) if failure.after or mode in ("slow", "cut_after", "warnings") else None
    if mode == "hang":
        await _hang(inbound.request, _DEFAULT_HANG_SECONDS if failure.seconds is None else failure.seconds)
    if mode in ("hang", "cut_before"):
        return None
    if processed is not None and mode in ("slow", "cut_after", "warnings"):
        return _with_warnings(processed, failure) if mode == "warnings" else processed
    reply = _fixed_reply(failure, inbound)
    if processed is not None:
        reply.application_id, reply.assessment_id = processed.application_id, processed.assessment_id
        reply.order_id = processed.order_id
    return reply


async def _hang(request: web.Request, seconds: float) -> None:
    """Send nothing until the time is over or the caller disconnects."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and request.transport is not None:
        await asyncio.sleep(min(0.1, max(0.0, until - time.monotonic())))


def _with_warnings(reply: Reply, failure: Failure) -> Reply:
    if isinstance(reply.payload, dict) and reply.payload.get("success") is True:
        reply.payload = {**reply.payload, "warnings": [failure.message or "This call will change soon."]}
    return reply


def _fixed_reply(failure: Failure, inbound: InboundCall) -> Reply:
    """The failing answer of a switch that does not need the processed one."""
    match failure.mode:
        case "garbage":
            return Reply(failure.status or 200, _GARBAGE)
        case "huge":
            return Reply(failure.status or 200, {"success": True, "results": _HUGE})
        case "malformed":
            return Reply(failure.status or 200, {"success": "yes", "results": [["not", "what"], 17]})
        case "redirect":
            return Reply(307, "", {"Location": failure.location or f"/elsewhere/{inbound.name}"})
    status, code, message = _error_fields(failure)
    body = {**error_body(code, message, inbound.request_id), "message": message}
    return Reply(status, body, _rate_headers(failure))


def _error_fields(failure: Failure) -> tuple[int, str, str]:
    defaults = {
        "refuse": (400, "invalid_input", "Refused by a failure switch of the sandbox."),
        "429": (429, "too_many_requests", "Too many requests."),
        "500": (500, "internal_error", "Something went wrong on our side."),
        "503": (503, "service_unavailable", "Temporarily unavailable."),
        "success_false": (200, "internal_error", "The operation did not succeed."),
        "wrong_key": (403, "unauthorized", "The API key is not valid or has been deactivated."),
    }
    status, code, message = defaults.get(
        failure.mode, (failure.status or 500, "status", "Caused by a failure switch.")
    )
    return failure.status or status, failure.code or code, failure.message or message


def _rate_headers(failure: Failure) -> dict[str, str]:
    headers: dict[str, str] = {}
    if failure.seconds is not None or failure.mode == "429":
        headers["Retry-After"] = f"{2 if failure.seconds is None else failure.seconds:g}"
    if failure.scope:
        headers["X-RateLimit-Scope"] = failure.scope
    return headers


def _record(
    state: State,
    inbound: InboundCall,
    reply: Reply | None,
    is_lost: bool,
    note: str | None,
    duration_ms: float,
) -> None:
    org = inbound.org
    if not (org.settings if org else state.defaults).record_calls:
        return
    secrets = [*state.secrets(org), inbound.key or ""]
    sent = None if is_lost else reply
    answered = {name.lower(): value for name, value in sent.headers.items()} if sent else {}
    state.calls.add(
        Call(
            side=inbound.side,
            direction="in",
            name=without_secrets(inbound.name, secrets),
            org=org.slug if org else None,
            method=inbound.request.method,
            url=without_secrets(inbound.request.raw_path, secrets),
            request_headers=shown_headers(inbound.request.headers, inbound.key, secrets),
            request_body=without_secrets(inbound.raw.decode(errors="replace"), secrets),
            status=sent.status if sent else None,
            response_headers=shown_headers(answered, None, secrets),
            response_body=without_secrets(sent.text, secrets) if sent else "",
            duration_ms=round(duration_ms, 2),
            request_id=inbound.request_id,
            note=note,
            application_id=reply.application_id if reply else None,
            assessment_id=reply.assessment_id if reply else None,
            order_id=reply.order_id if reply else None,
        )
    )


def _reject_constant(constant: str) -> None:
    raise ValueError(constant)
