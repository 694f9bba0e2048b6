"""The worker's edge: fetch, call one service, nudge the next. Messages carry ids only."""

import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from assessments.models import Heartbeat
from assessments.services import deliver as delivering
from assessments.services import notify
from assessments.services import place as placing
from assessments.services import poll as polling
from assessments.services.due import due
from integrations import errands
from integrations.crash_points import reach
from integrations.tasks import broker_answers, nudge, run_errand

__all__ = ["broker_answers", "call_justifacts", "deliver", "nudge", "poll", "sweep"]

SWEEP_EVERY = timedelta(seconds=1.5)
#: A little less than beat's minute, so that a tick that comes early is not passed over.
NOTICES_EVERY = timedelta(seconds=50)
#: How long one task tells updates of one order before it makes room for others.
LANE_SECONDS = 20


@shared_task
def call_justifacts(assessment_id: str) -> None:
    """Places, looks up or cancels one order, whichever is due."""
    if placing.call_justifacts(UUID(assessment_id)):
        deliver_lane(UUID(assessment_id))


@shared_task
def deliver(assessment_id: str) -> None:
    """Tells Ashby what waits for one order, in order."""
    deliver_lane(UUID(assessment_id))


def deliver_lane(assessment_id: UUID) -> None:
    """Tells what waits for one order, in order, as long as Ashby takes it."""
    until = time.monotonic() + LANE_SECONDS
    while delivering.deliver_next(assessment_id):
        if time.monotonic() > until:
            nudge(deliver, str(assessment_id))
            return


@shared_task
def poll(assessment_ids: Sequence[str]) -> None:
    """Asks Justifacts for a batch of orders."""
    for changed in polling.poll([UUID(text) for text in assessment_ids]):
        nudge(deliver, str(changed))


@shared_task
def sweep() -> None:
    """Finds what is due. Of several schedulers' ticks, one a moment does the work."""
    now = timezone.now()
    Heartbeat.beat("worker", now)
    if not Heartbeat.take_turn("sweep", now, SWEEP_EVERY):
        return
    found = due(now)
    reach("sweep.found")
    # A message that is still in the queue when the next sweeps come would only be done twice.
    options = {"expires": 20}
    for assessment_id in found.calls:
        nudge(call_justifacts, str(assessment_id), **options)
    for assessment_id in found.lanes:
        nudge(deliver, str(assessment_id), **options)
    for errand_id in errands.due():
        nudge(run_errand, errand_id, **options)
    for batch in _batches(found.polls):
        nudge(poll, [str(assessment_id) for assessment_id in batch], **options)


@shared_task
def send_notices() -> None:
    """Tells people what they have to know. Of several schedulers' ticks, one a minute does the work."""
    now = timezone.now()
    if Heartbeat.take_turn("notices", now, NOTICES_EVERY):
        notify.send_notices(now)


def _batches(ids: list[UUID]) -> list[list[UUID]]:
    return [ids[start : start + polling.BATCH] for start in range(0, len(ids), polling.BATCH)]
