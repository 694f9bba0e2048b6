"""What a recipient has to be told of a connection, or of orders that need a human: the difference
between what is true now and what they were last told."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from assessments.models import NotificationState, Order
from assessments.outbox.compose import order_url
from assessments.statuses import NO_RESULT, RESULTS
from integrations.models import Connection, Organization
from integrations.redaction import redact_text

#: A side that fails for a moment mends itself; deliveries that are paused do not.
BREAKS_AFTER = timedelta(minutes=5)
#: An order is told once it is this old news: what was written in a transaction that had not ended
#: when others were told would else be passed over.
SETTLED_AFTER = timedelta(seconds=30)
LISTED = 10
REASON_CHARACTERS = 300


@dataclass(frozen=True)
class Content:
    """What to say (nothing: None), and what is remembered as told then."""

    context: dict[str, Any] | None
    told: dict[str, datetime | None]


@dataclass(frozen=True)
class PartnerProblem:
    """One side of a connection, as it is now."""

    name: str
    problem: str
    failing_since: datetime | None
    broken_since: datetime | None
    is_paused: bool = False
    told_since: datetime | None = None

    @property
    def breaks_anew(self) -> bool:
        """It is broken, and not since the time that was told."""
        return self.broken_since is not None and (
            self.told_since is None or self.broken_since > self.told_since
        )

    @property
    def worked_in_between(self) -> bool:
        return self.breaks_anew and self.told_since is not None

    @property
    def works_again(self) -> bool:
        return self.told_since is not None and not self.problem and not self.is_paused

    @property
    def to_remember(self) -> datetime | None:
        return None if self.works_again else self.broken_since or self.told_since


def connection_content(organization: Organization, told: NotificationState, now: datetime) -> Content | None:
    """A side that breaks; or, after that was told, that all of it works again."""
    sides = list(_sides(organization.connection, told, now))
    broken = [side for side in sides if side.broken_since]
    again = [side for side in sides if side.works_again]
    all_work = not any(side.failing_since or side.is_paused for side in sides)
    if not (any(side.breaks_anew for side in broken) or (again and all_work)):
        return None
    return Content(
        {"broken": broken, "again": again},
        {f"{side.name.lower()}_broken_since": side.to_remember for side in sides},
    )


def _sides(connection: Connection, told: NotificationState, now: datetime) -> Iterator[PartnerProblem]:
    for name, paused_at in (("Ashby", connection.paused_at), ("Justifacts", None)):
        problem = getattr(connection, f"{name.lower()}_problem")
        since = getattr(connection, f"{name.lower()}_problem_since") or paused_at
        lasts = paused_at or (since and now - since >= BREAKS_AFTER)
        yield PartnerProblem(
            name,
            # The pause's reason goes on with what to do, which the notice says itself.
            redact_text(_in_one_sentence(connection.pause_reason) if paused_at else problem),
            failing_since=since if problem else None,
            broken_since=since if lasts else None,
            is_paused=bool(paused_at),
            told_since=getattr(told, f"{name.lower()}_broken_since"),
        )


def needing_attention(now: datetime) -> QuerySet[Order]:
    return Order.objects.filter(needs_attention=True, attention_since__lte=now - SETTLED_AFTER)


def attention_content(organization: Organization, told: NotificationState, now: datetime) -> Content | None:
    """The orders that need a human since the recipient was last told of any."""
    waiting = needing_attention(now).filter(organization=organization)
    fresh = waiting.filter(attention_since__gt=told.notified_up_to) if told.notified_up_to else waiting
    count = fresh.count()
    if not count:
        return None
    first = fresh.select_related("package").order_by("attention_since")[:LISTED]
    return Content(
        {
            "orders": [_for_people(order) for order in first],
            "count": count,
            "more": max(count - LISTED, 0),
            "waiting": waiting.count(),
        },
        {"notified_up_to": now - SETTLED_AFTER},
    )


def _for_people(order: Order) -> dict[str, str]:
    """All that may leave the portal of an order."""
    return {
        "initials": order.candidate_initials,
        "package": order.package.label,
        "reason": _in_one_sentence(redact_text(order.attention_reason, _personal(order))),
        "link": order_url(order),
    }


def _in_one_sentence(text: str) -> str:
    """What happened; what to do about it stands on the order's page."""
    first = re.split(r"(?<=[.!?])\s", " ".join(text.split()), maxsplit=1)[0]
    return first if len(first) <= REASON_CHARACTERS else f"{first[:REASON_CHARACTERS]}…"


def _personal(order: Order) -> set[str]:
    """Everything about the candidate that a reason may repeat in Justifacts' or a person's words: the
    name and its parts, the answers given at the start, the result, why the check ended."""
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
    """The texts and numbers inside; the shortest, such as “yes”, tell nothing of anybody."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _answers(item)
    elif isinstance(value, str | int | float) and len(str(value)) >= 4:
        yield str(value)
