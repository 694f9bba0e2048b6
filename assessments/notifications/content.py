"""The content of notifications: the difference between the present state and what the recipient was last
notified of; for the digest, an organization's day."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from assessments.models import AshbyUpdate, NotificationState, Order
from assessments.outbox.compose import order_url
from assessments.stalled.detect import IS_STALLED
from assessments.statuses import NO_RESULT, RESULTS, Status
from integrations.models import Connection, Organization
from integrations.redaction import redact_text

#: A partner counts as broken only after it has failed for this long; paused deliveries count at once.
BROKEN_AFTER = timedelta(minutes=5)
#: The age at which a flag is notified. A younger flag might have an older one behind it whose transaction has
#: not ended, and which would be missed.
SETTLED_AFTER = timedelta(seconds=30)
LISTED = 10
REASON_CHARACTERS = 300


@dataclass(frozen=True)
class Content:
    """``context`` is for the templates, or None if there is nothing to send. ``changes`` are fields of
    ``NotificationState`` to save afterwards."""

    context: dict[str, Any] | None
    changes: dict[str, datetime | None]


@dataclass(frozen=True)
class PartnerProblem:
    """The present state of one partner of a connection, and the failure that was last notified."""

    name: str
    problem: str
    failing_since: datetime | None
    broken_since: datetime | None
    is_paused: bool = False
    notified_since: datetime | None = None

    @property
    def is_new(self) -> bool:
        """Whether the partner is broken and this failure was not notified."""
        last = self.notified_since
        return self.broken_since is not None and (last is None or self.broken_since > last)

    @property
    def recovered_in_between(self) -> bool:
        return self.is_new and self.notified_since is not None

    @property
    def has_recovered(self) -> bool:
        return self.notified_since is not None and not self.problem and not self.is_paused

    @property
    def broken_since_to_record(self) -> datetime | None:
        return None if self.has_recovered else self.broken_since or self.notified_since


def connection_content(organization: Organization, state: NotificationState, now: datetime) -> Content | None:
    """A new failure of a partner; or, after a notified failure, that the whole connection works again."""
    partners = list(_partners(organization.connection, state, now))
    broken = [partner for partner in partners if partner.broken_since]
    recovered = [partner for partner in partners if partner.has_recovered]
    all_work = not any(partner.failing_since or partner.is_paused for partner in partners)
    if not (any(partner.is_new for partner in broken) or (recovered and all_work)):
        return None
    return Content(
        {"broken": broken, "recovered": recovered},
        {f"{partner.name.lower()}_broken_since": partner.broken_since_to_record for partner in partners},
    )


def _partners(connection: Connection, state: NotificationState, now: datetime) -> Iterator[PartnerProblem]:
    for name, paused_at in (("Ashby", connection.paused_at), ("Justifacts", None)):
        problem = getattr(connection, f"{name.lower()}_problem")
        since = getattr(connection, f"{name.lower()}_problem_since") or paused_at
        is_broken = paused_at or (since and now - since >= BROKEN_AFTER)
        yield PartnerProblem(
            name,
            # The rest of a pause's reason says what to do, which the notification says itself.
            redact_text(_first_sentence(connection.pause_reason) if paused_at else problem),
            failing_since=since if problem else None,
            broken_since=since if is_broken else None,
            is_paused=bool(paused_at),
            notified_since=getattr(state, f"{name.lower()}_broken_since"),
        )


def needing_attention(now: datetime) -> QuerySet[Order]:
    return Order.objects.filter(needs_attention=True, attention_since__lte=now - SETTLED_AFTER)


def attention_content(organization: Organization, state: NotificationState, now: datetime) -> Content | None:
    """The orders flagged since the recipient's last notification."""
    waiting = needing_attention(now).filter(organization=organization)
    new = waiting.filter(attention_since__gt=state.notified_up_to) if state.notified_up_to else waiting
    count = new.count()
    if not count:
        return None
    first = new.select_related("package").order_by("attention_since")[:LISTED]
    return Content(
        {
            "orders": [_order_context(order) for order in first],
            "count": count,
            "more": max(count - LISTED, 0),
            "waiting": waiting.count(),
        },
        {"notified_up_to": now - SETTLED_AFTER},
    )


def _order_context(order: Order) -> dict[str, str]:
    """All facts about an order that may appear in a notification."""
    return {
        "initials": order.candidate_initials,
        "package": order.package.label,
        "reason": _first_sentence(redact_text(order.attention_reason, _personal_terms(order))),
        "link": order_url(order),
    }


def _first_sentence(text: str) -> str:
    """The first sentence says what happened; the order's page says the rest."""
    first = re.split(r"(?<=[.!?])\s", " ".join(text.split()), maxsplit=1)[0]
    return first if len(first) <= REASON_CHARACTERS else f"{first[:REASON_CHARACTERS]}…"


def _personal_terms(order: Order) -> set[str]:
    """Everything about the candidate that Justifacts or a person may have quoted in a reason: the name and
    its parts, the answers given at the start, the result and the closing reason."""
    texts = {
        *order.personal_data,
        *RESULTS,
        order.result,
        order.closing_reason,
        *_answers(order.additional_fields),
    }
    names = f"{order.candidate_first_name} {order.candidate_last_name}"
    return {*texts, *re.findall(r"\w{2,}", names)} - {NO_RESULT}


def _answers(value: Any) -> Iterator[str]:
    """The texts and numbers in ``value``. Short ones, such as “yes”, identify nobody and are left out."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _answers(item)
    elif isinstance(value, str | int | float) and len(str(value)) >= 4:
        yield str(value)


def _daily_figures(organization: Organization, end: datetime) -> dict[str, int]:
    """What happened on the day that ended at ``end``, and what is pending now."""
    orders = Order.objects.filter(organization=organization)
    day = (end - timedelta(days=1), end - timedelta(microseconds=1))
    undelivered = AshbyUpdate.objects.filter(
        order__organization=organization, state__in=AshbyUpdate.UNDELIVERED
    )
    return {
        "started": orders.filter(created_at__range=day).count(),
        "completed": orders.filter(completed_at__range=day).count(),
        "cancelled": orders.filter(status=Status.CANCELLED, status_since__range=day).count(),
        "needing_attention": orders.filter(needs_attention=True).count(),
        "stalled": orders.filter(IS_STALLED).count(),
        "waiting_for_ashby": undelivered.order_by().values("order").distinct().count(),
    }


def digest_content(organization: Organization, state: NotificationState, now: datetime) -> Content | None:
    """The digest of the last day, once, and without text if there is nothing to report.

    A new recipient gets no digest for the past; the first one comes the next morning.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    # Before the digest hour (UTC), the digest of the day before yesterday is the last one that is due.
    end = today if now.hour >= settings.DAILY_DIGEST_HOUR_UTC else today - timedelta(days=1)
    if state.notified_up_to and state.notified_up_to >= end:
        return None
    day = _daily_figures(organization, end) if state.notified_up_to else None
    context = {"day": day, "date": end - timedelta(days=1)} if day and any(day.values()) else None
    return Content(context, {"notified_up_to": end})
