"""Justifacts' pushes to the portal, and the timer of automatic progress."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp

from integrations.sandbox.dialects.justifacts import write_update
from integrations.sandbox.justifacts.orders import (
    apply_scheduled_change,
    due_orders,
    due_scheduled_changes,
    step,
    update_of,
)
from integrations.sandbox.models import Order, Org
from integrations.sandbox.outbound import PortalAnswer, Subject, post
from integrations.sandbox.state import State

_TIMEOUT_SECONDS = 10.0
_TICK_SECONDS = 0.2
#: Between the answer to a start and the first push, so that the caller has read the answer.
_FIRST_PUSH_AFTER_SECONDS = 0.3


class Pusher:
    """Pushes updates; those of one order are sent one after the other."""

    def __init__(self, state: State, session: aiohttp.ClientSession) -> None:
        self._state = state
        self._session = session
        self._locks: dict[str, asyncio.Lock] = {}

    def push_soon(self, order: Order, repeat: int = 1, delay: float = 0.0) -> asyncio.Task[list[Any]]:
        """Push the order's present state in the background. The task returns the answers.

        ``repeat``: how often the same update is sent. ``delay``: seconds before the first."""
        task = asyncio.create_task(self._push(order, update_of(order), repeat, delay))
        self._state.background.add(task)
        task.add_done_callback(self._state.background.discard)
        return task

    def push_if_on(self, order: Order) -> None:
        """Push unless the organization's setting `push` is off."""
        if self._state.org(order.org).settings.push:
            self.push_soon(order)

    def push_first(self, order: Order) -> None:
        """Push a new order: Justifacts Received."""
        settings = self._state.org(order.org).settings
        if settings.push and settings.push_on_start:
            self.push_soon(order, delay=_FIRST_PUSH_AFTER_SECONDS)

    async def run_automatic(self) -> None:
        """Apply due steps and scheduled changes, and push them, until cancelled."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for order in due_orders(self._state, time.time()):
                step(self._state, order)
                self.push_if_on(order)
            for order in due_scheduled_changes(self._state, time.time()):
                apply_scheduled_change(self._state, order)
                self.push_if_on(order)

    async def _push(self, order: Order, body: dict[str, Any], repeat: int, delay: float) -> list[Any]:
        await asyncio.sleep(delay)
        async with self._locks.setdefault(order.id, asyncio.Lock()):
            answers = [await self._with_retries(order, body) for _ in range(repeat)]
        return [answer.as_json() for answer in answers]

    async def _with_retries(self, order: Order, body: dict[str, Any]) -> PortalAnswer:
        org = self._state.org(order.org)
        answer = await self._once(org, order, body)
        for wait in org.settings.push_retry_seconds:
            if not _is_retryable(answer) or not org.settings.push:
                break
            await asyncio.sleep(wait)
            answer = await self._once(org, order, body)
        return answer

    async def _once(self, org: Org, order: Order, body: dict[str, Any]) -> PortalAnswer:
        subject = Subject(order_id=order.id)
        body = write_update(self._state.dialects.of("justifacts", org.slug), body, is_answer=False)
        name, agent = "assessment.update", "Justifacts-Servlet/2.4 (sandbox)"
        url = org.push_target
        return await post(
            self._state, self._session, org, "justifacts", name, url, body, subject, _TIMEOUT_SECONDS, agent
        )


def _is_retryable(answer: PortalAnswer) -> bool:
    """Whether a later attempt may succeed: after no answer, 408, 425, 429 or 5xx."""
    return answer.status is None or answer.status in (408, 425, 429) or answer.status >= 500
