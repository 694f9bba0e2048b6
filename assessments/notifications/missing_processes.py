"""Notifies people that no worker or no scheduler runs, once, and once more when one runs again.

A worker cannot report itself, so the scheduler reports missing workers and a worker missing schedulers. Those
who see every organization get a mail, and every organization's chat a message.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from assessments.models import Heartbeat, NotificationKind, ProcessHeartbeat, ProcessOutage
from assessments.notifications.channels import send_mail, send_to_chat
from assessments.notifications.recipients import MailRecipients
from integrations.http.errors import CallFailed
from integrations.models import Organization

logger = logging.getLogger(__name__)

#: After so many seconds no further message is begun.
_SECONDS = 60


def report_missing_processes(now: datetime) -> None:
    """Send what has changed since the last report. Of several processes that call this, one sends."""
    missing = Heartbeat.missing_kinds(now)
    for kind in ProcessHeartbeat.Kind:
        reported = ProcessOutage.objects.filter(kind=kind)
        if kind not in missing:
            if reported.delete()[0]:
                _send(kind, is_missing=False)
            continue
        _row, is_new = ProcessOutage.objects.get_or_create(kind=kind, defaults={"notified_at": now})
        if is_new and not _send(kind, is_missing=True):
            # No message was sent: the next report tries again.
            reported.delete()


def _send(kind: str, is_missing: bool) -> bool:
    """Send the messages. Returns False if all of them failed."""
    sent, failed, deadline = 0, 0, time.monotonic() + _SECONDS
    for send in _messages(kind, is_missing):
        if time.monotonic() > deadline:
            break
        try:
            send()
            sent += 1
        except CallFailed as failure:
            failed += 1
            logger.warning("a notification could not be sent: %s", failure.message)
    return bool(sent or not failed)


def _messages(kind: str, is_missing: bool) -> Iterator[Callable[[], None]]:
    context = {
        "kind": kind,
        "is_missing": is_missing,
        "link": f"{settings.PORTAL_BASE_URL}{reverse('admin:index')}",
    }
    subject = " ".join(render_to_string("notifications/processes_subject.txt", context).split())
    settings_page = f"{settings.PORTAL_BASE_URL}{reverse('notification_settings')}"
    for person in MailRecipients().of_the_portal(NotificationKind.CONNECTION):
        body = render_to_string("notifications/processes.txt", {**context, "choices": settings_page})
        yield partial(send_mail, person, subject, f"{body.strip()}\n")
    body = render_to_string("notifications/processes.txt", context)
    for organization in Organization.objects.filter(connection__is_enabled=True).select_related("connection"):
        if organization.connection.chat_webhook:
            yield partial(send_to_chat, organization, subject, f"{body.strip()}\n")
