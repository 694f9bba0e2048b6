"""The admin as support and an org's admin use it."""

import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from config.celery import app
from integrations.models import Membership, Organization
from tests.fixtures.world import World


class Desk:
    """A person at the admin."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def open(self, name: str, /, *arguments: Any, **query: str) -> str:
        """The words of a page, without its tags."""
        return words(self.html(name, *arguments, **query))

    def html(self, name: str, /, *arguments: Any, **query: str) -> str:
        answer = self.client.get(reverse(f"admin:{name}", args=arguments), query)
        assert answer.status_code == 200, answer.status_code
        return answer.content.decode()

    def press(self, name: str, /, *arguments: Any, **posted: Any) -> str:
        """The words of the page that follows."""
        answer = self.client.post(reverse(f"admin:{name}", args=arguments), posted, follow=True)
        assert answer.status_code == 200, answer.status_code
        return words(answer.content.decode())

    def act(self, name: str, action: str, /, *rows: Any) -> str:
        """An action of a list, for the chosen rows."""
        return self.press(f"{name}_changelist", action=action, _selected_action=[str(row.pk) for row in rows])


def words(page: str) -> str:
    page = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def desk(world: World, admin_client: Client) -> Desk:
    return Desk(admin_client)


def signed_in(user: User) -> Desk:
    client = Client()
    client.force_login(user)
    return Desk(client)


def member(name: str, organization: Organization, role: str = "org admin") -> User:
    """A person with a role in one organization; asked for again, in one more."""
    user, _ = User.objects.get_or_create(
        username=name, defaults={"email": f"{name}@example.com", "is_staff": True}
    )
    Membership.objects.create(user=user, organization=organization, role=role)
    return user


def colleague(name: str, role: str) -> User:
    """A person with a role in every organization."""
    user = User.objects.create_user(name, f"{name}@example.com", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def operator(world: World) -> Desk:
    return signed_in(colleague("olga", "operator"))


@pytest.fixture
def support(world: World) -> Desk:
    return signed_in(colleague("sam", "support"))


@pytest.fixture
def org_admin(world: World) -> Desk:
    """Of Acme, and of nothing else."""
    return signed_in(member("ada", world.acme.organization))


@pytest.fixture
def reader(world: World) -> Desk:
    """May see everything and change nothing."""
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return signed_in(user)


@pytest.fixture
def clock() -> Iterator[Any]:
    """Stands still, until a test moves it."""
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        yield clock


@pytest.fixture
def workers_take_messages(django_capture_on_commit_callbacks) -> Callable[[], Any]:
    """A time at whose end a worker does what was asked for in it."""

    @contextmanager
    def take() -> Iterator[list[Callable[[], Any]]]:
        with django_capture_on_commit_callbacks() as messages:
            yield messages
        app.conf.task_always_eager = True
        for message in messages:
            message()
        app.conf.task_always_eager = False

    return take
