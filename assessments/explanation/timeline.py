"""The timeline: the events, calls and updates of one order in one list, newest first."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assessments.models import AshbyUpdate, CallAttempt, InboundRequest, Order, OrderEvent
from integrations.text import format_utc


@dataclass(frozen=True)
class Detail:
    """A labelled text that is folded away. ``is_code``: a message of a partner, redacted."""

    label: str
    text: str
    is_code: bool = False


@dataclass(frozen=True)
class TimelineEntry:
    """An entry of the timeline. ``source`` is ashby, justifacts, portal or person, and ``who`` its label;
    ``tone`` is ok, ask (for a problem) or plain."""

    at: datetime
    source: str
    who: str
    what: str
    tone: str = "plain"
    details: tuple[Detail, ...] = ()


def timeline(order: Order) -> list[TimelineEntry]:
    """All entries, newest first. The number of queries does not depend on the length of the history."""
    attempts: defaultdict[int | None, list[CallAttempt]] = defaultdict(list)
    for attempt in order.attempts.all():
        attempts[attempt.update_id].append(attempt)
    entries = [
        *map(_event, order.events.all()),
        *(entry for update in order.updates.all() for entry in _update(update, attempts[update.pk])),
        *map(_attempt, attempts[None]),
        *map(_call, order.inbound_requests.all()),
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


Kind = OrderEvent.Kind
_PROBLEMS = {
    *(Kind.NEEDS_ATTENTION, Kind.PAUSED, Kind.PLACEMENT_UNKNOWN, Kind.PLACEMENT_INTERRUPTED),
    *(Kind.REJECTED, Kind.UNKNOWN_STATUS, Kind.STALLED),
}


def _event(event: OrderEvent) -> TimelineEntry:
    tone = "ask" if event.kind in _PROBLEMS else "ok" if event.kind == Kind.COMPLETED else "plain"
    return TimelineEntry(event.at, event.source, event.get_source_display(), event.summary, tone)


def _by_portal(at: datetime, what: str, tone: str, *details: Detail) -> TimelineEntry:
    return TimelineEntry(at, "portal", _("the portal"), what, tone, details)


def _update(update: AshbyUpdate, attempts: list[CallAttempt]) -> Iterator[TimelineEntry]:
    """One entry for the failed attempts, if any, and one for the outcome."""
    failed = [attempt for attempt in attempts if attempt.outcome != "taken"]
    taken = [attempt for attempt in attempts if attempt.outcome == "taken"]
    body = Detail(_("Request body"), _pretty(update.payload), is_code=True)
    if failed:
        times = ngettext("%(count)d attempt", "%(count)d attempts", len(failed)) % {"count": len(failed)}
        why = failed[-1].message or failed[-1].outcome
        what = _("Could not send “%(what)s” to Ashby (%(times)s): %(why)s")
        what %= {"what": update.summary, "times": times, "why": why}
        details = (detail for attempt in reversed(failed[-10:]) for detail in _attempt_details(attempt))
        yield _by_portal(failed[-1].at, what, "ask", *details, body)
    if update.delivered_at is None:
        yield _by_portal(update.created_at, _undelivered_text(update), "plain", body)
        return
    warnings = (Detail(_("Warning from Ashby"), str(warning)) for warning in update.warnings)
    times = ngettext("after %(count)d attempt", "after %(count)d attempts", len(attempts))
    what = _("Ashby accepted “%(what)s” %(times)s.")
    what %= {"what": update.summary, "times": times % {"count": len(attempts)}}
    details = (detail for attempt in taken for detail in _attempt_details(attempt))
    yield _by_portal(update.delivered_at, what, "ok", *details, *warnings, body)


def _undelivered_text(update: AshbyUpdate) -> str:
    texts = {
        AshbyUpdate.State.WAITING: _("“%(what)s” is waiting to be sent to Ashby."),
        AshbyUpdate.State.REFUSED: _("“%(what)s” was refused by Ashby and needs attention."),
        AshbyUpdate.State.SKIPPED: _("“%(what)s” was skipped and not sent to Ashby."),
    }
    return texts[AshbyUpdate.State(update.state)] % {"what": update.summary}


def _attempt(attempt: CallAttempt) -> TimelineEntry:
    taken = attempt.outcome == "taken"
    what = {
        CallAttempt.Call.PLACE: _("The order was sent to Justifacts: %(outcome)s"),
        CallAttempt.Call.LOOK_UP: _("The order was looked up at Justifacts: %(outcome)s"),
        CallAttempt.Call.CANCEL: _("A cancellation was sent to Justifacts: %(outcome)s"),
    }[CallAttempt.Call(attempt.call)]
    outcome = _("answered.") if taken else attempt.message or attempt.outcome
    what %= {"outcome": outcome}
    return _by_portal(attempt.at, what, "plain" if taken else "ask", *_attempt_details(attempt))


def _attempt_details(attempt: CallAttempt) -> Iterator[Detail]:
    outcomes = {
        "taken": _("accepted"),
        "not_sent": _("not sent"),
        "unknown": _("unknown"),
        "refused": _("refused"),
        "unauthorized": _("key refused"),
    }
    status = f" (HTTP {attempt.http_status})" if attempt.http_status else ""
    at = format_utc(attempt.at, seconds=True)
    outcome = f"{outcomes.get(attempt.outcome, attempt.outcome)}{status}"
    values = {"at": at, "outcome": outcome, "count": attempt.milliseconds}
    yield Detail(_("Attempt"), _("%(at)s: %(outcome)s, %(count)d ms") % values)
    if attempt.request_id:
        yield Detail(_("Ashby’s request id"), attempt.request_id)
    if attempt.answer:
        yield Detail(_("Response (shortened, redacted)"), attempt.answer, is_code=True)


def _call(call: InboundRequest) -> TimelineEntry:
    who = call.get_source_display()
    outcome = f"{call.http_status} {call.outcome.replace('_', ' ')}"
    what = _("%(who)s called %(name)s: %(outcome)s") % {"who": who, "name": call.name, "outcome": outcome}
    details = (
        *([Detail(_("Response"), call.message)] if call.message else []),
        Detail(_("Our request id"), call.request_id),
        Detail(_("Request body (redacted)"), _pretty(call.body), is_code=True),
    )
    tone = "ask" if call.http_status >= 400 else "plain"
    return TimelineEntry(call.received_at, call.source, who, what, tone, details)


def _pretty(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2)


def sources(entries: Iterable[TimelineEntry]) -> list[tuple[str, str]]:
    """The sources in a timeline and their labels, for a filter."""
    return sorted({(entry.source, entry.who) for entry in entries})
