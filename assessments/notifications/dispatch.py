"""Tells people what they have to know: a sweep compares what is true now with what each recipient
was last told, and sends the difference.

Nothing else in the portal has to think of notices, and none is lost: what could not be sent, what
happened inside the hour, and what a dead worker had begun are still a difference when the next
sweep comes. Recipients do not wait for each other: each has its own turn and its own memory.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from assessments.models import NotificationKind, NotificationState
from assessments.notifications.channels import compose, send_mail, send_to_chat
from assessments.notifications.content import (
    Content,
    attention_content,
    connection_content,
    needing_attention,
)
from assessments.notifications.digest import digest_content
from assessments.notifications.recipients import Audience, chat_recipients
from integrations.http.errors import CallFailed, NotSent
from integrations.models import Organization

logger = logging.getLogger(__name__)

#: How long a sweep begins new messages of one channel; the next sweep takes the rest.
SECONDS = 25

_CONTENT: dict[str, Callable[[Organization, NotificationState, datetime], Content | None]] = {
    NotificationKind.CONNECTION: connection_content,
    NotificationKind.NEEDS_ATTENTION: attention_content,
    NotificationKind.DIGEST: digest_content,
}
_Recipients = Callable[[Organization, NotificationKind], Iterable[Any]]


@dataclass(frozen=True)
class _Due:
    """One message to one recipient; ``told.person`` is None for a chat."""

    told: NotificationState
    news: Content


def send_notifications(now: datetime) -> int:
    """Sends what is due, first by mail, then to the chats: a slow one of either keeps up no other.
    Says how many messages went out."""
    audience = Audience()
    return _send_all(audience.of, now) + _send_all(chat_recipients, now)


def _send_all(recipients: _Recipients, now: datetime) -> int:
    sent, until = 0, time.monotonic() + SECONDS
    for due in _due(recipients, now):
        if time.monotonic() > until:
            break
        sent += _tell(due)
    return sent


def _due(recipients: _Recipients, now: datetime) -> Iterator[_Due]:
    for kind in NotificationKind:
        organizations = list(_concerned(kind, now))
        known = _known(kind, organizations)
        for organization in organizations:
            # Who was last told the same is told the same: the database is asked once for all of them.
            news: dict[object, Content | None] = {}
            for person in recipients(organization, kind):
                key = (organization.pk, person and person.pk)
                told = known.get(key) or NotificationState(
                    organization=organization, kind=kind, person=person
                )
                if not told.may_hear(now):
                    continue
                if told.snapshot not in news:
                    news[told.snapshot] = _CONTENT[kind](organization, told, now)
                if found := news[told.snapshot]:
                    told.organization, told.person = organization, person
                    yield _Due(told, found)


def _concerned(kind: NotificationKind, now: datetime) -> QuerySet[Organization]:
    """Organizations of which there may be news. One that is switched off says nothing."""
    some = Organization.objects.filter(connection__is_enabled=True).select_related("connection")
    if kind == NotificationKind.NEEDS_ATTENTION:
        return some.filter(Exists(needing_attention(now).filter(organization=OuterRef("pk"))))
    if kind == NotificationKind.DIGEST:
        return some
    told = NotificationState.objects.filter(organization=OuterRef("pk"), kind=kind).exclude(
        ashby_broken_since=None, justifacts_broken_since=None
    )
    return some.filter(
        ~Q(connection__paused_at=None, connection__ashby_problem="", connection__justifacts_problem="")
        | Exists(told)
    )


def _known(kind: NotificationKind, organizations: list[Organization]) -> dict[object, NotificationState]:
    rows = NotificationState.objects.filter(kind=kind, organization__in=organizations)
    return {(told.organization_id, told.person_id): told for told in rows}


def _tell(due: _Due) -> bool:
    """Takes the turn, sends, remembers. Who dies before the last step tells it again, an hour later."""
    told, news = due.told, due.news
    if not told.acquire_turn(timezone.now()):
        return False
    if news.context is None:
        told.skipped(**news.told)
        return False
    try:
        _send(told, news.context)
    except CallFailed as failure:
        again = NotificationState.AGAIN if isinstance(failure, NotSent) else NotificationState.EVERY
        told.failed(timezone.now(), failure.message, again)
        logger.warning("a notice could not be sent: %s", failure.message)
        return False
    told.told(timezone.now(), **news.told)
    return True


def _send(told: NotificationState, context: dict[str, Any]) -> None:
    message = compose(told.kind, told.organization, told.person, context)
    if told.person is None:
        send_to_chat(told.organization, message)
    else:
        send_mail(told.person, message)
