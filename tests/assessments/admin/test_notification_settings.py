"""Each person chooses their notifications, and sees those that failed."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assessments.models import NotificationPreference, NotificationState
from integrations.models import Organization
from tests.assessments.notifications.sending import member, portal_staff
from tests.fixtures.admin import Desk, words
from tests.fixtures.world import World

PATH = "/admin/notification-settings/"


def at_desk(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(person: User) -> str:
    answer = at_desk(person).get(PATH)
    assert answer.status_code == 200
    return words(answer.content.decode())


def failed(organization: Organization, person: User | None, error: str) -> NotificationState:
    return NotificationState.objects.create(
        organization=organization,
        kind="connection",
        person=person,
        last_error=error,
        failed_at=timezone.now(),
        not_before=timezone.now() + timedelta(hours=1),
    )


@pytest.fixture
def ada(world: World) -> User:
    return member(world.acme.organization, "ada")


def test_problems_are_on_and_the_digest_is_off_by_default(ada: User) -> None:
    html = at_desk(ada).get(PATH).content.decode()
    for name, checked in (("connection", True), ("attention", True), ("digest", False)):
        field = html.split(f'name="{name}"')[1].split(">")[0]
        assert ("checked" in field) == checked


def test_a_choice_is_saved(ada: User) -> None:
    client = at_desk(ada)
    answer = client.post(PATH, {"digest": "on"}, follow=True)
    assert "Your notification settings have been saved" in words(answer.content.decode())
    choice = NotificationPreference.objects.get(person=ada)
    assert (choice.connection, choice.attention, choice.digest) == (False, False, True)
    client.post(PATH, {"attention": "on", "connection": "on"})
    choice.refresh_from_db()
    assert (choice.connection, choice.attention, choice.digest) == (True, True, False)


def test_everything_can_be_switched_off(ada: User) -> None:
    at_desk(ada).post(PATH, {})
    choice = NotificationPreference.objects.get(person=ada)
    assert (choice.connection, choice.attention, choice.digest) == (False, False, False)


def test_a_person_cannot_choose_for_another_person(world: World, ada: User) -> None:
    bob = member(world.acme.organization, "bob")
    at_desk(ada).post(PATH, {"person": bob.pk, "person_id": bob.pk, "digest": "on"})
    assert [choice.person for choice in NotificationPreference.objects.all()] == [ada]


def test_the_page_names_the_address_and_the_organizations(world: World, ada: User) -> None:
    assert "sends e-mail notifications to ada@example.com . They are about: Acme ." in page(ada).replace(
        "Acme.", "Acme ."
    )
    assert "Globex" not in page(ada)
    assert "They are about every organization." in page(portal_staff("sue"))


def test_a_person_without_address_or_organization_sees_a_warning(world: World) -> None:
    text = page(User.objects.create_user("new", "", "x", is_staff=True))
    assert "Your account has no e-mail address" in text
    assert "You do not have access to any organization’s background checks yet" in text


def test_failed_notifications_are_shown_to_the_people_concerned(world: World, ada: User) -> None:
    bob = member(world.acme.organization, "bob")
    failed(world.acme.organization, None, "hooks.test answered 404.")
    failed(world.acme.organization, ada, "Ada's mail failed.")
    failed(world.acme.organization, bob, "Bob's mail failed.")
    failed(world.globex.organization, None, "Globex's hook failed.")
    text = page(ada)
    assert "hooks.test answered 404." in text
    assert "Ada's mail failed." in text
    assert "Bob" not in text
    assert "Globex" not in text
    text = page(portal_staff("sue"))
    assert "e-mail to bob Bob's mail failed." in text
    assert "Globex's hook failed." in text


def test_the_section_of_failures_is_hidden_without_failures(ada: User) -> None:
    assert "Failed notifications" not in page(ada)


@pytest.mark.parametrize("who", ["anonymous", "no staff"])
def test_a_stranger_is_redirected_to_the_sign_in_page(world: World, client: Client, who: str) -> None:
    if who == "no staff":
        client.force_login(User.objects.create_user("visitor", "v@example.com", "x"))
    for answer in (client.get(PATH), client.post(PATH, {"digest": "on"})):
        assert (answer.status_code, answer.url.split("?")[0]) == (302, reverse("admin:login"))
    assert not NotificationPreference.objects.exists()


def test_every_admin_page_links_to_the_settings(ada: User, desk: Desk) -> None:
    assert reverse("notification_settings") == PATH
    assert (
        f'<a href="{PATH}">Notification settings</a>'
        in at_desk(ada).get(reverse("admin:index")).content.decode()
    )
    assert PATH in desk.html("assessments_order_changelist")
    assert PATH not in Client().get(reverse("admin:login")).content.decode()


def test_the_number_of_queries_does_not_grow_with_failures(world: World, ada: User) -> None:
    client = at_desk(ada)

    def queries() -> int:
        client.get(PATH)
        with CaptureQueriesContext(database) as captured:
            client.get(PATH)
        return len(captured)

    failed(world.acme.organization, None, "One.")
    one = queries()
    NotificationState.objects.create(organization=world.acme.organization, kind="attention", person=ada)
    NotificationState.objects.update(last_error="Each.", failed_at=timezone.now(), not_before=timezone.now())
    failed(world.acme.organization, ada, "Another.")
    assert queries() == one
    assert one < 20
