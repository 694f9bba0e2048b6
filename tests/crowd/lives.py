"""What can become of an order, told step by step, as the portal would have written it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from assessments.models import Concern, Event, NextCall, Order, Update
from assessments.statuses import ASHBY_LABELS, SENDING_LABEL, Status

from . import words

ASHBY, JUSTIFACTS, PORTAL = Event.Source.ASHBY, Event.Source.JUSTIFACTS, Event.Source.PORTAL
DAY = timedelta(days=1)


@dataclass
class Said:
    """One update for Ashby."""

    at: datetime
    summary: str
    state: Update.State = Update.State.DELIVERED
    error: str = ""
    tries: int = 1


@dataclass
class Life:
    """An order and what happened to it until ``now``; its fate calls the steps in their order."""

    order: Order
    number: str
    turnaround: timedelta
    rng: Random
    now: datetime
    at: datetime = field(init=False)
    events: list[tuple[datetime, str, str, str]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.at = self.order.created_at
        self.event(ASHBY, "started", f"Ashby started “{self.order.package}” for this application.")

    # --- Steps ------------------------------------------------------------------------------------

    def event(self, source: Event.Source, kind: str, summary: str) -> None:
        self.events.append((self.at, source, kind, summary))

    def tell(self, summary: str) -> None:
        self.said.append(Said(self.at, summary))

    def after(self, share: float) -> None:
        """Time goes by: a share of what is left between the last step and now."""
        self.at += (self.now - self.at) * share

    def status(self, status: Status, word: str) -> None:
        order = self.order
        order.status, order.status_since, order.justifacts_status = status, self.at, word
        for label in ASHBY_LABELS.get(status, ()):
            self.tell(label)

    def placed(self) -> None:
        order = self.order
        self.at += timedelta(seconds=self.rng.uniform(1, 20))
        order.justifacts_order_id, order.placed_at = self.number, self.at
        order.next_call, order.next_call_at = NextCall.POLL, self.now + self.rng.random() * DAY / 24
        order.polled_at = max(self.at, self.now - self.rng.random() * DAY / 24)
        self.event(JUSTIFACTS, "placed", f"Justifacts took the order as number {self.number}.")
        self.status(Status.RECEIVED, "Justifacts Received")

    def moves(self, status: Status, word: str) -> None:
        self.event(JUSTIFACTS, "status", f"Justifacts said “{word}” by push.")
        self.status(status, word)

    def applicant_starts(self, share: float) -> None:
        self.after(share)
        self.moves(Status.APPLICANT_STARTED, "Applicant Started")

    def is_processed(self, share: float) -> None:
        self.after(share)
        self.moves(Status.IN_PROCESS, "In Process: Justifacts")

    def completes(self) -> None:
        order = self.order
        self.at = order.created_at + self.turnaround
        order.completed_at = self.at
        order.turnaround_minutes = int(self.turnaround.total_seconds() // 60)
        order.result = self.rng.choices(["Clear", "Review", "Adverse", "Complete"], [83, 11, 4, 2])[0]
        order.report_url = f"https://reports.example.com/{self.number}"
        self.event(JUSTIFACTS, "completed", f"Justifacts completed the check by push: {order.result}.")
        self.status(Status.COMPLETE, "Complete")
        self.said[-1].summary = f"Complete: {order.result}"
        if self.now - self.at > DAY:
            self.rests()

    def ends(self, status: Status, reason: str, source: Event.Source, kind: str) -> None:
        self.order.status, self.order.status_since, self.order.end_reason = status, self.at, reason
        self.event(source, kind, f"The check was {status.label.lower()}: {reason}")
        self.tell(f"Cancelled: {reason}")
        self.rests()

    def rests(self) -> None:
        self.order.next_call, self.order.next_call_at = NextCall.NONE, None

    def asks(self, concern: Concern, reason: str) -> None:
        """A human is needed, since a while after the last step."""
        self.after(self.rng.uniform(0.1, 0.7))
        order = self.order
        order.needs_attention, order.attention_concern = True, concern
        order.attention_reason, order.attention_since = reason, self.at
        self.event(PORTAL, "needs_attention", reason)

    def fails(self, call: NextCall, error: str, times: int) -> None:
        order = self.order
        order.next_call, order.call_error, order.call_failures = call, error, times
        order.call_failing_since = self.at
        order.next_call_at = self.now + timedelta(minutes=self.rng.uniform(1, 50))


# --- Fates ------------------------------------------------------------------------------------------


def complete(life: Life) -> None:
    begun = life.order.created_at + life.turnaround
    until, life.now = life.now, begun
    life.placed()
    life.applicant_starts(life.rng.uniform(0.05, 0.4))
    life.is_processed(life.rng.uniform(0.05, 0.3))
    life.now = until
    life.completes()


def accepted(life: Life) -> None:
    life.order.next_call_at = life.now


def not_sent(life: Life) -> None:
    life.fails(NextCall.PLACE, words.SLOW, life.rng.randint(3, 6))


def not_known(life: Life) -> None:
    life.at += timedelta(seconds=21)
    life.event(
        PORTAL,
        "placing_unknown",
        f"Whether Justifacts took the order is not known: {words.SLOW} The portal asks Justifacts.",
    )
    life.fails(NextCall.LOOK_UP, words.SLOW, life.rng.randint(1, 4))


def not_known_for_a_human(life: Life) -> None:
    not_known(life)
    life.asks(
        Concern.PLACING,
        "Whether Justifacts took the order is not known, and Justifacts gives no certain answer: "
        f"{words.SLOW} The portal goes on asking, but will not place the order again. Ask Justifacts "
        "whether it has an order with this reference.",
    )


def received(life: Life) -> None:
    life.placed()


def applicant_started(life: Life) -> None:
    life.placed()
    life.applicant_starts(life.rng.uniform(0.02, 0.2))


def in_process(life: Life) -> None:
    applicant_started(life)
    life.is_processed(life.rng.uniform(0.02, 0.2))


def unknown_word(life: Life) -> None:
    life.rng.choice([received, in_process])(life)
    life.after(life.rng.uniform(0.1, 0.6))
    word = life.rng.choice(words.UNKNOWN_WORDS)
    life.order.justifacts_status, life.order.status_is_unknown = word, True
    life.event(
        JUSTIFACTS,
        "unknown_status",
        f"Justifacts said “{word}” by push, a status that we do not know; Ashby is told so as it stands.",
    )
    life.tell(word)


def cancelled(life: Life) -> None:
    life.placed()
    life.after(life.rng.uniform(0.01, 0.1))
    reason = life.rng.choice(words.CANCEL_REASONS)
    life.ends(Status.CANCELLED, reason, ASHBY if "Ashby" in reason else JUSTIFACTS, "cancelled")


def cancel_refused(life: Life) -> None:
    life.placed()
    life.after(life.rng.uniform(0.1, 0.3))
    life.ends(Status.CANCELLED, "Cancelled in Ashby", ASHBY, "cancelled")
    life.asks(
        Concern.CANCEL,
        f"Justifacts did not cancel order {life.number}: the report is nearly complete. The check may go "
        "on there and be billed. Call Justifacts to settle it.",
    )


def rejected(life: Life) -> None:
    life.at += timedelta(seconds=life.rng.uniform(1, 9))
    life.ends(Status.REJECTED, life.rng.choice(words.REFUSALS), JUSTIFACTS, "rejected")


def refused_by_ashby(life: Life) -> None:
    in_process(life)
    last = life.said[-1]
    last.state, last.error = Update.State.REFUSED, "Ashby: invalid_input. The assessment was archived."
    life.asks(
        Concern.DELIVERY,
        f"Ashby refused “{last.summary}” for good: {last.error} Later updates of this order wait for it. "
        "Retry it once the cause is mended, or set it aside so that the later ones can go.",
    )


def ashby_is_away(life: Life) -> None:
    in_process(life)
    life.after(life.rng.uniform(0.9, 0.999))
    life.tell("Pending Court Records")
    _is_waiting(life)


def ashby_is_away_for_a_day(life: Life) -> None:
    applicant_started(life)
    _is_waiting(life)
    life.at = max(life.at, life.now - DAY)
    life.asks(
        Concern.DELIVERY,
        f"Ashby could not be told “{life.said[-1].summary}” for more than a day: {words.AWAY} The portal "
        "goes on trying every hour.",
    )


def _is_waiting(life: Life) -> None:
    last = life.said[-1]
    last.state, last.error, last.tries = Update.State.WAITING, words.AWAY, life.rng.randint(1, 5)


@dataclass(frozen=True)
class Fate:
    """What becomes of a share of the orders, and how old they are, in days."""

    live: Callable[[Life], None]
    weight: float
    youngest: float
    oldest: float


#: The first orders go through this table once, so that a small crowd has everything.
FATES = [
    Fate(complete, 79, 0, 120),
    Fate(in_process, 6, 1, 9),
    Fate(received, 3, 0.05, 2.9),
    Fate(applicant_started, 3, 0.3, 6),
    Fate(cancelled, 3.6, 0.5, 120),
    Fate(rejected, 1.6, 0.1, 120),
    Fate(accepted, 0.1, 0.0001, 0.002),
    Fate(not_sent, 0.05, 0.012, 0.04),
    Fate(not_known, 0.1, 0.001, 0.008),
    Fate(received, 0.5, 3.5, 8),
    Fate(applicant_started, 0.4, 10, 16),
    Fate(in_process, 0.5, 20, 30),
    Fate(unknown_word, 0.7, 1, 6),
    Fate(ashby_is_away, 0.4, 1, 5),
    Fate(not_known_for_a_human, 0.15, 0.2, 1.5),
    Fate(cancel_refused, 0.2, 1, 9),
    Fate(refused_by_ashby, 0.4, 1, 8),
    Fate(ashby_is_away_for_a_day, 0.2, 1.5, 4),
]


def ids(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


def choose(index: int, rng: Random) -> Fate:
    return FATES[index] if index < len(FATES) else rng.choices(FATES, [fate.weight for fate in FATES])[0]


def body_of(order: Order, said: Said, timestamp: int) -> dict[str, Any]:
    """The update as it goes to Ashby."""
    package = {"identifier": "package", "label": "Package", "type": "string", "value": order.package.label}
    body: dict[str, Any] = {"assessment_id": str(order.pk), "timestamp": timestamp, "metadata": [package]}
    kind, _colon, rest = said.summary.partition(": ")
    if kind == "Cancelled":
        return body | {"cancelled_reason": _string("cancelled_reason", rest)}
    if kind != "Complete":
        return body | {"assessment_status": _string("status", said.summary or SENDING_LABEL)}
    turnaround = {"identifier": "turnaround", "label": "Turnaround", "value": order.turnaround_minutes or 0}
    body["metadata"].append({**turnaround, "type": "numeric_duration_minutes"})
    return body | {
        "assessment_status": _string("status", kind),
        "assessment_result": _string("result", rest),
        "assessment_profile_url": {**_string("report", order.report_url), "type": "url"},
    }


def _string(identifier: str, value: str) -> dict[str, Any]:
    return {"identifier": identifier, "label": identifier.title(), "type": "string", "value": value}
