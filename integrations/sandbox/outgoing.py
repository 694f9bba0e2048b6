"""Calls that the sandbox makes to the portal: one door, a time limit, no redirects, recorded."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from integrations.sandbox.calls import Call, shown_headers, without_secrets
from integrations.sandbox.dialects.wire import encode_request
from integrations.sandbox.models import Org
from integrations.sandbox.wire import basic_header
from integrations.sandbox.world import World

SESSION: web.AppKey[aiohttp.ClientSession] = web.AppKey("session", aiohttp.ClientSession)


@dataclass(frozen=True)
class Subject:
    """What a call is about, so that pages find it."""

    application_id: str | None = None
    assessment_id: str | None = None
    order_id: str | None = None


@dataclass(frozen=True)
class PortalAnswer:
    """What came back: a status and a body, or an error in words."""

    status: int | None
    payload: Any
    text: str
    error: str | None
    elapsed_ms: float

    @property
    def succeeded(self) -> bool:
        """HTTP 200 and success: true, the only success there is (docs/protocol.md)."""
        return self.status == 200 and isinstance(self.payload, dict) and self.payload.get("success") is True

    @property
    def message(self) -> str:
        """The portal's own words for an error, else ours."""
        if self.error:
            return self.error
        if isinstance(self.payload, dict):
            info = self.payload.get("errorInfo")
            words = self.payload.get("message") or (info.get("message") if isinstance(info, dict) else None)
            if isinstance(words, str) and words:
                return words
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
    world: World,
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
    """POST JSON with the org's verification key, in the side's dialect, and record the call."""
    raw = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    content, content_type = encode_request(world.dialects.of(side, org.slug), raw)
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
        world.calls.add(
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
                application_id=subject.application_id,
                assessment_id=subject.assessment_id,
                order_id=subject.order_id,
            )
        )
    return PortalAnswer(status, _json_or_none(text), text, error, elapsed)


async def _send(
    session: aiohttp.ClientSession, url: str, content: bytes, headers: dict[str, str], seconds: float
) -> tuple[int | None, str, dict[str, str], str | None]:
    limit = aiohttp.ClientTimeout(total=seconds)
    try:
        # encoded=True: the address goes out as the admin typed it, double slashes and all.
        target = URL(url, encoded=True)
        async with session.post(
            target,
            data=content,
            headers=headers,
            # Where a call has no Content-Type, the client must not add one.
            skip_auto_headers=["Content-Type"],
            allow_redirects=False,
            timeout=limit,
        ) as answer:
            text = (await answer.read()).decode("utf-8", "replace")
            return answer.status, text, {k.lower(): v for k, v in answer.headers.items()}, None
    except TimeoutError:
        return None, "", {}, f"No answer within {seconds:g} seconds."
    except aiohttp.ClientConnectorError:
        return None, "", {}, "No connection to the portal. Is it running at this address?"
    except (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError) as error:
        return None, "", {}, f"The connection ended without an answer ({type(error).__name__})."


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
