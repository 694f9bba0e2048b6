"""What has to be done after the database was restored from a backup: the world went on meanwhile."""

from dataclasses import dataclass
from datetime import datetime

from assessments.models import Event, NextCall, Order, Update
from assessments.statuses import Status
from integrations.models import Organization

from .changing import changing, record
from .erasure_journal import erase_again
from .journal import KEPT, make_again
from .scheduling import schedule


@dataclass(frozen=True)
class Restored:
    made_again: int
    looked_up: int
    polled: int
    erased_again: int


def after_restore(now: datetime) -> Restored:
    """Makes forgotten orders again, asks Justifacts before anything is placed, polls every open order at
    once, and erases again what was erased on request. May be run twice, and on a database that was not
    restored, while no worker runs."""
    made = sum(len(make_again(organization, now - KEPT)) for organization in Organization.objects.all())
    Update.objects.exclude(claim_token=None).update(claim_token=None, claimed_until=None)
    to_place = list(Order.objects.filter(next_call=NextCall.PLACE).values_list("pk", flat=True))
    for pk in to_place:
        with changing(pk) as order:
            schedule(order, NextCall.LOOK_UP, now)
            order.call_failing_since = now
            record(
                order,
                Event.Source.PORTAL,
                "looked_up_first",
                "The database was restored: the portal asks Justifacts whether it has this order before it "
                "places it.",
            )
    # Completed orders keep their own times: there may be sixty days of them.
    open_orders = Order.objects.filter(next_call=NextCall.POLL).exclude(status=Status.COMPLETE)
    polled = open_orders.update(next_call_at=now, claim_token=None, claimed_until=None)
    return Restored(made, len(to_place), polled, erase_again(now))
