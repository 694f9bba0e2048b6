"""Declaring tasks, and enqueuing them for the workers.

A lost message only delays the work: due work is a row in the database, and the periodic sweep finds it.
Messages contain ids only.
"""

import logging
import time
from importlib import import_module
from typing import Any

from celery import current_app, shared_task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

__all__ = ["broker_is_reachable", "enqueue", "shared_task"]

logger = logging.getLogger(__name__)

# Before the first task: without this application, Celery would publish to a broker of its own choice. It is
# not loaded by config/__init__.py, since most commands enqueue nothing, and Celery takes a tenth of a second.
import_module(settings.CELERY_MODULE)

_COOLDOWN_SECONDS = 30
_unreachable_until = 0.0


def enqueue(task: Any, *arguments: Any, **options: Any) -> None:
    """Publish a task after the current transaction. ``options`` are those of Celery's ``apply_async``.

    If the broker cannot be reached, this message and those of the next 30 s are dropped, so that not every
    request waits for a broker that is down.
    """
    transaction.on_commit(lambda: _publish(task, arguments, options))


def broker_is_reachable() -> bool:
    """Whether a message can be published now. If so, ``enqueue`` resumes publishing."""
    global _unreachable_until
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return False
    _unreachable_until = 0.0
    return True


def broker_warnings() -> list[tuple[str, str]]:
    """What is wrong with the Redis of the broker, and what to do. Empty if it does not answer or does not
    tell."""
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
            channel: Any = connection.default_channel
            found = channel.client.info()
    except (OperationalError, OSError, RedisError):
        return []
    warnings = []
    if (policy := found.get("maxmemory_policy", "noeviction")) != "noeviction":
        text = f"The broker's Redis has the maxmemory-policy {policy}: it deletes tasks when it is full."
        warnings.append((text, "Set it to noeviction, so that it refuses new ones."))
    if found.get("cluster_enabled") or found.get("redis_mode") == "cluster":
        text = "The broker's Redis is in cluster mode, which Celery does not support."
        warnings.append((text, "Use one without cluster mode."))
    return warnings


def _publish(task: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    global _unreachable_until
    if time.monotonic() < _unreachable_until:
        return
    try:
        task.apply_async(arguments, **options)
    except (OperationalError, OSError) as error:
        _unreachable_until = time.monotonic() + _COOLDOWN_SECONDS
        logger.warning("broker away (%s): work waits for the sweep", type(error).__name__)
