"""The load generator, in a process of its own: ``python -m benchmarks.load``.

Reads a job as JSON from standard input and writes the measured rounds as JSON to standard output. Uses raw
HTTP/1.1 on keep-alive connections; each client sends its next request after the previous answer.
"""

import asyncio
import json
import sys
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

#: Replaced by a new UUID in each request.
PLACEHOLDER = "00000000-0000-0000-0000-00000000fade"
_PLACEHOLDER = PLACEHOLDER.encode()


@dataclass
class Round:
    """One target in one round. ``latencies`` in milliseconds; ``failures``: answers other than 200."""

    name: str
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: int = 0
    first_failure: str = ""


@dataclass(frozen=True)
class _Target:
    name: str
    port: int
    head: bytes
    body: bytes

    def request(self) -> bytes:
        body = self.body
        if _PLACEHOLDER in body:
            body = body.replace(_PLACEHOLDER, str(uuid.uuid4()).encode())
        return self.head + body


class _Client(asyncio.Protocol):
    """One connection: sends requests one after the other until a deadline."""

    transport: asyncio.Transport
    done: asyncio.Future[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def begin(self, target: _Target, deadline: float, round_: Round) -> asyncio.Future[None]:
        self.target, self.deadline, self.round = target, deadline, round_
        self.done = asyncio.get_running_loop().create_future()
        self._send()
        return self.done

    def _send(self) -> None:
        self.buffer = b""
        self.sent_at = time.perf_counter()
        self.transport.write(self.target.request())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not _is_complete(self.buffer):
            return
        now = time.perf_counter()
        self.round.latencies.append((now - self.sent_at) * 1000)
        if self.buffer[9:12] != b"200":
            self.round.failures += 1
            self.round.first_failure = self.round.first_failure or self.buffer[:500].decode(errors="replace")
        if now < self.deadline:
            self._send()
        elif self.done is not None and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_exception(ConnectionError("the server closed a connection"))


def _is_complete(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    _, _, rest = head.lower().partition(b"content-length:")
    return len(body) >= int(rest.partition(b"\r\n")[0] or 0)


async def _run(job: dict[str, Any]) -> list[Round]:
    loop = asyncio.get_running_loop()
    targets = [_target(job, spec) for spec in job["targets"]]
    clients: dict[str, list[_Client]] = {}
    for target in targets:
        connections = [
            await loop.create_connection(_Client, "127.0.0.1", target.port) for _ in range(job["clients"])
        ]
        clients[target.name] = [client for _, client in connections]
        await _one_round(clients[target.name], target, job["warm_up_seconds"])
    rounds = []
    for number in range(job["rounds"]):
        # In turns (A B, B A, A B ...), so that no target always follows the other.
        for target in targets if number % 2 == 0 else reversed(targets):
            rounds.append(await _one_round(clients[target.name], target, job["seconds"]))
    for client in (client for of_target in clients.values() for client in of_target):
        client.done = None
        client.transport.close()
    return rounds


async def _one_round(clients: list[_Client], target: _Target, seconds: float) -> Round:
    round_ = Round(target.name)
    began = time.perf_counter()
    await asyncio.gather(*(client.begin(target, began + seconds, round_) for client in clients))
    round_.seconds = time.perf_counter() - began
    return round_


def _target(job: dict[str, Any], spec: dict[str, Any]) -> _Target:
    body = json.dumps(spec["body"], ensure_ascii=False).encode()
    head = (
        f"POST {spec['path']} HTTP/1.1\r\nHost: 127.0.0.1:{spec['port']}\r\n"
        f"Authorization: {job['authorization']}\r\nContent-Type: application/json\r\n"
        f"Accept: */*\r\nUser-Agent: bench\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return _Target(spec["name"], spec["port"], head.encode(), body)


if __name__ == "__main__":
    measured = asyncio.run(_run(json.load(sys.stdin)))
    json.dump([asdict(one) for one in measured], sys.stdout)
