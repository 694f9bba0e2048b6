"""The Celery application. The tasks are in ``assessments.tasks`` and ``integrations.tasks``."""

import logging
import os
import sys
import threading
import time
from datetime import timedelta
from typing import Any

from celery import Celery, signals
from celery.beat import Scheduler
from celery.concurrency import get_implementation
from celery.concurrency.thread import TaskPool as ThreadPool
from celery.contrib.django.task import DjangoTask
from django.apps import apps
from django.conf import settings
from django.db import Error, close_old_connections, connection, connections
from django.utils import timezone

from integrations.host_clock import host_clock

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Celery would import every page for Django's system checks, and ignore what they find. `migrate` runs them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")


class ClockedTask(DjangoTask):
    """Does nothing while the clock of this host is far off. Due work is a row in the database, so a sweep of
    another host finds it again."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs) if host_clock.is_trusted else None


class Portal(Celery):
    """Celery, with shorter time limits for whoever publishes a message than for workers, who wait for
    messages: a start of Ashby's waits for the message that it enqueues."""

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        limits = settings.PUBLISH_LIMITS | (options.pop("transport_options", None) or {})
        return super().connection_for_write(url, transport_options=limits, **options)


app = Portal("portal", task_cls=ClockedTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

logger = logging.getLogger(__name__)


class HeartbeatScheduler(Scheduler):
    """Records a heartbeat at each tick, and sends none while the clock of this host is far off. It keeps no
    schedule file, since every tick is the same."""

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        # Django closes broken or read-only connections after a request or a task; there is neither here.
        close_old_connections()
        try:
            host_clock.check()
            _processes().beat("scheduler", timezone.now(), host_clock.offset)
            if host_clock.is_trusted:
                apps.get_model("assessments", "Heartbeat").beat("scheduler", timezone.now())
                _report_missing_processes()
        except Error as error:
            # Publish the tick nevertheless: the database may be back when a worker needs it.
            logger.warning("could not record the scheduler's heartbeat: %s", type(error).__name__)
        return super().apply_async(*args, **kwargs) if host_clock.is_trusted else None

    def close(self) -> None:
        super().close()
        _say_goodbye("scheduler")


def _processes() -> Any:
    return apps.get_model("assessments", "ProcessHeartbeat")


#: A process that starts gives the others so long to start too.
_REPORT_EVERY_SECONDS = 30
_report_at = time.monotonic() + _REPORT_EVERY_SECONDS


def _report_missing_processes() -> None:
    """Twice a minute, in a thread of its own: a mail server that hangs must not delay heartbeats."""
    global _report_at
    if host_clock.is_trusted and time.monotonic() >= _report_at:
        _report_at = time.monotonic() + _REPORT_EVERY_SECONDS
        threading.Thread(target=_report, name="missing processes", daemon=True).start()


def _report() -> None:
    from assessments.notifications.missing_processes import report_missing_processes  # after django.setup()

    try:
        report_missing_processes(timezone.now() - timedelta(seconds=host_clock.offset))
    except Error as error:
        logger.warning("could not look for missing processes: %s", type(error).__name__)
    finally:
        connection.close()


#: The scheduler sends a sweep every two seconds. A worker without a task for so long has lost the broker.
_SILENCE_SECONDS = 60
_BEAT_EVERY_SECONDS = 5
_last_task_at = time.monotonic()
_is_watching = False


@signals.task_prerun.connect
def _record_task(**_: Any) -> None:
    global _last_task_at
    _last_task_at = time.monotonic()


@signals.worker_init.connect
def _use_pool(sender: Any, **_: Any) -> None:
    # Processes that are forked would inherit the pool without its threads.
    if get_implementation(sender.pool_cls) is ThreadPool:
        # Whoever publishes a task imports this module, and psycopg takes a tenth of a second to import.
        from config.postgresql.pool import use_pool

        use_pool(connections, sender.concurrency)


@signals.worker_init.connect
def _check_clock(**_: Any) -> None:
    """Before the first task."""
    try:
        host_clock.check()
    except Error as error:
        logger.warning("could not compare the clock with the database's: %s", type(error).__name__)
    finally:
        connection.close()


@signals.worker_init.connect
def _serve_metrics(**_: Any) -> None:
    if address := settings.WORKER_METRICS_ADDRESS:
        # Web processes and commands import this module too.
        from integrations import metrics

        try:
            metrics.serve(address, settings.PORTAL_VERSION)
        except OSError as error:
            # The worker works without them. A second one on this host needs another address.
            logger.error("cannot serve metrics at WORKER_METRICS_ADDRESS: %s", error.strerror)


@signals.worker_ready.connect
def _watch_for_silence(**_: Any) -> None:
    """Restart the worker, in the same process, if no task arrives.

    After a restart of Redis, Celery can hang while it reconnects, alive but without receiving tasks (found by
    ``make chaos``, seed 42). Tasks that are running end as if the worker had been killed, which loses
    nothing."""
    global _is_watching
    _record_task()
    if not _is_watching:
        _is_watching = True
        threading.Thread(target=_restart_when_silent, name="silence watch", daemon=True).start()


def _restart_when_silent() -> None:
    beat_at = time.monotonic()
    while time.monotonic() - _last_task_at < _SILENCE_SECONDS:
        if time.monotonic() >= beat_at:
            beat_at += _BEAT_EVERY_SECONDS
            _beat()
        time.sleep(1)
    logger.error("no task for %s s: restarting this worker", _SILENCE_SECONDS)
    os.execv(sys.executable, [sys.executable, *sys.argv])  # nosec B606 # noqa: S606 - our own command, as it was started


def _beat() -> None:
    """Record that this worker runs: in the database, and in a file for init systems and Kubernetes probes."""
    try:
        settings.WORKER_HEARTBEAT_FILE.touch(mode=0o600)
    except OSError as error:
        # The thread must go on: it also restarts a worker that hangs.
        logger.warning("could not touch the worker's heartbeat file: %s", type(error).__name__)
    close_old_connections()
    try:
        host_clock.check()
        _processes().beat("worker", timezone.now(), host_clock.offset)
        _report_missing_processes()
    except Error as error:
        logger.warning("could not record the worker's heartbeat: %s", type(error).__name__)
    finally:
        # This thread must not hold a connection of the database for one statement in five seconds.
        connection.close()


@signals.worker_shutdown.connect
def _leave(**_: Any) -> None:
    _say_goodbye("worker")


def _say_goodbye(kind: str) -> None:
    """This process stops in an orderly way, so it is not reported as dead."""
    try:
        _processes().leave(kind)
    except Error as error:
        logger.warning("could not delete the heartbeat of this %s: %s", kind, type(error).__name__)
