"""Everything that happened to an order, in one list, newest first: what Ashby and Justifacts said, what
the portal told them with each attempt, and what people did."""

import json
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
    """One line of what is folded away; ``is_code``: as it went over the wire, redacted."""

    label: str
    text: str
    is_code: bool = False


@dataclass(frozen=True)
class Moment:
    """``source``: ashby, justifacts, portal or person. ``tone``: ok, ask (trouble) or plain."""

    at: datetime
    source: str
    who: str
    what: str
    tone: str = "plain"
    details: tuple[Detail, ...] = ()


def timeline(order: Order) -> list[Moment]:
    """The same number of queries, however long the history."""
    updates = list(order.updates.prefetch_related("attempts"))
    attempts = order.attempts.filter(update=None)
    moments = [
        *map(_event, order.events.all()),
        *(moment for update in updates for moment in _update(update)),
        *map(_attempt, attempts),
        *map(_call, order.inbound_requests.all()),
    ]
    return sorted(moments, key=lambda moment: moment.at, reverse=True)


_ASKING = {
    OrderEvent.Kind.NEEDS_ATTENTION,
    OrderEvent.Kind.PAUSED,
    OrderEvent.Kind.PLACING_UNKNOWN,
    OrderEvent.Kind.PLACING_INTERRUPTED,
    OrderEvent.Kind.REJECTED,
    OrderEvent.Kind.UNKNOWN_STATUS,
    OrderEvent.Kind.STALLED,
}


def _event(event: OrderEvent) -> Moment:
    tone = "ask" if event.kind in _ASKING else "ok" if event.kind == OrderEvent.Kind.COMPLETED else "plain"
    return Moment(event.at, event.source, event.get_source_display(), event.summary, tone)


def _update(update: AshbyUpdate) -> Iterator[Moment]:
    """One line for what did not succeed, and one for what came of it."""
    attempts = list(update.attempts.all())
    failed = [attempt for attempt in attempts if attempt.outcome != "taken"]
    sent = Detail(_("Request body"), _pretty(update.payload), is_code=True)
    if failed:
        yield Moment(
            failed[-1].at,
            "portal",
            _("the portal"),
            _not_told(update, failed),
            "ask",
            (*(detail for attempt in reversed(failed[-10:]) for detail in _of_attempt(attempt)), sent),
        )
    if update.delivered_at is None:
        yield Moment(update.created_at, "portal", _("the portal"), _unsaid(update), details=(sent,))
        return
    warnings = tuple(Detail(_("Warning from Ashby"), str(warning)) for warning in update.warnings)
    taken = [attempt for attempt in attempts if attempt.outcome == "taken"]
    tries = ngettext("after %(count)d attempt", "after %(count)d attempts", len(attempts)) % {
        "count": len(attempts)
    }
    yield Moment(
        update.delivered_at,
        "portal",
        _("the portal"),
        _("Ashby accepted “%(what)s” %(tries)s.") % {"what": update.summary, "tries": tries},
        "ok",
        (*(detail for attempt in taken for detail in _of_attempt(attempt)), *warnings, sent),
    )


def _not_told(update: AshbyUpdate, failed: list[CallAttempt]) -> str:
    times = ngettext("%(count)d attempt", "%(count)d attempts", len(failed)) % {"count": len(failed)}
    return _("Could not send “%(what)s” to Ashby (%(times)s): %(why)s") % {
        "what": update.summary,
        "times": times,
        "why": failed[-1].message or failed[-1].outcome,
    }


def _unsaid(update: AshbyUpdate) -> str:
    texts = {
        AshbyUpdate.State.WAITING: _("“%(what)s” is waiting to be sent to Ashby."),
        AshbyUpdate.State.REFUSED: _("“%(what)s” was refused by Ashby and needs attention."),
        AshbyUpdate.State.SKIPPED: _("“%(what)s” was skipped and not sent to Ashby."),
    }
    return texts[AshbyUpdate.State(update.state)] % {"what": update.summary}


def _attempt(attempt: CallAttempt) -> Moment:
    taken = attempt.outcome == "taken"
    what = {
        CallAttempt.Call.PLACE: _("The order was sent to Justifacts: %(outcome)s"),
        CallAttempt.Call.LOOK_UP: _("The order was looked up at Justifacts: %(outcome)s"),
        CallAttempt.Call.CANCEL: _("A cancellation was sent to Justifacts: %(outcome)s"),
    }[CallAttempt.Call(attempt.call)]
    outcome = _("answered.") if taken else attempt.message or attempt.outcome
    tone = "plain" if taken else "ask"
    return Moment(
        attempt.at, "portal", _("the portal"), what % {"outcome": outcome}, tone, tuple(_of_attempt(attempt))
    )


def _of_attempt(attempt: CallAttempt) -> Iterator[Detail]:
    status = f" (HTTP {attempt.http_status})" if attempt.http_status else ""
    at = format_utc(attempt.at, seconds=True)
    outcome = f"{_outcomes().get(attempt.outcome, attempt.outcome)}{status}"
    facts = {"at": at, "outcome": outcome, "count": attempt.milliseconds}
    yield Detail(_("Attempt"), _("%(at)s: %(outcome)s, %(count)d ms") % facts)
    if attempt.request_id:
        yield Detail(_("Ashby’s request id"), attempt.request_id)
    if attempt.answer:
        yield Detail(_("Response (shortened, redacted)"), attempt.answer, is_code=True)


def _outcomes() -> dict[str, str]:
    return {
        "taken": _("accepted"),
        "not_sent": _("not sent"),
        "unknown": _("unknown"),
        "refused": _("refused"),
        "unauthorized": _("key refused"),
    }


def _call(call: InboundRequest) -> Moment:
    refused = call.http_status >= 400
    what = _("%(who)s called %(name)s: %(outcome)s") % {
        "who": call.get_source_display(),
        "name": call.name,
        "outcome": f"{call.http_status} {call.outcome.replace('_', ' ')}",
    }
    return Moment(
        call.received_at,
        call.source,
        call.get_source_display(),
        what,
        "ask" if refused else "plain",
        tuple(_of_call(call)),
    )


def _of_call(call: InboundRequest) -> Iterator[Detail]:
    if call.message:
        yield Detail(_("Response"), call.message)
    yield Detail(_("Our request id"), call.request_id)
    yield Detail(_("Request body (redacted)"), _pretty(call.body), is_code=True)


def _pretty(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2)


def sources(moments: Iterable[Moment]) -> list[tuple[str, str]]:
    """Who speaks in a timeline, for choosing."""
    return sorted({(moment.source, moment.who) for moment in moments})
