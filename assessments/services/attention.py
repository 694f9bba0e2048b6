"""Questions for a person: each says what happened, why, and what to do.

An order shows one question, and keeps questions about other concerns behind it, so that none of them is lost
when another one is asked or answered.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import datetime

from django.utils import timezone

from assessments.models import Concern, Event, Order
from integrations.redaction import conceal

from .changing import record

#: Which question an order shows first. While a placing is unknown, its question also keeps the portal from
#: placing the order again; while a cancellation is open, its question keeps the order from being erased.
_ORDER = (Concern.PLACING, Concern.CANCEL, Concern.NUMBER, Concern.RESULT, Concern.DELIVERY, Concern.POLL)


@dataclass(frozen=True)
class Question:
    """``since``: ISO 8601."""

    concern: str
    reason: str
    since: str


def questions(order: Order) -> list[Question]:
    """All open questions, the one that is shown first."""
    if not order.needs_attention:
        return []
    since = order.attention_since or timezone.now()
    shown = Question(order.attention_concern, order.attention_reason, since.isoformat())
    return [shown, *(Question(*waiting) for waiting in order.waiting_questions)]


def is_asked(order: Order, concern: Concern) -> bool:
    return any(question.concern == concern for question in questions(order))


def ask_human(order: Order, concern: Concern, reason: str) -> None:
    """Flags the order; a later question about the same concern replaces the earlier. The caller saves it."""
    reason = conceal(reason, order.personal_data)
    open_questions = questions(order)
    same = next((question for question in open_questions if question.concern == concern), None)
    if same is None or same.reason != reason:
        record(order, Event.Source.PORTAL, "needs_attention", reason)
    since = same.since if same else timezone.now().isoformat()
    others = (question for question in open_questions if question.concern != concern)
    _keep(order, [Question(concern, reason, since), *others])


def settle(order: Order, concern: Concern) -> None:
    """Takes the question about this concern back, if there is one; the caller saves the order."""
    if not is_asked(order, concern):
        return
    drop(order, concern)
    rest = "Another question is still open." if order.needs_attention else "No human is needed any more."
    record(order, Event.Source.PORTAL, "attention_settled", f"This settled itself. {rest}")


def drop(order: Order, concern: str) -> None:
    """Like ``settle``, without a line in the history; the caller writes its own."""
    _keep(order, (question for question in questions(order) if question.concern != concern))


def _keep(order: Order, open_questions: Iterable[Question]) -> None:
    places = {concern: place for place, concern in enumerate(_ORDER)}
    ordered = sorted(open_questions, key=lambda question: places.get(Concern(question.concern), len(places)))
    shown = ordered[0] if ordered else None
    order.needs_attention = shown is not None
    order.attention_concern = shown.concern if shown else Concern.NONE
    order.attention_reason = shown.reason if shown else ""
    order.attention_since = datetime.fromisoformat(shown.since) if shown else None
    order.waiting_questions = [list(astuple(question)) for question in ordered[1:]]
