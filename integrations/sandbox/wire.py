"""What both stand-ins do with a call: who calls, which failure switch it runs into, answer in the side's
dialect, record."""

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

from integrations.sandbox.calls import Call, shown_headers, without_secrets
from integrations.sandbox.dialects import wire
from integrations.sandbox.dialects.kinds import Dialect
from integrations.sandbox.failures import Failure
from integrations.sandbox.models import Org
from integrations.sandbox.world import World

WORLD: web.AppKey[World] = web.AppKey("world", World)

_HUGE = "x" * 1_500_000
_GARBAGE = "<!doctype html><html><body><h1>We will be right back</h1><p>&#128296;</p></body></html>"
_DEFAULT_HANG = 30.0


class BadBody(ValueError):
    """A body that is not JSON."""


@dataclass
class Inbound:
    """One call as it came."""

    side: str
    name: str
    request: web.Request
    raw: bytes
    key: str | None
    password: str
    org: Org | None
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex[:20])

    def header(self, name: str) -> str:
        """One header, or nothing."""
        return self.request.headers.get(name, "")

    def json(self) -> Any:
        """The body, strictly JSON: no NaN, no Infinity."""
        try:
            return json.loads(self.raw or b"", parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise BadBody("the body is not JSON") from error


@dataclass
class Reply:
    """One answer, and what the recorded call should be found by."""

    status: int
    payload: Any
    headers: dict[str, str] = field(default_factory=dict)
    application_id: str | None = None
    assessment_id: str | None = None
    order_id: str | None = None

    @property
    def text(self) -> str:
        """The body as sent: a string goes as it is, everything else as JSON."""
        return self.payload if isinstance(self.payload, str) else json.dumps(self.payload, ensure_ascii=False)

    @property
    def content_type(self) -> str:
        """JSON unless the payload is text."""
        if isinstance(self.payload, str):
            return "text/html" if self.payload.startswith("<") else "text/plain"
        return "application/json"


Process = Callable[[Inbound], Reply]


def basic_user(header: str) -> tuple[str | None, str]:
    """User name and password of an HTTP Basic header; None without credentials."""
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic" or not encoded:
        return None, ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, ""
    return user, password


def basic_header(key: str) -> str:
    """HTTP Basic with the key as user name and a blank password (docs/protocol.md)."""
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def error_body(code: str, message: str, request_id: str) -> dict[str, Any]:
    """The error envelope of docs/protocol.md."""
    info = {"code": code, "message": message, "requestId": request_id}
    return {"success": False, "errors": [code], "errorInfo": info}


async def answer(
    world: World, inbound: Inbound, process: Process, common_headers: dict[str, str]
) -> web.StreamResponse:
    """Answer one call, through the failure switches and in the side's dialect, and record it."""
    began = time.perf_counter()
    slug = inbound.org.slug if inbound.org else None
    failure = world.failures.take(inbound.side, slug, inbound.name)
    dialect, reply, note = world.dialects.of(inbound.side, slug), None, None
    if failure is not None:
        reply, note = await _failing(failure, inbound, process), f"failure switch: {failure.mode}"
    else:
        reply, note = _with_dialect_faults(dialect, inbound, process)
    if reply is not None:
        _put_into_dialect(dialect, inbound.name, reply)
        reply.headers.update(common_headers)
    is_lost = reply is None or (failure is not None and failure.mode == "cut_after")
    _record(world, inbound, reply, is_lost, note, (time.perf_counter() - began) * 1000)
    if reply is None or is_lost:
        return reset_connection(inbound.request)
    body, content_type = wire.encode(dialect, reply.text, reply.content_type)
    return web.Response(
        body=body, status=reply.status, headers={**reply.headers, "Content-Type": content_type}
    )


def _with_dialect_faults(dialect: Dialect, inbound: Inbound, process: Process) -> tuple[Reply, str | None]:
    """The answer, or what a proxy or an unknown error makes of it, with a note for the record."""
    if fault := wire.fault_before(dialect):
        return Reply(*wire.fault_answer(dialect, fault, inbound.request_id)), f"dialect: {fault}"
    reply = process(inbound)
    if fault := wire.fault_after(dialect):
        reply.status, reply.payload = wire.fault_answer(dialect, fault, inbound.request_id)
        return reply, f"dialect: {fault}"
    return reply, None


def _put_into_dialect(dialect: Dialect, name: str, reply: Reply) -> None:
    reply.status = wire.status_of_success(dialect, reply.status, reply.payload, name)
    reply.payload = "" if reply.status == 204 else wire.say(dialect, reply.payload)


def reset_connection(request: web.Request) -> web.StreamResponse:
    """End the TCP connection with a reset, as a dying server or a cut cable does."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if sock is not None:
            # Linger for zero seconds makes the kernel send RST instead of FIN.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _failing(failure: Failure, inbound: Inbound, process: Process) -> Reply | None:
    """What a thrown switch makes of a call; None where the connection ends without an answer."""
    mode = failure.mode
    if mode == "slow":
        await asyncio.sleep(1.0 if failure.seconds is None else failure.seconds)
    processed = process(inbound) if failure.after or mode in ("slow", "cut_after", "warnings") else None
    if mode == "hang":
        await _hang(inbound.request, _DEFAULT_HANG if failure.seconds is None else failure.seconds)
    if mode in ("hang", "cut_before"):
        return None
    if processed is not None and mode in ("slow", "cut_after", "warnings"):
        return _with_warnings(processed, failure) if mode == "warnings" else processed
    reply = _canned(failure, inbound)
    if processed is not None:
        reply.application_id, reply.assessment_id = processed.application_id, processed.assessment_id
        reply.order_id = processed.order_id
    return reply


async def _hang(request: web.Request, seconds: float) -> None:
    """Say nothing until the time is over or the caller has gone."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and request.transport is not None:
        await asyncio.sleep(min(0.1, max(0.0, until - time.monotonic())))


def _with_warnings(reply: Reply, failure: Failure) -> Reply:
    if isinstance(reply.payload, dict) and reply.payload.get("success") is True:
        reply.payload = {**reply.payload, "warnings": [failure.message or "This call will change soon."]}
    return reply


def _canned(failure: Failure, inbound: Inbound) -> Reply:
    """The answers that need no processing."""
    match failure.mode:
        case "garbage":
            return Reply(failure.status or 200, _GARBAGE)
        case "huge":
            return Reply(failure.status or 200, {"success": True, "results": _HUGE})
        case "malformed":
            return Reply(failure.status or 200, {"success": "yes", "results": [["not", "what"], 17]})
        case "redirect":
            return Reply(307, "", {"Location": failure.location or f"/elsewhere/{inbound.name}"})
    status, code, message = _error_words(failure)
    body = {**error_body(code, message, inbound.request_id), "message": message}
    return Reply(status, body, _rate_headers(failure))


def _error_words(failure: Failure) -> tuple[int, str, str]:
    defaults = {
        "refuse": (400, "invalid_input", "Refused by a failure switch of the sandbox."),
        "429": (429, "too_many_requests", "Too many requests."),
        "500": (500, "internal_error", "Something went wrong on our side."),
        "503": (503, "service_unavailable", "Temporarily unavailable."),
        "success_false": (200, "internal_error", "The operation did not succeed."),
        "wrong_key": (403, "unauthorized", "The API key is not valid or has been deactivated."),
    }
    status, code, message = defaults.get(
        failure.mode, (failure.status or 500, "status", "By a failure switch.")
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
    world: World, inbound: Inbound, reply: Reply | None, is_lost: bool, note: str | None, duration_ms: float
) -> None:
    org = inbound.org
    if not (org.settings if org else world.defaults).record_calls:
        return
    secrets = [*world.secrets(org), inbound.key or ""]
    sent = None if is_lost else reply
    answered = {name.lower(): value for name, value in sent.headers.items()} if sent else {}
    world.calls.add(
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


def _no_constant(word: str) -> None:
    raise ValueError(word)
