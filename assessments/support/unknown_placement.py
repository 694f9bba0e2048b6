"""A placing that stayed unknown, decided by a person who has asked Justifacts: it has the order under
this number, or it has none and the order is placed again."""

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.models import Concern, NextCall, Order
from assessments.orders.staff import NotPossible, changing_by_person, record_person
from assessments.orders.transaction import drop, schedule
from assessments.placement.failures import forget_placing_failures
from assessments.statuses import Status
from assessments.tracking.apply import adopt as adopt_number
from assessments.tracking.order_number import is_taken

_NOT_UNKNOWN = gettext_lazy(
    "Whether Justifacts has this order is not in doubt any more, so there is nothing to decide. "
    "Read the timeline for what happened meanwhile."
)


def placing_stayed_unknown(order: Order) -> bool:
    """Whether only a person can say if Justifacts has the order, and under which number. For a cancelled
    one it may be said at any time: Justifacts is then told to cancel it."""
    if order.justifacts_order_id or order.next_call not in (NextCall.LOOK_UP, NextCall.NONE):
        return False
    is_asked = order.needs_attention and order.attention_concern == Concern.PLACING
    return is_asked or (order.status == Status.CANCELLED and order.next_call == NextCall.LOOK_UP)


def may_be_placed_again(order: Order) -> bool:
    return placing_stayed_unknown(order) and not order.has_ended


def adopt(assessment_id: UUID, number: str, who: str, reason: str) -> None:
    """Justifacts has the order under this number; it is asked for its status at once. A cancelled one
    is cancelled there. Raises ``NotPossible``."""
    number = number.strip()
    now = timezone.now()
    with changing_by_person(assessment_id) as order:
        if not placing_stayed_unknown(order):
            raise NotPossible(_NOT_UNKNOWN)
        if is_taken(order, number):
            raise NotPossible(
                _(
                    "Another order of %(organization)s has the number %(number)s already. Ask Justifacts for "
                    "the number of the order with this order's reference."
                )
                % {"organization": order.organization, "number": number}
            )
        record_person(
            order, "adopted", f"{who} said that Justifacts has this order as number {number}.", reason
        )
        adopt_number(order, number, now)
        if order.next_call == NextCall.POLL:
            schedule(order, NextCall.POLL, now)


def place_again(assessment_id: UUID, who: str, reason: str) -> None:
    """Justifacts has no such order: it is placed once more. Raises ``NotPossible``."""
    with changing_by_person(assessment_id) as order:
        if not may_be_placed_again(order):
            raise NotPossible(_NOT_UNKNOWN)
        if order.claim_token is not None:
            raise NotPossible(_("The portal is asking Justifacts at this moment. Try again in a minute."))
        drop(order, Concern.PLACING)
        # What Justifacts answered before says nothing about this placing.
        forget_placing_failures(order)
        schedule(order, NextCall.PLACE, timezone.now())
        record_person(order, "placed_again", f"{who} had the order placed at Justifacts again.", reason)
