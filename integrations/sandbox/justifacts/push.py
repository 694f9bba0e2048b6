"""Justifacts' pushes to the portal, in order for each order, and the timer of the automatic progress."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp

from integrations.sandbox.dialects.messages import say_update
from integrations.sandbox.justifacts.orders import due_orders, due_surprises, step, surprise, update_of
from integrations.sandbox.models import Order, Org
from integrations.sandbox.outgoing import PortalAnswer, Subject, post
from integrations.sandbox.world import World

_TIMEOUT = 10.0
_TICK = 0.2
# How long after the answer to a start the first push leaves: the caller should have read the answer.
_FIRST_PUSH_AFTER = 0.3


class Pusher:
    """Sends updates; those of one order go one after the other."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self._world = world
        self._session = session
        self._lanes: dict[str, asyncio.Lock] = {}

    def push_soon(self, order: Order, repeat: int = 1, delay: float = 0.0) -> asyncio.Task[list[Any]]:
        """Push the order as it stands now, in the background; the task's result is every answer."""
        task = asyncio.create_task(self._in_lane(order, update_of(order), repeat, delay))
        self._world.background.add(task)
        task.add_done_callback(self._world.background.discard)
        return task

    def push_if_on(self, order: Order) -> None:
        """Push unless the org's push switch is off."""
        if self._world.org(order.org).settings.push:
            self.push_soon(order)

    def placed(self, order: Order) -> None:
        """The first push of a new order: Justifacts Received."""
        settings = self._world.org(order.org).settings
        if settings.push and settings.push_on_start:
            self.push_soon(order, delay=_FIRST_PUSH_AFTER)

    async def run_automatic(self) -> None:
        """The timer: moves what is due, for ever."""
        while True:
            await asyncio.sleep(_TICK)
            for order in due_orders(self._world, time.time()):
                step(self._world, order)
                self.push_if_on(order)
            for order in due_surprises(self._world, time.time()):
                surprise(self._world, order)
                self.push_if_on(order)

    async def _in_lane(self, order: Order, body: dict[str, Any], repeat: int, delay: float) -> list[Any]:
        await asyncio.sleep(delay)
        lane = self._lanes.setdefault(order.id, asyncio.Lock())
        async with lane:
            answers = [await self._with_retries(order, body) for _ in range(repeat)]
        return [answer.as_json() for answer in answers]

    async def _with_retries(self, order: Order, body: dict[str, Any]) -> PortalAnswer:
        org = self._world.org(order.org)
        answer = await self._once(org, order, body)
        for wait in org.settings.push_retry_seconds:
            if not _worth_retrying(answer) or not org.settings.push:
                break
            await asyncio.sleep(wait)
            answer = await self._once(org, order, body)
        return answer

    async def _once(self, org: Org, order: Order, body: dict[str, Any]) -> PortalAnswer:
        subject = Subject(order_id=order.id)
        body = say_update(self._world.dialects.of("justifacts", org.slug), body, is_answer=False)
        name, agent = "assessment.update", "Justifacts-Servlet/2.4 (sandbox)"
        url = org.push_address
        return await post(
            self._world, self._session, org, "justifacts", name, url, body, subject, _TIMEOUT, agent
        )


def _worth_retrying(answer: PortalAnswer) -> bool:
    """No answer, 408, 425, 429 and 5xx: later may be better. Everything else is the portal's decision."""
    return answer.status is None or answer.status in (408, 425, 429) or answer.status >= 500
