"""The worker's edge: fetch, call one service, nudge the next. Messages carry ids only.

Who has a place for an organization and a side (``Bulkhead``) does what the message names, and goes on
with what else is due there; who finds all places taken leaves it to them, and to the sweep.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from assessments import recovery_log, search
from assessments.models import Heartbeat, Order, Reconciliation
from assessments.notifications import dispatch
from assessments.outbox import deliver as delivering
from assessments.placement import place as placing
from assessments.privacy import retention
from assessments.reconciliation import run as reconciling
from assessments.reconciliation.batches import go_on
from assessments.stalled import detect as watching
from assessments.tracking import poll as polling
from assessments.tracking import poll_schedule
from assessments.workers.due import due_calls, due_deliveries, due_polls, due_work
from integrations.bulkhead import Bulkhead
from integrations.failpoints import failpoint
from integrations.onboarding import jobs
from integrations.tasks import broker_is_reachable, enqueue, run_connection_job

__all__ = ["broker_is_reachable", "call_justifacts", "deliver", "enqueue", "poll", "sweep"]

SWEEP_EVERY = timedelta(seconds=1.5)
#: A little less than beat's minute, so that a tick that comes early is not passed over.
NOTICES_EVERY = WATCH_EVERY = RECONCILE_EVERY = SEARCH_TERMS_EVERY = timedelta(seconds=50)
#: ... and than its ten.
RETENTION_EVERY = timedelta(minutes=9)
#: For so long in each minute; nobody waits for it.
SEARCH_TERMS_SECONDS = 20
#: How long one task goes on with an organization before it makes room for others.
TURN_SECONDS = 5
#: Calls in flight for one organization and side, in each worker process.
CALLS_IN_FLIGHT = 3

_places = Bulkhead(CALLS_IN_FLIGHT)
_polling_places = Bulkhead(1)
_stopping = threading.Event()


@worker_shutting_down.connect
def _take_no_new_work(**_: object) -> None:
    _stopping.set()


@shared_task
def call_justifacts(assessment_id: str) -> None:
    """Places, looks up or cancels one order, whichever is due; then what else its organization has."""
    for left in _work_through(Work(_places, "justifacts", _call_each, due_calls), [UUID(assessment_id)]):
        enqueue(call_justifacts, str(left[0]))


@shared_task
def deliver(assessment_id: str) -> None:
    """Tells Ashby what waits for one order, in order; then what else its organization has."""
    for left in _work_through(Work(_places, "ashby", _tell_each, due_deliveries), [UUID(assessment_id)]):
        enqueue(deliver, str(left[0]))


@shared_task
def poll(assessment_ids: Sequence[str]) -> None:
    """Asks Justifacts for a batch of orders; then for the others of their organizations."""
    ids = [UUID(text) for text in assessment_ids]
    for left in _work_through(Work(_polling_places, "poll", _poll_batch, due_polls), ids):
        enqueue(poll, [str(assessment_id) for assessment_id in left])


@dataclass(frozen=True)
class Work:
    """One kind of work: the places for those who do it, how it is done, and what else an organization
    has of it. ``do`` says whether anything was done."""

    places: Bulkhead
    kind: str
    do: Callable[[list[UUID]], bool]
    next_of: Callable[[int, datetime], list[UUID]]


def _work_through(work: Work, ids: list[UUID]) -> Iterator[list[UUID]]:
    """Does it, for each organization of ``ids``; yields what is left of one when its turn is over."""
    orders = Order.objects.order_by().filter(pk__in=ids)
    for organization in orders.values_list("organization", flat=True).distinct():
        if left := _work_for(work, organization, ids):
            yield left


def _work_for(work: Work, organization: int, ids: list[UUID]) -> list[UUID]:
    key, until = (organization, work.kind), time.monotonic() + TURN_SECONDS
    while ids and not _stopping.is_set() and time.monotonic() < until:
        with work.places.place(key) as is_mine:
            if not is_mine:
                return []
            while ids and not _stopping.is_set() and time.monotonic() < until:
                ids = work.next_of(organization, timezone.now()) if work.do(ids) else []
        if not ids and work.places.was_turned_away(key):
            # Somebody came after the last look at what is due, and left it to whoever was here.
            ids = work.next_of(organization, timezone.now())
    return ids


def _call_each(ids: list[UUID]) -> bool:
    return any([_call(assessment_id) for assessment_id in ids if not _stopping.is_set()])


def _call(assessment_id: UUID) -> bool:
    called = placing.call_justifacts(assessment_id)
    if called:
        enqueue(deliver, str(assessment_id))
    return called


def _tell_each(ids: list[UUID]) -> bool:
    return any([deliver_queue(assessment_id) for assessment_id in ids if not _stopping.is_set()])


def deliver_queue(assessment_id: UUID) -> bool:
    """Tells what waits for one order, in order, as long as Ashby takes it. Whether it took any."""
    until, told = time.monotonic() + TURN_SECONDS, False
    while time.monotonic() < until and not _stopping.is_set() and delivering.deliver_next(assessment_id):
        told = True
    return told


def _poll_batch(ids: list[UUID]) -> bool:
    changed = polling.poll(ids)
    for assessment_id in changed:
        enqueue(deliver, str(assessment_id))
    return bool(ids)


@shared_task
def sweep() -> None:
    """Finds what is due. Of several schedulers' ticks, one a moment does the work."""
    now = timezone.now()
    Heartbeat.beat("worker", now)
    if not Heartbeat.acquire_tick("sweep", now, SWEEP_EVERY):
        return
    found = due_work(now)
    failpoint("sweep.found")
    # A message that is still in the queue when the next sweeps come would only be done twice.
    options = {"expires": 20}
    for assessment_id in found.calls:
        enqueue(call_justifacts, str(assessment_id), **options)
    for assessment_id in found.queues:
        enqueue(deliver, str(assessment_id), **options)
    for errand_id in jobs.jobs_due():
        enqueue(run_connection_job, errand_id, **options)
    for batch in found.polls:
        enqueue(poll, [str(assessment_id) for assessment_id in batch], **options)


