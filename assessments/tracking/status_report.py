"""A message from Justifacts as the portal reads it, and whether it is older than what is known.

Times. A message that carries no time, or one that is more than a day ahead, counts as said now: the portal's
own time stands in, and the order remembers that. ``m`` is the message's own time, ``k`` that of the last
message that was applied:

    m is missing, or m >= k                                        current
    m < k, and a message with this time, status and result was
        applied before                                             duplicate
    m < k, and k is the portal's own time                          current
    m < k, both Justifacts' own, and a clock explains it           current
        m is in whole seconds, and less than a second earlier
        m is a whole number of quarters of an hour earlier, at
            most 14 hours, give or take a minute: a time zone
        m is at most two minutes earlier, and Justifacts says so
            when it is asked: skew between its own servers
    m < k, otherwise                                               older

Pushes may overtake each other by some minutes, so skew explains only an answer to a question asked now.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from assessments.models import Order
from assessments.outbox.compose import LONGEST_RESULT, stored_result
from assessments.statuses import Status, result_of, status_of
from assessments.text import epoch_ms
from assessments.tracking.report_url import url_in
from integrations.partner_protocol.messages import AssessmentUpdate
from integrations.text import format_utc

#: How a message came that says what is true at this moment, because Justifacts was asked for it.
ASKED = frozenset({"when polled", "when asked", "when reconciled"})
#: The longest status that is kept.
_LONGEST = 500
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
class StatusReport:
    """``text``: Justifacts' status word for word. ``target``: the status that the message stands for, None
    for a word that the portal does not know. ``result`` and ``report``: empty where the message has none.
    ``result`` is what is stored, without the candidate's name; ``result_as_said`` is what Ashby is told."""

    message: AssessmentUpdate
    how: str
    now: datetime
    text: str
    target: Status | None
    result: str
    result_as_said: str
    report: str
    time: int | None

    @property
    def is_asked(self) -> bool:
        return self.how in ASKED

    @property
    def unknown_word(self) -> str:
        return self.text if self.text and status_of(self.text) is None else ""


def read_status_report(order: Order, message: AssessmentUpdate, how: str, now: datetime) -> StatusReport:
    """Reads a message about this order."""
    text = str(message.status.value).strip()[:_LONGEST] if message.status else ""
    said = result_of(str(message.result.value))[:LONGEST_RESULT] if message.result else ""
    time = message.timestamp
    if time is not None and time > epoch_ms(now + _FAR_FUTURE):
        time = None
    return StatusReport(
        message=message,
        how=how,
        now=now,
        text=text,
        target=status_for(message, text),
        result=stored_result(order, said),
        result_as_said=said,
        report=url_in(message.profile_url),
        time=time,
    )


def status_for(message: AssessmentUpdate, text: str) -> Status | None:
    """A ``cancelled_reason`` means cancelled and a result means complete, as in Ashby's protocol; else the
    status decides. None for one that the portal does not know."""
    if message.cancelled_reason:
        return Status.CANCELLED
    if message.result:
        return Status.COMPLETE
    return status_of(text)


def age_of(order: Order, heard: StatusReport) -> Age:
    """The table above."""
    known, time = _known(order, heard), heard.time
    if time is None or time >= known:
        return Age.CURRENT
    if _entry(heard) in order.applied_messages:
        return Age.DUPLICATE
    if order.justifacts_time_is_ours or _a_clock_explains(known - time, time, heard.is_asked):
        return Age.CURRENT
    return Age.OLDER


def _known(order: Order, heard: StatusReport) -> int:
    """The time of the last message that was applied. An earlier version of the portal also kept times from
    the far future, such as microseconds, behind which nothing would ever be newer: such a time is none."""
    known = order.justifacts_timestamp
    return known if known <= epoch_ms(heard.now + _FAR_FUTURE) else 0


def _a_clock_explains(earlier_by: int, time: int, is_asked: bool) -> bool:
    quarters = round(earlier_by / _QUARTER)
    is_time_zone = 1 <= quarters <= _MOST_QUARTERS and abs(earlier_by - quarters * _QUARTER) <= _MINUTE
    is_rounded = time % _SECOND == 0 and earlier_by < _SECOND
    return is_time_zone or is_rounded or (is_asked and earlier_by <= _SKEW)


def is_newer(order: Order, heard: StatusReport) -> bool:
    """Whether the message says itself that it is newer than the last one."""
    return heard.time is not None and heard.time > _known(order, heard)


def remember_provider_status(order: Order, heard: StatusReport) -> None:
    """Notes that the message was applied; the caller saves the order."""
    order.justifacts_timestamp = heard.time or epoch_ms(heard.now)
    order.justifacts_time_is_ours = heard.time is None
    if heard.time is not None:
        others = [entry for entry in order.applied_messages if entry != _entry(heard)]
        order.applied_messages = [*others, _entry(heard)][-_KEPT_MESSAGES:]


def _entry(heard: StatusReport) -> list[int | str | None]:
    return [heard.time, heard.text, heard.result]


def at(heard: StatusReport) -> str:
    """When the message was said, for people: " at ..." or nothing."""
    return f" at {in_utc(heard.time)}" if heard.time is not None else ""


def in_utc(milliseconds_since_1970: int) -> str:
    return format_utc(datetime.fromtimestamp(milliseconds_since_1970 / 1000, UTC), seconds=True)
