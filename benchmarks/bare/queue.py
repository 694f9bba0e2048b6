"""The queue from the views to the loop: one Redis list for each of the loop's threads, in the benchmark's
own Redis. All messages of a check go to one thread, so they stay in order."""

from functools import lru_cache
from typing import Any
from uuid import UUID

import redis

from config import env

THREADS = 3


def put(what: str, check: UUID) -> None:
    _redis().lpush(_name(check.int % THREADS), f"{what} {check}")


def take(thread: int) -> tuple[str, UUID]:
    """Wait for the next message of a thread: what to do, and for which check."""
    found: Any = _redis().brpop([_name(thread)])
    what, check = found[1].decode().split()
    return what, UUID(check)


def _name(thread: int) -> str:
    return f"bare:{thread}"


@lru_cache(maxsize=1)
def _redis() -> "redis.Redis[Any]":
    return redis.Redis(unix_socket_path=str(env.BROKER_SOCKET), socket_timeout=None)
