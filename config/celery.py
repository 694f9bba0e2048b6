"""The Celery application: how tasks travel. What they do is in ``assessments.tasks``."""

import logging
import os
import sys
import threading
import time
from typing import Any

from celery import Celery, signals
from celery.beat import Scheduler
from django.apps import apps
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

logger = logging.getLogger(__name__)


class HeartbeatScheduler(Scheduler):
    """Leaves a sign of life at each tick it sends; keeps no file, since every tick is the same."""

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        # No request or task ends here, after which Django would leave a connection that is dead or read-only.
        close_old_connections()
        try:
            apps.get_model("assessments", "Heartbeat").beat("scheduler", timezone.now())
        except DatabaseError as error:
            # The ticks go on: the database may be back before the worker needs it.
            logger.warning("no heartbeat of the scheduler: %s", type(error).__name__)
        return super().apply_async(*args, **kwargs)


#: A sweep comes every two seconds: who has heard of none for so long has lost the broker for good.
_DEAF_SECONDS = 60
_heard_at = time.monotonic()
_is_listening = False


@signals.task_prerun.connect
def _hear(**_: Any) -> None:
    global _heard_at
    _heard_at = time.monotonic()


@signals.worker_ready.connect
def _listen(**_: Any) -> None:
    """A worker that hears nothing starts itself anew, in its own process: after a restart of Redis Celery
    can hang in its reconnection, alive and deaf (seen by ``make chaos``, seed 42). What runs then is as
    if the worker had been killed, which loses nothing."""
    global _is_listening
    _hear()
    if not _is_listening:
        _is_listening = True
        threading.Thread(target=_start_anew_when_deaf, name="deaf", daemon=True).start()


def _start_anew_when_deaf() -> None:
    while time.monotonic() - _heard_at < _DEAF_SECONDS:
        time.sleep(1)
    logger.error("no message for %s s: this worker starts itself anew", _DEAF_SECONDS)
    os.execv(sys.executable, [sys.executable, *sys.argv])  # nosec B606 # noqa: S606 - our own command, as it was started
