"""A Redis with nothing to lose, for tests that must not meet what others have left in theirs."""

import secrets
import shutil
import socket
import subprocess  # nosec B404 # a Redis of the tests' own
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class NoRedis(Exception):
    """No ``redis-server`` is installed here."""


def quiet_port() -> int:
    """One that no outgoing connection takes while its server is down."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def start_redis(port: int, log: Path) -> "subprocess.Popen[bytes]":
    """Whoever asks ends it. Raises ``NoRedis``."""
    if not (program := shutil.which("redis-server")):
        raise NoRedis
    with log.open("ab") as out:
        return subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=out,
            stderr=out,
            cwd=log.parent,
        )


@contextmanager
def own_redis(folder: Path) -> Iterator[tuple[str, str]]:
    """The addresses of a broker and of a cache. Raises ``NoRedis``."""
    port = quiet_port()
    process = start_redis(port, folder / "redis.log")
    try:
        yield f"redis://127.0.0.1:{port}/0", f"redis://127.0.0.1:{port}/1"
    finally:
        process.kill()
        process.wait()
