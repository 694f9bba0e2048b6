"""What a person may set going again: the admin's buttons and the command ``retry``."""

from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from assessments.models import Concern, NextCall, Order, Update
from assessments.orders.staff import record_person
from assessments.orders.transaction import changing, settle
from assessments.text import plain
from integrations.connections.circuit_breaker import wake


def retry(assessment_id: UUID, who: str) -> list[str]:
    """Makes everything that waits due now, and lets a refused update go again. Says what it did.

    An order whose placing is unknown is looked up again, never placed again. What waits for a key
    that works is made due, and waits on.
    """
    now = timezone.now()
    with changing(assessment_id) as order:
        done: list[Promise] = []
        if order.next_call != NextCall.NONE and order.claim_token is None:
            order.next_call_at = now
            what = NextCall(order.next_call).label
            done.append(format_lazy(_("{what} {when}"), what=what, when=_when(order)))
        updates = Update.objects.filter(order=order, claim_token=None)
        waiting = updates.filter(state__in=Update.UNSAID).update(state=Update.State.WAITING, due_at=now)
        if waiting:
            settle(order, Concern.DELIVERY)
            text = ngettext_lazy(
                "tell Ashby {count} waiting update {when}",
                "tell Ashby {count} waiting updates {when}",
                waiting,
            )
            done.append(format_lazy(text, count=waiting, when=_when_told(order)))
        if done:
            wake(order.organization_id, now)
            record_person(order, "retried", f"{who} asked to {' and to '.join(map(plain, done))}.")
    return [str(each) for each in done]


def _when(order: Order) -> Promise:
    if order.organization.connection.is_enabled:
        return _("now")
    return _("as soon as an admin has switched the connection on")


def _when_told(order: Order) -> Promise:
    paused = order.organization.connection.paused_at is not None
    return _("as soon as an admin has chosen a key that works") if paused else _when(order)


def poll_now(assessment_id: UUID, who: str) -> bool:
    """Makes the order's poll due now. False: there is nothing to poll for."""
    with changing(assessment_id) as order:
        if not can_be_polled(order):
            return False
        now = timezone.now()
        order.next_call, order.next_call_at = NextCall.POLL, now
        order.release()
        wake(order.organization_id, now)
        record_person(order, "poll_asked", f"{who} asked Justifacts for the status now.")
    return True


def can_be_polled(order: Order) -> bool:
    """Whether Justifacts has the order and nothing else has to be said to it first. However long ago the
    order ended, and whoever cancelled it."""
    at_rest = order.next_call in (NextCall.POLL, NextCall.NONE) and not order.is_erased
    return at_rest and bool(order.justifacts_order_id)
