"""The status summary: the state of an order, what it waits for, and what happens next."""

from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assessments.insights.health import WORK_LATE
from assessments.models import AshbyUpdate, AttentionTopic, ErasureReason, Order, PendingCall
from assessments.orders.transaction import questions
from assessments.statuses import Status, status_of
from assessments.text import format_duration
from assessments.tracking.poll_schedule import polled_until
from integrations.text import format_utc


def status_summary(order: Order, now: datetime) -> str:
    """The summary as one text, in the reader's language."""
    return " ".join(paragraphs(order, now))


def paragraphs(order: Order, now: datetime) -> list[str]:
    """The summary for a page: a paragraph for each open question, one for a stall, and one for the rest."""
    if order.erased_at:
        return [_erased(order, order.erased_at)]
    questions_first = [*(question.reason for question in questions(order)), order.stall_reason]
    rest = " ".join(_sentence(part) for part in (_at_justifacts(order, now), _at_ashby(order, now)) if part)
    return [_sentence(part) for part in (*questions_first, rest) if part]


def _erased(order: Order, erased_at: datetime) -> str:
    values = {
        "status": order.get_status_display(),
        "since": format_utc(order.completed_at or order.status_since),
        "when": format_utc(erased_at),
    }
    if order.erasure_reason == ErasureReason.REQUEST:
        text = _(
            "“%(status)s” since %(since)s. The candidate’s data was erased on %(when)s at the "
            "candidate’s request; anonymous figures are kept."
        )
    else:
        text = _(
            "“%(status)s” since %(since)s. The candidate’s data was erased on %(when)s, at the "
            "end of its retention period; anonymous figures are kept."
        )
    return text % values


def _at_justifacts(order: Order, now: datetime) -> str:
    if order.has_ended:
        return _after_the_end(order, now)
    values = {
        "since": format_utc(order.status_since),
        "when": _when(order, order.next_attempt_at, now),
        "why": _sentence(order.last_call_error),
        "attempts": _attempts(order.call_failures),
        "status": order.justifacts_status or order.get_status_display(),
    }
    if order.next_call in (PendingCall.PLACE, PendingCall.LOOK_UP) and order.needs_attention:
        return _("Next attempt %(when)s.") % values
    if order.next_call == PendingCall.LOOK_UP:
        text = _(
            "It is not known whether Justifacts accepted the order; the portal looks it up %(when)s. %(why)s"
        )
    elif order.next_call == PendingCall.PLACE and order.call_failures:
        text = _("Not yet sent to Justifacts after %(attempts)s: %(why)s Next attempt %(when)s.")
    elif order.next_call == PendingCall.PLACE:
        text = _("Accepted on %(since)s; it will be sent to Justifacts %(when)s.")
    elif order.next_call == PendingCall.NONE:
        text = _("“%(status)s” since %(since)s. The portal is no longer polling Justifacts.")
    else:
        text = _polled(order)
    return text % values


def _polled(order: Order) -> str:
    """The sentence for an order that is polled, as a format string."""
    failure = " " + _("The last poll failed: %(why)s") if order.last_call_error else ""
    if order.status_unrecognized or (order.justifacts_status and status_of(order.justifacts_status) is None):
        text = _(
            "Justifacts reports “%(status)s”, a status that the portal does not recognize; Ashby "
            "shows it unchanged. Next poll %(when)s."
        )
    else:
        text = _("“%(status)s” since %(since)s. Next poll %(when)s.")
    return text + failure


def _after_the_end(order: Order, now: datetime) -> str:
    values = {
        "since": format_utc(order.completed_at or order.status_since),
        "when": _when(order, order.next_attempt_at, now),
        "reason": _sentence(order.closing_reason),
        "result": order.result,
        "status": order.justifacts_status,
        "why": order.last_call_error,
    }
    if order.status == Status.REJECTED:
        return _("Justifacts refused the order on %(since)s: %(reason)s") % values
    if order.status == Status.COMPLETE:
        return _completed(order, now) % values
    text = _("Cancelled since %(since)s: %(reason)s")
    if order.next_call == PendingCall.CANCEL:
        text += " " + _("The portal cancels the order at Justifacts %(when)s. %(why)s")
    elif order.next_call in (PendingCall.PLACE, PendingCall.LOOK_UP):
        text += " " + _("It is not known whether Justifacts has the order; the portal looks it up %(when)s.")
    elif order.next_call == PendingCall.POLL:
        text += " " + _("Next poll %(when)s.")
    return text % values


