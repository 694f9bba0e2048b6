"""Helpers of the notification tests: recipients, problems, and the sweep."""

from datetime import UTC, datetime

from django.contrib.auth.models import Group, User
from django.utils import timezone

from assessments.models import Order
from assessments.notifications.dispatch import send_notifications
from integrations.connections.pauses import pause
from integrations.models import Membership, Organization, Role
from tests.fixtures.world import World

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOOK = "https://hooks.test/services/T000/B000/very-secret-path"


def member(organization: Organization, name: str, role: str = Role.ORG_ADMIN) -> User:
    """A person with a role in one organization."""
    user = User.objects.create_user(name, f"{name}@example.com", "x", is_staff=True)
    Membership.objects.create(user=user, organization=organization, role=role)
    return user


def portal_staff(name: str, role: str = Role.SUPPORT) -> User:
    """A person with a role in every organization."""
    user = User.objects.create_user(name, f"{name}@example.com", "x", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def run_sweep() -> None:
    send_notifications(timezone.now())


def pause_deliveries(world: World, reason: str = "Ashby refused the API key (403).") -> None:
    pause(world.acme.organization, reason, timezone.now())


def flag_order(world: World, reason: str = "Ashby refused it. Retry it.") -> Order:
    """Creates an order that has just been flagged for attention."""
    order = world.start()
    Order.objects.filter(pk=order.pk).update(
        needs_attention=True, attention_reason=reason, attention_since=timezone.now()
    )
    order.refresh_from_db()
    return order


def with_chat(world: World) -> None:
    world.acme.connection.refresh_from_db()
    world.acme.connection.chat_webhook = HOOK
    world.acme.connection.save()
