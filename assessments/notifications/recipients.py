"""The recipients of an organization's notifications, and the notifications that could not be sent."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from assessments.models import NotificationKind, NotificationPreference, NotificationState
from integrations.accounts.roles import Person, organizations_of, sees_every_organization
from integrations.models import Organization

SEES_ORDERS = "assessments.view_order"


class MailRecipients:
    """Everybody who may get mail, read once per sweep."""

    def __init__(self) -> None:
        people = get_user_model().objects.filter(is_active=True, is_staff=True).exclude(email="")
        self._people: list[Any] = list(people.select_related("notification_preference").order_by("pk"))

    def of(self, organization: Organization, kind: NotificationKind) -> Iterator[Any]:
        """The people who may see the organization's orders and want notifications of this kind."""
        for person in self._people:
            if NotificationPreference.of(person).wants(kind) and person.has_perm(SEES_ORDERS, organization):
                yield person

    def of_the_portal(self, kind: NotificationKind) -> Iterator[Any]:
        """The people who see every organization and want notifications of this kind."""
        for person in self._people:
            if NotificationPreference.of(person).wants(kind) and sees_every_organization(person, SEES_ORDERS):
                yield person


def chat_recipients(organization: Organization, kind: NotificationKind) -> Iterable[None]:
    """``[None]``, which stands for the organization's chat, or nothing if it has no chat."""
    return [None] if organization.connection.chat_webhook else []


def failed_notifications_for(person: Person) -> QuerySet[NotificationState]:
    """Notifications that failed: the person's own mails and the chats of the person's organizations, latest
    first. People with access to every organization also see failed mails to others."""
    failed = NotificationState.objects.exclude(last_error="")
    failed = failed.filter(organization__in=organizations_of(person, SEES_ORDERS))
    if not sees_every_organization(person, SEES_ORDERS):
        failed = failed.filter(Q(person=None) | Q(person=person.pk))
    return failed.select_related("organization", "person").order_by("-failed_at")
