"""Sends notifications: a sweep compares the present state with what each recipient was last notified of, and
sends the difference.

No other code has to think of notifications, and none is lost: whatever could not be sent, happened within the
minimum interval, or was interrupted by a crash is still a difference at the next sweep. Each recipient has
its own interval and state, so none delays another.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
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
    digest_content,
    needing_attention,
)
from assessments.notifications.recipients import MailRecipients, chat_recipients
from integrations.http.errors import CallFailed, NotSent
from integrations.models import Organization

logger = logging.getLogger(__name__)

#: A sweep starts no message of a channel after this many seconds; the next one continues.
SECONDS = 25

_CONTENT: dict[str, Callable[[Organization, NotificationState, datetime], Content | None]] = {
    NotificationKind.CONNECTION: connection_content,
    NotificationKind.NEEDS_ATTENTION: attention_content,
    NotificationKind.DIGEST: digest_content,
}
_Recipients = Callable[[Organization, NotificationKind], Iterable[Any]]


def send_notifications(now: datetime) -> int:
    """Sends the due notifications by mail and then to chats, each with its own time limit. Returns how many
    were sent."""
    return _send_all(MailRecipients().of, now) + _send_all(chat_recipients, now)


def _send_all(recipients: _Recipients, now: datetime) -> int:
    sent, deadline = 0, time.monotonic() + SECONDS
    for state, content in _due(recipients, now):
        if time.monotonic() > deadline:
            break
        sent += _send(state, content)
    return sent


def _due(recipients: _Recipients, now: datetime) -> Iterator[tuple[NotificationState, Content]]:
    """One pair for each message to one recipient; ``state.person`` is None for a chat."""
    for kind in NotificationKind:
        organizations = list(_affected_organizations(kind, now))
        states = NotificationState.objects.filter(kind=kind, organization__in=organizations)
        known = {(state.organization_id, state.person_id): state for state in states}
        for organization in organizations:
            # Recipients with equal snapshots get equal content, so it is computed once.
            by_snapshot: dict[object, Content | None] = {}
            for person in recipients(organization, kind):
                key = (organization.pk, person and person.pk)
                state = known.get(key)
                state = state or NotificationState(organization=organization, kind=kind, person=person)
                if not state.is_due(now):
                    continue
                if state.snapshot not in by_snapshot:
                    by_snapshot[state.snapshot] = _CONTENT[kind](organization, state, now)
                if content := by_snapshot[state.snapshot]:
                    state.organization, state.person = organization, person
                    yield state, content


def _affected_organizations(kind: NotificationKind, now: datetime) -> QuerySet[Organization]:
    """The organizations about which there may be something to send. A disabled connection sends nothing."""
    enabled = Organization.objects.filter(connection__is_enabled=True).select_related("connection")
    if kind == NotificationKind.NEEDS_ATTENTION:
        return enabled.filter(Exists(needing_attention(now).filter(organization=OuterRef("pk"))))
    if kind == NotificationKind.DIGEST:
        return enabled
    reported = NotificationState.objects.filter(organization=OuterRef("pk"), kind=kind).exclude(
        ashby_broken_since=None, justifacts_broken_since=None
    )
    return enabled.filter(
        ~Q(connection__paused_at=None, connection__ashby_problem="", connection__justifacts_problem="")
        | Exists(reported)
    )


def _send(state: NotificationState, content: Content) -> bool:
    """Acquires the turn, sends, and records it. After a crash in between, the notification is sent again an
    hour later."""
    if not state.acquire_turn(timezone.now()):
        return False
    if content.context is None:
        state.record_handled(content.changes, not_before=None)
        return False
    subject, body = compose(state.kind, state.organization, state.person, content.context)
    try:
        if state.person is None:
            send_to_chat(state.organization, subject, body)
        else:
            send_mail(state.person, subject, body)
    except CallFailed as failure:
        retry_after = state.RETRY_DELAY if isinstance(failure, NotSent) else state.MIN_INTERVAL
        state.record_failure(timezone.now(), failure.message, retry_after)
        logger.warning("a notification could not be sent: %s", failure.message)
        return False
    state.record_handled(content.changes, not_before=timezone.now() + state.MIN_INTERVAL)
    return True