def _completed(order: Order, now: datetime) -> str:
    """The sentences for a completed order, as a format string."""
    text = _("Complete since %(since)s: %(result)s.")
    if order.status_unrecognized:
        text += " " + _("Justifacts has since reported “%(status)s”; Ashby shows that status.")
    until = polled_until(order)
    if until is None:
        return text
    date = date_format(until, "j F Y").replace("%", "%%")
    if order.next_call == PendingCall.POLL and until > now:
        polling = _(
            "The portal polls Justifacts until {date} in case the result changes; next poll %(when)s."
        )
    elif order.next_call == PendingCall.POLL:
        polling = _("Polling for a changed result ended on {date}; one more poll %(when)s.")
    elif until > now:
        polling = _("The portal polls Justifacts until {date} in case the result changes.")
    else:
        polling = _("Polling for a changed result ended on {date}; use “Poll now” to check again.")
    return f"{text} {polling.format(date=date)}"


def _at_ashby(order: Order, now: datetime) -> str:
    """What Ashby has not received yet and why. For an ended order, also that Ashby has everything."""
    updates = list(order.updates.all())
    undelivered = [update for update in updates if update.state in AshbyUpdate.UNDELIVERED]
    if not undelivered:
        return _delivered(updates) if order.has_ended else ""
    connection, first = order.organization.connection, undelivered[0]
    if connection.paused_at:
        text = _("Waiting for Ashby since %(since)s: %(reason)s")
        if probe_at := connection.next_probe_at:
            text += " " + _("Next attempt at %(at)s UTC.") % {"at": f"{probe_at:%H:%M}"}
        return text % {"since": format_utc(connection.paused_at), "reason": connection.pause_reason}
    if first.state == AshbyUpdate.State.REFUSED:
        return _refused(order, first)
    what = _("“%(what)s”") % {"what": first.summary}
    if len(undelivered) > 1:
        what = _("“%(what)s” and %(count)d more") % {"what": first.summary, "count": len(undelivered) - 1}
    values = {
        "what": what,
        "when": _when(order, first.next_attempt_at, now),
        "attempts": _attempts(first.attempt_count),
        "why": _sentence(first.last_error),
    }
    if order.needs_attention and order.attention_topic == AttentionTopic.DELIVERY:
        text = _("The update is sent to Ashby again %(when)s.")  # The question gives the reason.
    elif first.last_error:
        text = _("Could not send %(what)s to Ashby after %(attempts)s: %(why)s Next attempt %(when)s.")
    else:
        text = _("Next update to Ashby %(when)s: %(what)s.")
    return text % values


def _refused(order: Order, first: AshbyUpdate) -> str:
    if order.needs_attention:
        return ""  # The question gives the reason.
    text = _(
        "Ashby refused “%(what)s”: %(why)s This update and those behind it wait until "
        "someone retries or skips it."
    )
    return text % {"what": first.summary, "why": _sentence(first.last_error)}


def _delivered(updates: list[AshbyUpdate]) -> str:
    if not updates:
        return ""
    if updates[-1].state == AshbyUpdate.State.SKIPPED:
        return _("“%(what)s” was not sent to Ashby: it was skipped.") % {"what": updates[-1].summary}
    return _("Ashby has all updates.")


def next_step(order: Order, *, waits_for_ashby: bool, now: datetime) -> str:
    """What happens next, in a few words for a list. Runs no query if the connection is loaded."""
    connection = order.organization.connection
    if order.needs_attention:
        return _("Needs attention")
    if not connection.is_enabled and (waits_for_ashby or order.next_call != PendingCall.NONE):
        return _("Nothing: the connection is disabled")
    if waits_for_ashby and connection.paused_at:
        return _("Paused: Ashby refuses the key")
    if waits_for_ashby:
        return _("Send update to Ashby")
    texts = {
        PendingCall.PLACE: _("Send to Justifacts %(when)s"),
        PendingCall.LOOK_UP: _("Look-up at Justifacts %(when)s"),
        PendingCall.CANCEL: _("Cancel at Justifacts %(when)s"),
        PendingCall.POLL: _("Poll Justifacts %(when)s"),
    }
    if order.next_call not in texts:
        return _("Nothing")
    return texts[PendingCall(order.next_call)] % {"when": _when_in_short(order.next_attempt_at, now)}


def _when_in_short(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return _("later")
    return _("now") if moment <= now else _("in %(length)s") % {"length": format_duration(moment - now)}


def _when(order: Order, moment: datetime | None, now: datetime) -> str:
    if not order.organization.connection.is_enabled:
        return _("once the organization's disabled connection is enabled")
    if moment is None:
        return _("on request")
    if now - moment > WORK_LATE:
        text = _("now (overdue since %(since)s; if this persists, the portal's worker is not running)")
        return text % {"since": format_utc(moment)}
    if moment <= now:
        return _("now")
    at = format_utc(moment) if moment - now >= timedelta(days=1) else f"{moment:%H:%M:%S} UTC"
    return _("in %(length)s (%(at)s)") % {"length": format_duration(moment - now), "at": at}


def _attempts(count: int) -> str:
    return ngettext("one attempt", "%(count)d attempts", count) % {"count": count}


def _sentence(text: str) -> str:
    """The text with a final full stop, which partners' texts often lack."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."
