"""Runs orders from start to completion through a chain, one at a time or all at once."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp

from benchmarks.stack import Stack

#: The changes of an order at Justifacts: Applicant Started, In Process, Complete. The updates that Ashby has
#: after each: the first one is sent when the order is placed, and Applicant Started is two.
UPDATES_AFTER = (3, 4, 5)
#: The sandbox has not yet read the answer to its start; both chains send the update again.
_TOO_EARLY = "Assessment not found."
_PAUSE_SECONDS = 0.02
_TIMEOUT_SECONDS = 60
_AT_A_TIME = 50


@dataclass(frozen=True)
class Lives:
    """Completed orders. ``latencies``: milliseconds from each change at Justifacts until Ashby has received
    its last update. ``asked``: how often Justifacts was asked for a status."""

    orders: int
    latencies: list[float]
    asked: int


def run(stack: Stack, org: str, orders: int, *, push: bool, at_once: bool) -> Lives:
    """Run orders of the sandbox's organization ``org`` to completion. ``push``: Justifacts pushes each
    change; otherwise it waits for polls. Exits if Ashby does not get the updates in time, or refuses one."""
    return asyncio.run(_Run(stack, org, orders, push=push).all(at_once=at_once))


class _Run:
    def __init__(self, stack: Stack, org: str, orders: int, *, push: bool) -> None:
        self._stack, self._base = stack, f"{stack.sandbox_url}/control"
        self._org, self._orders, self._push = org, orders, push

    async def all(self, *, at_once: bool) -> Lives:
        connector = aiohttp.TCPConnector(limit=_AT_A_TIME)
        async with aiohttp.ClientSession(connector=connector) as self._session:
            self._taken = (await self._ledger())["updates_taken"]
            self._seen = {call["seq"] for call in await self._status_calls()}
            if at_once:
                started = await asyncio.gather(*(self._start() for _ in range(self._orders)))
                await self._until_taken(1)
                for updates in UPDATES_AFTER:
                    await asyncio.gather(*map(self._step, started))
                    await self._until_taken(updates)
            else:
                started = []
                for _ in range(self._orders):
                    started.append(await self._start())
                    await self._until_received(started[-1], 1)
                    for updates in UPDATES_AFTER:
                        await self._step(started[-1])
                        await self._until_received(started[-1], updates)
            refused = set((await self._ledger())["refused_reasons"]) - {_TOO_EARLY}
            if refused:
                self._stack.fail(f"Ashby refused updates of {self._org}: {refused}.")
            return await self._lives(started)

    async def _start(self) -> str:
        answer = await self._control("ashby/start", org=self._org)
        if not answer["assessment_id"]:
            self._stack.fail(f"A start of {self._org} failed: {answer}.")
        return str(answer["assessment_id"])

    async def _step(self, assessment: str) -> None:
        # The sandbox finds an order by our reference too.
        await self._control(f"justifacts/orders/{assessment}/step", push=self._push)

    async def _until_received(self, assessment: str, updates: int) -> None:
        async def is_received() -> bool:
            return len(_received(await self._control(f"ashby/assessments/{assessment}"))) >= updates

        await self._until(is_received, f"update {updates}")

    async def _until_taken(self, updates: int) -> None:
        wanted = self._taken + updates * self._orders

        async def are_taken() -> bool:
            return bool((await self._ledger())["updates_taken"] >= wanted)

        await self._until(are_taken, f"{updates} updates of {self._orders} orders")

    async def _until(self, condition: Callable[[], Any], what: str) -> None:
        deadline = asyncio.get_running_loop().time() + _TIMEOUT_SECONDS
        while not await condition():
            if asyncio.get_running_loop().time() > deadline:
                self._stack.fail(f"{self._org}: Ashby has not received {what} within {_TIMEOUT_SECONDS} s.")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _lives(self, started: Iterable[str]) -> Lives:
        wanted, latencies = set(started), list[float]()
        assessments = (await self._control(f"ashby/assessments?org={self._org}"))["assessments"]
        received = {one["id"]: _received(one) for one in assessments if one["id"] in wanted}
        for order in (await self._control(f"justifacts/orders?org={self._org}"))["orders"]:
            if order["reference_id"] in wanted:
                changed = [entry["at"] for entry in order["history"]][1:]
                ends = [received[order["reference_id"]][number - 1] for number in UPDATES_AFTER]
                latencies += [end - begin for begin, end in zip(changed, ends, strict=True)]
        asked = [call for call in await self._status_calls() if call["seq"] not in self._seen]
        return Lives(self._orders, latencies, len(asked))

    async def _ledger(self) -> Any:
        return await self._control(f"ledger?org={self._org}")

    async def _status_calls(self) -> Any:
        path = f"calls?side=justifacts&direction=in&name=assessment.status&org={self._org}"
        return (await self._control(path))["calls"]

    async def _control(self, path: str, **body: Any) -> Any:
        url = f"{self._base}/{path}"
        call = self._session.post(url, json=body) if body else self._session.get(url)
        async with call as answer:
            answer.raise_for_status()
            return await answer.json()


def _received(assessment: Any) -> list[float]:
    """When Ashby received each update."""
    return [one["received_at"] for one in assessment["updates"] if one["source"] == "update"]