@shared_task
def watch() -> None:
    """Finds the orders that stand still. Of several schedulers' ticks, one a minute does the work."""
    now = timezone.now()
    if Heartbeat.acquire_tick("watch", now, WATCH_EVERY):
        for assessment_id in watching.detect_stalled(now):
            enqueue(deliver, str(assessment_id))


@shared_task
def reconcile_organization(report_id: int) -> None:
    """One turn of a reconciliation that has begun; then the next one."""
    seconds = go_on(Reconciliation.objects.get(pk=report_id))
    if seconds is not None:
        enqueue(reconcile_organization, report_id, countdown=seconds)


@shared_task
def reconcile_nightly() -> None:
    """Begins the night's reconciliations, a few organizations at a time, and goes on with those whose
    worker died. Of several schedulers' ticks, one a minute does the work."""
    now = timezone.now()
    if Heartbeat.acquire_tick("reconcile", now, RECONCILE_EVERY):
        reconciling.begin_nightly(now)
        for report_id in reconciling.organizations_due(timezone.now()):
            enqueue(reconcile_organization, report_id, expires=50)
        reconciling.delete_old_reports(now)
        recovery_log.delete_expired(now)


@shared_task
def erase_due() -> None:
    """Erases candidates' data whose time is over. Of several schedulers' ticks, one does the work; a run
    that ends early, or dies, is gone on with by the next."""
    now = timezone.now()
    if Heartbeat.acquire_tick("retention", now, RETENTION_EVERY):
        retention.erase_due(now)


@shared_task
def renew_search_terms() -> None:
    """Makes again what candidates are found by, after an upgrade or a change of keys, a part in each turn. Of
    several schedulers' ticks, one a minute does the work."""
    if Heartbeat.acquire_tick("search_terms", timezone.now(), SEARCH_TERMS_EVERY):
        search.rebuild(until=time.monotonic() + SEARCH_TERMS_SECONDS)


@shared_task
def resume_polls() -> None:
    """Polls completed orders again that rest before their organization's days are over. Of several
    schedulers' ticks, one does the work."""
    now = timezone.now()
    if Heartbeat.acquire_tick("resume_polls", now, RETENTION_EVERY):
        poll_schedule.resume(now)


@shared_task
def send_notices() -> None:
    """Tells people what they have to know. Of several schedulers' ticks, one a minute does the work."""
    now = timezone.now()
    if Heartbeat.acquire_tick("notices", now, NOTICES_EVERY):
        dispatch.send_notifications(now)
