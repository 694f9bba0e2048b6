"""Who is told of an organization, and what could not be told them."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from assessments.models import NotificationKind, NotificationPreference, NotificationState
from integrations.accounts.roles import Person, organizations_of, sees_every_organization
from integrations.models import Organization

SEES_ORDERS = "assessments.view_order"


class Audience:
    """The people who may be told something, read once for a sweep."""

    def __init__(self) -> None:
        people = get_user_model().objects.filter(is_active=True, is_staff=True).exclude(email="")
        self._people: list[Any] = list(people.select_related("notification_preference").order_by("pk"))

    def of(self, organization: Organization, kind: NotificationKind) -> Iterator[Any]:
        """Those who may see the organization's orders, can sign in to do so, and want this kind."""
        for person in self._people:
            if NotificationPreference.of(person).wants(kind) and person.has_perm(SEES_ORDERS, organization):
                yield person


def chat_recipients(organization: Organization, kind: NotificationKind) -> Iterable[None]:
    """The organization's chat, if it has one: a recipient that is no person, and wants every kind."""
    return [None] if organization.connection.notice_webhook else []


def failed_notifications_for(person: Person) -> QuerySet[NotificationState]:
    """What could not be sent, as far as the person may know of it: their own mails and the chats of
    their organizations; who sees every organization also sees the others' mails."""
    failed = NotificationState.objects.exclude(last_error="").filter(
        organization__in=organizations_of(person, SEES_ORDERS)
    )
    if not sees_every_organization(person, SEES_ORDERS):
        failed = failed.filter(Q(person=None) | Q(person=person.pk))
    return failed.select_related("organization", "person").order_by("-failed_at")
