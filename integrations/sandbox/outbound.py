"""Calls to the portal: with a time-out, without redirects, recorded."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from integrations.sandbox.call_log import Call, shown_headers, without_secrets
from integrations.sandbox.dialects.http import encode_request
from integrations.sandbox.inbound import basic_header
from integrations.sandbox.models import Org
from integrations.sandbox.state import State

SESSION: web.AppKey[aiohttp.ClientSession] = web.AppKey("session", aiohttp.ClientSession)


@dataclass(frozen=True)
class Subject:
    """What a call is about, by which pages find it."""

    application_id: str | None = None
    assessment_id: str | None = None
    order_id: str | None = None


@dataclass(frozen=True)
class PortalAnswer:
    """The portal's answer: a status and a body, or an error message."""

    status: int | None
    payload: Any
    text: str
    error: str | None
    elapsed_ms: float

    @property
    def succeeded(self) -> bool:
        """Whether the answer is HTTP 200 with success: true; nothing else is a success (docs/protocol.md)."""
        return self.status == 200 and isinstance(self.payload, dict) and self.payload.get("success") is True

    @property
    def message(self) -> str:
        """The portal's error message, or one of ours."""
        if self.error:
            return self.error
        if isinstance(self.payload, dict):
            info = self.payload.get("errorInfo")
            text = self.payload.get("message") or (info.get("message") if isinstance(info, dict) else None)
            if isinstance(text, str) and text:
                return text
        return f"The partner answered {self.status} without a message."

    def as_json(self) -> dict[str, Any]:
        """The answer as the control API returns it."""
        return {
            "status": self.status,
            "body": self.payload,
            "text": self.text if self.payload is None else None,
            "error": self.error,
            "elapsed_ms": self.elapsed_ms,
        }


async def post(
    state: State,
    session: aiohttp.ClientSession,
    org: Org,
    side: str,
    name: str,
    url: str,
    body: Any,
    subject: Subject,
    seconds: float,
    agent: str,
) -> PortalAnswer:
    """POST JSON with the organization's verification key, in the partner's dialect, and record the call.

    ``side`` is the partner that calls, ``seconds`` the time-out for the whole call. A ``str`` body is sent
    unchanged. Never raises: a failed call is an answer without a status."""
    raw = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    content, content_type = encode_request(state.dialects.of(side, org.slug), raw)
    headers = {
        "Authorization": basic_header(org.verification_key),
        "Accept": "application/json",
        "User-Agent": agent,
        **({"Content-Type": content_type} if content_type else {}),
    }
    began = time.perf_counter()
    status, text, answer_headers, error = await _send(session, url, content, headers, seconds)
    elapsed = round((time.perf_counter() - began) * 1000, 2)
    if org.settings.record_calls:
        sent = {name.lower(): value for name, value in headers.items()}
        state.calls.add(
            Call(
                side=side,
                direction="out",
                name=name,
                org=org.slug,
                method="POST",
                url=url,
                request_headers=shown_headers(sent, org.verification_key, org.secrets),
                request_body=without_secrets(raw, org.secrets),
                status=status,
                response_headers=shown_headers(answer_headers, None, org.secrets),
                response_body=without_secrets(text, org.secrets),
                duration_ms=elapsed,
                request_id=answer_headers.get("x-request-id"),
                note=error,
                **vars(subject),
            )
        )
    return PortalAnswer(status, _json_or_none(text), text, error, elapsed)


async def _send(
    session: aiohttp.ClientSession, url: str, content: bytes, headers: dict[str, str], seconds: float
) -> tuple[int | None, str, dict[str, str], str | None]:
    limit = aiohttp.ClientTimeout(total=seconds)
    try:
        # encoded=True: the URL is sent as the admin typed it, with double slashes.
        target = URL(url, encoded=True)
        async with session.post(
            target,
            data=content,
            headers=headers,
            # The client must not add a Content-Type if the dialect omits it.
            skip_auto_headers=["Content-Type"],
            allow_redirects=False,
            timeout=limit,
        ) as answer:
            text = (await answer.read()).decode("utf-8", "replace")
            return answer.status, text, {k.lower(): v for k, v in answer.headers.items()}, None
    except TimeoutError:
        return None, "", {}, f"No answer within {seconds:g} seconds."
    except aiohttp.ClientConnectorError:
        return None, "", {}, "No connection to the portal. Is it running at this URL?"
    except (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError) as error:
        return None, "", {}, f"The connection ended without an answer ({type(error).__name__})."


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
