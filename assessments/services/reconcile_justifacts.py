"""Justifacts' word on an order against ours."""

from datetime import datetime

from assessments.models import Concern, Difference, Event, NextCall, Order
from assessments.statuses import Status
from integrations.errors import CallFailed
from integrations.justifacts.client import Found, OrderNotFound
from integrations.partner_protocol.messages import AssessmentUpdate

from .changing import record
from .plain import plain
from .scheduling import schedule
from .track import adopt, apply_word, is_news, target_of, without_the_candidate

MENDED, FOR_HUMAN = Difference.Outcome.MENDED, Difference.Outcome.FOR_HUMAN
_What = tuple[str, str]


#: Where one of these has changed since Justifacts was asked, its answer may be older than what is known.
_MOVES = (
    *("status", "status_is_unknown", "justifacts_status", "justifacts_timestamp", "justifacts_order_id"),
    *("result", "report_url", "next_call"),
)


def compare_with_justifacts(
    order: Order, asked: Order, outcome: Found | CallFailed, now: datetime
) -> list[_What]:
    """What differed for this order, and what became of it. The caller holds and saves the order.
    ``asked``: as it was when Justifacts was asked; one that has moved since is no difference."""
    if any(getattr(order, name) != getattr(asked, name) for name in _MOVES):
        return []
    if isinstance(outcome, Found):
        return _found(order, outcome, now)
    if isinstance(outcome, OrderNotFound) and order.justifacts_order_id and not order.has_ended:
        return [
            (
                FOR_HUMAN,
                f"Justifacts does not know order {order.justifacts_order_id} any more. Ask Justifacts "
                "what became of it.",
            )
        ]
    return []


def _found(order: Order, found: Found, now: datetime) -> list[_What]:
    number = found.justifacts_order_id
    if order.justifacts_order_id not in ("", number):
        return [
            (
                FOR_HUMAN,
                f"Justifacts has this order as {number}, the portal as {order.justifacts_order_id}. Ask "
                "Justifacts whether it runs two checks.",
            )
        ]
    what: list[_What] = []
    if not order.justifacts_order_id:
        if order.claim_token is not None:
            # It is being placed or asked about at this moment: that call's answer says the same.
            return []
        record(order, Event.Source.JUSTIFACTS, "adopted", f"Justifacts had taken the order as {number}.")
        adopt(order, number, now)
        what.append(_said(order, f"Justifacts had taken the order as number {number}; it was adopted."))
    if found.word is not None:
        what += _word(order, without_the_candidate(order, found.word), now)
    return what


def _said(order: Order, text: str) -> _What:
    return (FOR_HUMAN, order.attention_reason) if order.needs_attention else (MENDED, text)


def _word(order: Order, word: AssessmentUpdate, now: datetime) -> list[_What]:
    text = str(word.status.value).strip()[:500] if word.status else ""
    target = target_of(word, text)
    if order.has_ended:
        return _after_the_end(order, word, target, text, now)
    if target is not None and target != order.status and not _is_ahead(order, target):
        return [
            (
                FOR_HUMAN,
                f"Justifacts says “{text}”, and the portal knows it as "
                f"“{plain(Status(order.status).label)}” already. Ask Justifacts which is true.",
            )
        ]
    if is_news(order, word) and apply_word(order, word, "when reconciled", now):
        said = plain(Status(order.status).label)
        return [(MENDED, f"Justifacts says “{text or said}”; the order was moved on, and Ashby is told.")]
    return []


def _is_ahead(order: Order, target: Status) -> bool:
    ranks = list(Status)
    return ranks.index(target) > ranks.index(Status(order.status))


def _after_the_end(
    order: Order, word: AssessmentUpdate, target: Status | None, text: str, now: datetime
) -> list[_What]:
    if order.status == Status.COMPLETE:
        if target != Status.COMPLETE:
            return [(FOR_HUMAN, f"The check is complete here, and Justifacts says “{_words(target, text)}”.")]
        if is_news(order, word) and apply_word(order, word, "when reconciled", now):
            return [(MENDED, f"Justifacts changed the result: {order.result}; Ashby is told.")]
        return []
    if target == Status.CANCELLED:
        apply_word(order, word, "when reconciled", now)
        return []
    if order.status == Status.REJECTED:
        return [
            (
                FOR_HUMAN,
                f"Justifacts had refused this order, and runs it now (“{_words(target, text)}”). Ask "
                "Justifacts to cancel it.",
            )
        ]
    return _cancelled_here(order, word, target, text, now)


def _cancelled_here(
    order: Order, word: AssessmentUpdate, target: Status | None, text: str, now: datetime
) -> list[_What]:
    if target == Status.COMPLETE:
        apply_word(order, word, "when reconciled", now)
        return [(FOR_HUMAN, order.attention_reason or "Justifacts completed a check that was cancelled.")]
    if order.needs_attention and order.attention_concern == Concern.CANCEL:
        return [(FOR_HUMAN, order.attention_reason)]
    if order.next_call == NextCall.CANCEL:
        return []
    schedule(order, NextCall.CANCEL, now)
    record(
        order,
        Event.Source.PORTAL,
        "cancel_again",
        f"Justifacts goes on with this cancelled check (“{_words(target, text)}”); it is told again to stop.",
    )
    return [(MENDED, "It is cancelled, and Justifacts went on with it; Justifacts is told again to stop.")]


def _words(target: Status | None, text: str) -> str:
    return text or (plain(target.label) if target else "nothing")
