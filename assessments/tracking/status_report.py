"""Reads a status message from Justifacts, and decides whether it is older than the last one that was applied.

A message without a time, or with a time more than a day ahead, counts as sent now: the portal's own time is
used, and the order records that. ``m`` is the message's own time, ``k`` that of the last message that was
applied:

    m is missing, or m >= k                                        current
    m < k, and a message with this time, status and result was
        applied before                                             duplicate
    m < k, and k is the portal's own time                          current
    m < k, both Justifacts' own, and a clock explains it:          current
        m is in whole seconds, and less than a second earlier
        m is a whole number of quarters of an hour earlier
            (within a minute), at most 14 hours: a time zone
        m is at most two minutes earlier, in an answer to a
            call by the portal: skew between servers
    m < k, otherwise                                               older

Pushes may overtake each other by minutes, so skew is assumed only for an answer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from assessments.models import Order
from assessments.outbox.compose import LONGEST_RESULT, stored_result
from assessments.statuses import Status, result_of, status_of
from assessments.text import epoch_ms, untranslated
from assessments.tracking.report_url import url_in
from integrations.partner_protocol.messages import AssessmentUpdate
from integrations.text import format_utc

#: Values of ``StatusMessage.how`` for messages that answer a call by the portal, and so are true now.
ANSWERS = frozenset({"when polled", "when asked", "when reconciled"})
_KEPT_MESSAGES = 50
_FAR_FUTURE = timedelta(days=1)
_SECOND, _MINUTE, _QUARTER = 1000, 60_000, 15 * 60_000
_MOST_QUARTERS = 14 * 4
_SKEW = 2 * _MINUTE


class Age(Enum):
    CURRENT = auto()
    DUPLICATE = auto()
    OLDER = auto()


@dataclass(frozen=True)
class StatusMessage:
    """``how``: how the message came, for the history ("by push", "when polled"). ``status_text``: Justifacts'
    status verbatim. ``status``: the status that the message means; None if the portal does not know it.
    ``result``: as it is stored, without the candidate's name. ``result_verbatim``: as Ashby gets it. Both and
    ``report_url`` are empty if the message has none. ``timestamp``: milliseconds since 1970; None if it is
    not usable."""

    update: AssessmentUpdate
    how: str
    now: datetime
    status_text: str
    status: Status | None
    result: str
    result_verbatim: str
    report_url: str
    timestamp: int | None

    @property
    def is_answer(self) -> bool:
        """Whether it answers a call that the portal has just made."""
        return self.how in ANSWERS

    @property
    def unknown_status(self) -> str:
        """The status verbatim if the portal does not know it; otherwise empty."""
        return self.status_text if self.status_text and status_of(self.status_text) is None else ""

    @property
    def shown_status(self) -> str:
        return shown_status(self.update)

    @property
    def how_in_history(self) -> str:
        """One phrase for all answers, so that a poll and a reconciliation do not record the same line
        twice."""
        return "when asked" if self.is_answer else self.how


def read_message(order: Order, update: AssessmentUpdate, how: str, now: datetime) -> StatusMessage:
    result = result_of(str(update.result.value))[:LONGEST_RESULT] if update.result else ""
    timestamp = update.timestamp
    if timestamp is not None and timestamp > epoch_ms(now + _FAR_FUTURE):
        timestamp = None
    return StatusMessage(
        update=update,
        how=how,
        now=now,
        status_text=update.status_text,
        status=status_for(update),
        result=stored_result(order, result),
        result_verbatim=result,
        report_url=url_in(update.profile_url),
        timestamp=timestamp,
    )


def status_for(update: AssessmentUpdate) -> Status | None:
    """A ``cancelled_reason`` means cancelled and a result means complete, as in Ashby's protocol; otherwise
    the status text decides. None for a status that the portal does not know."""
    if update.cancelled_reason:
        return Status.CANCELLED
    if update.result:
        return Status.COMPLETE
    return status_of(update.status_text)


def shown_status(update: AssessmentUpdate) -> str:
    """The status for people: verbatim, or the name of the status that the message means."""
    status = status_for(update)
    return update.status_text or (untranslated(status.label) if status else "nothing")


def age_of(order: Order, message: StatusMessage) -> Age:
    """Apply the table above."""
    known, timestamp = _known_timestamp(order, message), message.timestamp
    if timestamp is None or timestamp >= known:
        return Age.CURRENT
    if _entry(message) in order.applied_messages:
        return Age.DUPLICATE
    earlier_by = known - timestamp
    if order.justifacts_time_is_ours or _is_clock_difference(earlier_by, timestamp, message.is_answer):
        return Age.CURRENT
    return Age.OLDER


def _known_timestamp(order: Order, message: StatusMessage) -> int:
    """The time of the last message that was applied. Earlier versions also stored times in the far future,
    such as microseconds, after which no message would be current; they count as none."""
    known = order.justifacts_timestamp
    return known if known <= epoch_ms(message.now + _FAR_FUTURE) else 0


def _is_clock_difference(earlier_by: int, timestamp: int, is_answer: bool) -> bool:
    quarters = round(earlier_by / _QUARTER)
    is_time_zone = 1 <= quarters <= _MOST_QUARTERS and abs(earlier_by - quarters * _QUARTER) <= _MINUTE
    is_rounded = timestamp % _SECOND == 0 and earlier_by < _SECOND
    return is_time_zone or is_rounded or (is_answer and earlier_by <= _SKEW)


def is_newer(order: Order, message: StatusMessage) -> bool:
    """Whether the message's own time is later than that of the last message that was applied."""
    return message.timestamp is not None and message.timestamp > _known_timestamp(order, message)


def remember_timestamp(order: Order, message: StatusMessage) -> None:
    """Record on the order that the message was applied. The caller saves the order."""
    order.justifacts_timestamp = message.timestamp or epoch_ms(message.now)
    order.justifacts_time_is_ours = message.timestamp is None
    if message.timestamp is not None:
        others = [entry for entry in order.applied_messages if entry != _entry(message)]
        order.applied_messages = [*others, _entry(message)][-_KEPT_MESSAGES:]


def _entry(message: StatusMessage) -> list[int | str | None]:
    return [message.timestamp, message.status_text, message.result]


def in_utc(milliseconds_since_1970: int) -> str:
    return format_utc(datetime.fromtimestamp(milliseconds_since_1970 / 1000, UTC), seconds=True)
