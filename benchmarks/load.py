"""The load: a process of its own that costs little. ``python -m benchmarks.load`` reads what to do as
JSON from standard input and writes what it saw as JSON to standard output.

Raw HTTP/1.1 on kept-alive connections; each client sends its next request once the answer is there.
"""

import asyncio
import json
import sys
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

#: In a body: another UUID each time.
PLACEHOLDER = "00000000-0000-0000-0000-00000000fade"
_PLACEHOLDER = PLACEHOLDER.encode()


@dataclass
class Round:
    """What the clients saw of one target in one round."""

    name: str
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: int = 0
    first_failure: str = ""


@dataclass(frozen=True)
class _Target:
    name: str
    head: bytes
    body: bytes

    def request(self) -> bytes:
        body = self.body
        if _PLACEHOLDER in body:
            body = body.replace(_PLACEHOLDER, str(uuid.uuid4()).encode())
        return self.head + body


class _Client(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again, until the time is over."""

    transport: asyncio.Transport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.done: asyncio.Future[None] | None = None

    def begin(self, target: _Target, until: float, round_: Round) -> asyncio.Future[None]:
        self.target, self.until, self.round = target, until, round_
        self.done = asyncio.get_running_loop().create_future()
        self._send()
        return self.done

    def _send(self) -> None:
        self.buffer = b""
        self.sent_at = time.perf_counter()
        self.transport.write(self.target.request())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not _is_whole(self.buffer):
            return
        now = time.perf_counter()
        self.round.latencies.append((now - self.sent_at) * 1000)
        if self.buffer[9:12] != b"200":
            self.round.failures += 1
            self.round.first_failure = self.round.first_failure or self.buffer[:500].decode(errors="replace")
        if now < self.until:
            self._send()
        elif self.done is not None and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_exception(ConnectionError("the server closed a connection"))


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    _, _, rest = head.lower().partition(b"content-length:")
    return len(body) >= int(rest.partition(b"\r\n")[0] or 0)


async def _run(job: dict[str, Any]) -> list[Round]:
    loop = asyncio.get_running_loop()
    clients: list[_Client] = []
    for _ in range(job["clients"]):
        _, client = await loop.create_connection(_Client, "127.0.0.1", job["port"])
        clients.append(client)
    targets = [_target(job, spec) for spec in job["targets"]]
    for target in targets:
        await _one_round(clients, target, job["warm_up_seconds"])
    rounds = []
    for number in range(job["rounds"]):
        # A B, B A, A B ...: neither is always the one that comes after the other.
        for target in targets if number % 2 == 0 else reversed(targets):
            rounds.append(await _one_round(clients, target, job["seconds"]))
    for client in clients:
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
        f"POST {spec['path']} HTTP/1.1\r\nHost: 127.0.0.1:{job['port']}\r\n"
        f"Authorization: {job['authorization']}\r\nContent-Type: application/json\r\n"
        f"Accept: */*\r\nUser-Agent: bench\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return _Target(spec["name"], head.encode(), body)


if __name__ == "__main__":
    seen = asyncio.run(_run(json.load(sys.stdin)))
    json.dump([asdict(one) for one in seen], sys.stdout)
