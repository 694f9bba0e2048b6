"""Why an order cannot be erased now; and legal holds, under which it is erased neither by retention nor on
request."""

from uuid import UUID

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assessments.models import AshbyUpdate, AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.statuses import Status

UNDER_HOLD = _("The order is under legal hold. Lift the hold first if it is no longer needed.")
ACTIVE = _("The check is in progress (“{status}”). Cancel it or wait until it ends, then repeat the erasure.")
UNDELIVERED = _(
    "Ashby does not know yet how the check ended. Retry or skip the pending updates on "
    "the order’s page, then repeat the erasure."
)
CANCELLATION_PENDING = _(
    "Justifacts does not know yet that the check was cancelled. Retry the cancellation "
    "on the order’s page, then repeat the erasure."
)
NEEDS_ATTENTION = _(
    "The order needs attention: the check may still be running at Justifacts. Settle "
    "this, select “Resolve” on the order’s page, then repeat the erasure."
)

#: The check may still be in progress at Justifacts, or staff must find out. If the order were erased, nobody
#: would cancel the check, and it would be billed.
_SETTLED_CALLS = [PendingCall.NONE, PendingCall.POLL]
_UNSETTLED_TOPICS = [AttentionTopic.PLACING, AttentionTopic.CANCEL]
UNSETTLED_AT_JUSTIFACTS = ~Q(next_call__in=_SETTLED_CALLS) | Q(
    needs_attention=True, attention_topic__in=_UNSETTLED_TOPICS
)


def is_unsettled_at_justifacts(order: Order) -> bool:
    """Whether ``UNSETTLED_AT_JUSTIFACTS`` holds for an order that is loaded."""
    is_asked = order.needs_attention and order.attention_topic in _UNSETTLED_TOPICS
    return order.next_call not in _SETTLED_CALLS or is_asked


def why_not_erasable(order: Order) -> str | Promise:
    """Why the order cannot be erased now and what to do about it; empty if it can be erased."""
    if order.legal_hold:
        return UNDER_HOLD
    if not order.has_ended:
        return format_lazy(ACTIVE, status=Status(order.status).label)
    if order.updates.filter(state__in=AshbyUpdate.UNDELIVERED).exists():
        return UNDELIVERED
    if order.next_call not in (PendingCall.NONE, PendingCall.POLL):
        return CANCELLATION_PENDING
    if order.needs_attention:
        return NEEDS_ATTENTION
    return ""


def place_hold(assessment_id: UUID, by: str, reason: str) -> None:
    """Keeps the order's data until the hold is lifted. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if order.legal_hold:
            raise NotPossible(gettext("This order is already under legal hold."))
        order.legal_hold, order.legal_hold_reason = True, reason.strip()
        text = f"{by} put the order under a legal hold."
        record_staff_action(order, OrderEvent.Kind.LEGAL_HOLD_PLACED, text, reason)


def lift_hold(assessment_id: UUID, by: str, reason: str) -> None:
    """Ends the hold; an order past its retention is erased within minutes. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if not order.legal_hold:
            raise NotPossible(gettext("This order is not under legal hold."))
        order.legal_hold, order.legal_hold_reason = False, ""
        record_staff_action(order, OrderEvent.Kind.LEGAL_HOLD_LIFTED, f"{by} lifted the legal hold.", reason)
