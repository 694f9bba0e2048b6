"""Composes notifications and sends them, by mail to a person or to an organization's chat."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.urls import reverse

from assessments.models import NotificationKind
from integrations.encryption.secrets import SecretUnreadable
from integrations.http.client import post_to_webhook
from integrations.http.errors import NotSent, Unknown
from integrations.models import Organization


def compose(kind: str, organization: Organization, person: Any, context: dict[str, Any]) -> tuple[str, str]:
    """The notification's subject and body as plain text, for a person or (None) a chat. ``kind`` selects the
    templates."""
    context = {
        **context,
        "organization": organization.name,
        "link": _target_url(kind, organization, person),
        "choices": f"{settings.PORTAL_BASE_URL}{reverse('notification_settings')}" if person else "",
    }
    subject = render_to_string(f"notifications/{kind}_subject.txt", context)
    body = render_to_string(f"notifications/{kind}.txt", context)
    return " ".join(subject.split()), f"{body.strip()}\n"


def _target_url(kind: str, organization: Organization, person: Any) -> str:
    """The URL of a page that the reader may open."""
    path = reverse("admin:index")
    if kind == NotificationKind.NEEDS_ATTENTION:
        path = f"{reverse('admin:assessments_order_changelist')}?problem=attention"
    elif kind == NotificationKind.CONNECTION and (
        person is None or person.has_perm("integrations.change_connection", organization)
    ):
        path = reverse("admin:integrations_connection_change", args=[organization.connection.pk])
    return f"{settings.PORTAL_BASE_URL}{path}"


def send_mail(person: Any, subject: str, body: str) -> None:
    """Sends one mail. Raises ``NotSent`` or ``Unknown``, whose texts contain no address."""
    connection = get_connection()
    try:
        connection.open()
    except (OSError, ValueError) as error:
        raise NotSent(f"Could not connect to the mail server ({type(error).__name__}).") from None
    try:
        with connection:
            EmailMessage(subject, body, to=[person.email], connection=connection).send()
    except (OSError, ValueError) as error:
        raise Unknown(f"The mail server did not accept the mail ({type(error).__name__}).") from None


def send_to_chat(organization: Organization, subject: str, body: str) -> None:
    """Sends one message to the organization's chat. Raises ``CallFailed``."""
    try:
        url = organization.connection.chat_webhook.reveal()
    except SecretUnreadable as error:
        raise NotSent(str(error)) from None
    post_to_webhook(url, {"text": f"*{_escape(subject)}*\n{_escape(body)}"})


def _escape(text: str) -> str:
    """Escapes Slack's three control characters, so that no text becomes a link or a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
