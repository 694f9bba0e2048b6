"""Celery's entry points: each task calls one function and enqueues the work that follows. Messages carry ids
only.

Several schedulers may run. Of the ticks of a periodic task within its interval, one acquires the work.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from celery.signals import worker_shutting_down
from django.conf import settings
from django.utils import timezone

from assessments import search
from assessments.insights import dead_mans_switch
from assessments.models import Heartbeat, Reconciliation
from assessments.notifications import dispatch
from assessments.privacy import retention
from assessments.reconciliation import run
from assessments.recovery_log import log as recovery_log
from assessments.stalled.detect import detect_stalled
from assessments.tracking import poll_schedule
from assessments.workers.dispatch import (
    CALLS_IN_FLIGHT,
    Dispatcher,
    deliver_updates,
    make_calls,
    poll_batch,
    stopping,
)
from assessments.workers.due import due_calls, due_deliveries, due_polls, due_work
from integrations.background import enqueue, shared_task
from integrations.bulkhead import Bulkhead
from integrations.failpoints import failpoint
from integrations.onboarding import jobs
from integrations.tasks import run_connection_job

SWEEP_EVERY = timedelta(seconds=1.5)
#: A little less than the schedule's minute, so that an early tick is not skipped.
NOTIFICATIONS_EVERY = WATCH_EVERY = RECONCILE_EVERY = SEARCH_TERMS_EVERY = timedelta(seconds=50)
#: A little less than the schedule's ten minutes.
RETENTION_EVERY = timedelta(minutes=9)


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    stopping.set()


def enqueue_order_work(*order_ids: UUID) -> None:
    """Enqueue all kinds of work that the orders may have due: a call to Justifacts, a poll, updates for
    Ashby."""
    for order_id in order_ids:
        _enqueue_call([order_id])
        _enqueue_delivery(order_id)
    _enqueue_polls(list(order_ids))


@shared_task
def call_justifacts(assessment_id: str) -> None:
    """Make an order's pending call to Justifacts, then those of other orders of its organization."""
    _calls.run([UUID(assessment_id)])


@shared_task
def deliver(assessment_id: str) -> None:
    """Deliver an order's updates to Ashby, in order, then those of other orders of its organization."""
    _deliveries.run([UUID(assessment_id)])


@shared_task
def poll(assessment_ids: Sequence[str]) -> None:
    """Poll a batch of orders, then other due orders of their organizations."""
    _polls.run([UUID(assessment_id) for assessment_id in assessment_ids])


def _enqueue_call(ids: Sequence[UUID], **options: Any) -> None:
    enqueue(call_justifacts, str(ids[0]), **options)


def _enqueue_delivery(order_id: UUID, **options: Any) -> None:
    enqueue(deliver, str(order_id), **options)


def _enqueue_polls(ids: Sequence[UUID], **options: Any) -> None:
    enqueue(poll, [str(order_id) for order_id in ids], **options)


_slots = Bulkhead(CALLS_IN_FLIGHT)
_calls = Dispatcher(
    "justifacts", _slots, partial(make_calls, enqueue_delivery=_enqueue_delivery), due_calls, _enqueue_call
)
_deliveries = Dispatcher(
    "ashby", _slots, deliver_updates, due_deliveries, lambda ids: _enqueue_delivery(ids[0])
)
_polls = Dispatcher(
    "poll", Bulkhead(1), partial(poll_batch, enqueue_delivery=_enqueue_delivery), due_polls, _enqueue_polls
)


@shared_task
def sweep() -> None:
    now = timezone.now()
    Heartbeat.beat("worker", now)
    if not Heartbeat.acquire_tick("sweep", now, SWEEP_EVERY):
        return
    found = due_work(now)
    failpoint("sweep.found")
    # The next sweeps find the same work again, so an old message is not needed.
    expires = 20
    for order_id in found.calls:
        _enqueue_call([order_id], expires=expires)
    for order_id in found.deliveries:
        _enqueue_delivery(order_id, expires=expires)
    for job_id in jobs.jobs_due():
        enqueue(run_connection_job, job_id, expires=expires)
    for batch in found.polls:
        _enqueue_polls(batch, expires=expires)


@shared_task
def watch() -> None:
    """Find stalled orders, and enqueue their updates for Ashby."""
    now = timezone.now()
    if Heartbeat.acquire_tick("watch", now, WATCH_EVERY):
        for assessment_id in detect_stalled(now):
            _enqueue_delivery(assessment_id)


@shared_task
def reconcile_organization(report_id: int) -> None:
    """Run one turn of a reconciliation, and enqueue the next one."""
    seconds = run.run_turn(Reconciliation.objects.get(pk=report_id))
    if seconds is not None:
        enqueue(reconcile_organization, report_id, countdown=seconds)


@shared_task
def reconcile_nightly() -> None:
    """Begin the night's reconciliations, a few organizations at a time, and resume those whose worker
    died."""
    now = timezone.now()
    if Heartbeat.acquire_tick("reconcile", now, RECONCILE_EVERY):
        run.begin_nightly(now)
        for report_id in run.organizations_due(timezone.now()):
            enqueue(reconcile_organization, report_id, expires=50)
        run.delete_old_reports(now)
        recovery_log.tidy(now)


@shared_task
def erase_due() -> None:
    """Erase candidates' data whose retention period has ended. A run that ends early is continued by the
    next."""
    now = timezone.now()
    if Heartbeat.acquire_tick("retention", now, RETENTION_EVERY):
        retention.erase_due(now)


@shared_task
def renew_search_terms() -> None:
    """Rebuild the search index after an upgrade or a change of keys, a part in each tick."""
    if Heartbeat.acquire_tick("search_terms", timezone.now(), SEARCH_TERMS_EVERY):
        search.rebuild(until=time.monotonic() + settings.SEARCH_TERMS_TURN_SECONDS)


@shared_task
def resume_polls() -> None:
    """Schedule polls for completed orders that have none although their polling period is not over."""
    now = timezone.now()
    if Heartbeat.acquire_tick("resume_polls", now, RETENTION_EVERY):
        poll_schedule.resume(now)


@shared_task
def call_dead_mans_switch() -> None:
    now = timezone.now()
    if settings.HEARTBEAT_URL and Heartbeat.acquire_tick("heartbeat_url", now, WATCH_EVERY):
        dead_mans_switch.call_if_well(now)


@shared_task
def send_notifications() -> None:
    now = timezone.now()
    if Heartbeat.acquire_tick("notices", now, NOTIFICATIONS_EVERY):
        dispatch.send_notifications(now)
