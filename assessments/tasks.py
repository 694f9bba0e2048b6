"""Celery's entry points: each task calls one function and enqueues the work that follows. Messages carry ids
only.

Several schedulers may run. Of the ticks of a periodic task within its interval, one acquires the work.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery.signals import worker_init, worker_shutting_down
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
from assessments.workers.line import Line
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


#: A sweep's orders of one kind are spread over at least so many messages, and at most so many are in one.
_LEAST_MESSAGES, _MOST_ORDERS = 5, 10
_EXPIRES_SECONDS = 20


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    stopping.set()


def enqueue_order_work(*order_ids: UUID) -> None:
    """Enqueue all kinds of work that the orders may have due: a call to Justifacts, a poll, updates for
    Ashby."""
    for order_id in order_ids:
        _enqueue_call(order_id)
        _enqueue_delivery(order_id)
    enqueue(poll, [str(order_id) for order_id in order_ids])


@shared_task
def call_justifacts(assessment_id: str) -> None:
    """Make an order's pending call to Justifacts, then those of other orders in line."""
    _serve_on(_calls, _calls.run([UUID(assessment_id)]))


@shared_task
def deliver(assessment_id: str) -> None:
    """Deliver an order's updates to Ashby, in order, then those of other orders in line."""
    _serve_on(_deliveries, _deliveries.run([UUID(assessment_id)]))


@shared_task
def poll(assessment_ids: Sequence[str]) -> None:
    """Poll a batch of orders, then other orders in line."""
    _serve_on(_polls, _polls.run([UUID(assessment_id) for assessment_id in assessment_ids]))


@shared_task
def take_turns(kind: str, assessment_ids: Sequence[str]) -> None:
    """Do the due work of this kind of the organizations of these orders, and of others in line."""
    dispatcher = next(each for each in (_calls, _deliveries, _polls) if each.kind == kind)
    ids = [UUID(assessment_id) for assessment_id in assessment_ids]
    _serve_on(dispatcher, dispatcher.run_in_line(ids))


def _serve_on(dispatcher: Dispatcher, must_go_on: bool) -> None:
    """In a task of its own, so that those that wait for a thread come first."""
    if must_go_on:
        enqueue(take_turns, dispatcher.kind, [], expires=_EXPIRES_SECONDS)


def _enqueue_call(order_id: UUID) -> None:
    enqueue(call_justifacts, str(order_id))


def _enqueue_delivery(order_id: UUID) -> None:
    enqueue(deliver, str(order_id))


def _enqueue_turns(kind: str, order_ids: Sequence[UUID]) -> None:
    """In a few messages for a few threads, which are dropped if they are not received soon: the next sweeps
    find the same work again."""
    messages = min(len(order_ids), max(_LEAST_MESSAGES, len(order_ids) // _MOST_ORDERS))
    for number in range(messages):
        some = [str(order_id) for order_id in order_ids[number::messages]]
        enqueue(take_turns, kind, some, expires=_EXPIRES_SECONDS)


def _deliver_in_line(organization: int, order_id: UUID) -> None:
    if not _deliveries.line.join(organization):
        _enqueue_turns(_deliveries.kind, [order_id])


_slots, _after = Bulkhead(CALLS_IN_FLIGHT), (_enqueue_delivery, _deliver_in_line)
_calls = Dispatcher("justifacts", _slots, make_calls, due_calls, Line(1), *_after)
_deliveries = Dispatcher("ashby", _slots, deliver_updates, due_deliveries, Line(1), *_after)
_polls = Dispatcher("poll", Bulkhead(1), poll_batch, due_polls, Line(1), *_after)


@worker_init.connect
def _share_threads(sender: Any, **_: Any) -> None:
    """Of the worker's threads, a quarter each serve the lines of calls and of deliveries, and a few that
    of polls, which are made in threads of their own. The rest stays free for what has just come up."""
    for dispatcher, part in ((_calls, 4), (_deliveries, 4), (_polls, 12)):
        dispatcher.line.threads = max(1, sender.concurrency // part)


@shared_task
def sweep() -> None:
    now = timezone.now()
    Heartbeat.beat("worker", now)
    if not Heartbeat.acquire_tick("sweep", now, SWEEP_EVERY):
        return
    found = due_work(now)
    failpoint("sweep.found")
    _enqueue_turns(_calls.kind, found.calls)
    _enqueue_turns(_deliveries.kind, found.deliveries)
    for job_id in jobs.jobs_due():
        enqueue(run_connection_job, job_id, expires=_EXPIRES_SECONDS)
    _enqueue_turns(_polls.kind, [batch[0] for batch in found.polls])


@shared_task
def watch() -> None:
    """Find stalled orders, and enqueue their updates for Ashby. Of many, each run takes a part."""
    now = timezone.now()
    if Heartbeat.acquire_tick("watch", now, WATCH_EVERY):
        found = detect_stalled(now)
        _enqueue_turns(_deliveries.kind, found.with_note)
        if not found.is_complete:
            Heartbeat.release_tick("watch", now, WATCH_EVERY)
            enqueue(watch)


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
