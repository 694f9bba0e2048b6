"""Who is told, and that nobody is forgotten: whatever dies, or is away, in the middle."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from assessments import tasks
from assessments.models import NotificationPreference, NotificationState
from integrations.connections.endpoints import Endpoint
from integrations.connections.health import record_call_result
from integrations.connections.pauses import pause
from integrations.http.errors import Refused
from integrations.models import Role
from tests.assessments.notifications.sending import (
    NINE,
    a_minute_passes,
    breaks,
    member,
    needs_a_human,
    of_the_portal,
)
from tests.fixtures.world import World

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ada(world: World) -> User:
    return member(world.acme.organization, "ada")


def subjects() -> list[str]:
    a_minute_passes()
    new = [message.subject for message in mail.outbox]
    mail.outbox.clear()
    return new


class TestWhoIsTold:
    def test_who_may_see_the_organizations_orders_and_nobody_else(self, world: World, clock) -> None:
        member(world.acme.organization, "ada")
        member(world.acme.organization, "sam", Role.SUPPORT)
        member(world.globex.organization, "gus")
        of_the_portal("sue")
        of_the_portal("otto", Role.OPERATOR)
        User.objects.create_superuser("root", "root@example.com", "x")
        User.objects.create_user("nobody", "nobody@example.com", "x", is_staff=True)
        gone = member(world.acme.organization, "gone")
        gone.is_active = False
        gone.save()
        mute = member(world.acme.organization, "mute")
        mute.email = ""
        mute.save()
        outside = member(world.acme.organization, "outside")
        outside.is_staff = False
        outside.save()
        breaks(world)
        a_minute_passes()
        assert sorted(message.to for message in mail.outbox) == [
            [f"{name}@example.com"] for name in ("ada", "otto", "root", "sam", "sue")
        ]
        assert not any(message.cc or message.bcc for message in mail.outbox)

    def test_a_link_is_one_that_the_reader_may_open(self, world: World, clock) -> None:
        of_the_portal("sue")
        breaks(world)
        a_minute_passes()
        (message,) = mail.outbox
        assert "https://portal.test/admin/\n" in message.body
        assert "/connection/" not in message.body

    @pytest.mark.parametrize("kind", ["connection", "attention", "digest"])
    def test_each_chooses(self, world: World, ada: User, clock, kind: str) -> None:
        choice = {"connection": False, "attention": False, "digest": False, kind: True}
        NotificationPreference.objects.create(person=ada, **choice)
        a_minute_passes()
        breaks(world)
        needs_a_human(world)
        clock.shift(timedelta(days=1))
        a_minute_passes()
        assert [told.kind for told in NotificationState.objects.all()] == [kind]
        assert len(mail.outbox) == 1

    def test_who_comes_later_is_told_what_is_so_now(self, world: World, ada: User, clock) -> None:
        breaks(world)
        assert len(subjects()) == 1
        member(world.acme.organization, "bob")
        a_minute_passes()
        assert [message.to for message in mail.outbox] == [["bob@example.com"]]

    def test_the_hour_is_each_organizations_and_kinds_own(self, world: World, clock) -> None:
        of_the_portal("sue")
        breaks(world)
        needs_a_human(world)
        pause(world.globex.organization, "Because.", timezone.now())
        clock.shift(MINUTE)
        assert sorted(subjects()) == [
            "Acme: an order needs attention",
            "Acme: connection problem",
            "Globex: connection problem",
        ]


class Dies(Exception):
    """The worker, in the middle of something."""


class TestNothingIsLost:
    def test_a_worker_that_dies_while_sending_delays_it_by_an_hour(
        self, world: World, ada: User, clock, monkeypatch
    ) -> None:
        def dies(*_: object) -> None:
            raise Dies

        breaks(world)
        with monkeypatch.context() as patched:
            patched.setattr(EmailBackend, "send_messages", dies)
            with pytest.raises(Dies):
                a_minute_passes()
        clock.shift(59 * MINUTE)
        assert subjects() == []
        clock.shift(MINUTE)
        assert subjects() == ["Acme: connection problem"]

    def test_of_two_workers_one_tells(self, world: World, ada: User) -> None:
        """Both have read that ada does not know, and neither has told her."""
        breaks(world)
        told = {"organization": world.acme.organization, "kind": "connection", "person": ada}
        first, second = NotificationState(**told), NotificationState(**told)
        assert first.acquire_turn(NINE)
        assert not second.acquire_turn(NINE)
        assert not second.acquire_turn(NINE + 59 * MINUTE)
        assert second.acquire_turn(NINE + HOUR)

    def test_a_mail_server_that_is_away_is_asked_again_and_seen(
        self, world: World, ada: User, clock, monkeypatch, caplog
    ) -> None:
        def away(_: object) -> None:
            raise ConnectionRefusedError("smtp.example.com")

        breaks(world)
        with monkeypatch.context() as patched:
            patched.setattr(EmailBackend, "open", away)
            assert subjects() == []
        told = NotificationState.objects.get()
        assert told.last_error == "Could not connect to the mail server (ConnectionRefusedError)."
        assert told.failed_at == NINE
        clock.shift(5 * MINUTE)
        assert subjects() == ["Acme: connection problem"]
        told.refresh_from_db()
        assert (told.last_error, told.failed_at) == ("", None)
        assert "ada@example.com" not in caplog.text

    def test_a_mail_that_is_refused_keeps_up_nobody_else(
        self, world: World, ada: User, clock, monkeypatch
    ) -> None:
        bob = member(world.acme.organization, "bob")
        User.objects.filter(pk=ada.pk).update(email="ada@example.com\nBcc: eve@example.com")
        breaks(world)
        a_minute_passes()
        assert [message.to for message in mail.outbox] == [["bob@example.com"]]
        assert NotificationState.objects.get(person=ada).last_error.startswith(
            "The mail server did not accept the mail"
        )
        assert NotificationState.objects.get(person=bob).last_error == ""

    def test_a_refusal_is_about_one_order_and_its_words_stay_out(self, world: World, ada: User) -> None:
        connection = world.acme.connection
        record_call_result(
            connection, Endpoint.JUSTIFACTS, Refused("Zoë has no address."), NINE, hide=("Zoë",)
        )
        connection.refresh_from_db()
        assert (connection.justifacts_problem, connection.justifacts_answered_at) == ("", NINE)


def test_of_two_schedulers_one_does_the_work(world: World, ada: User, clock) -> None:
    breaks(world)
    tasks.send_notices()
    member(world.acme.organization, "bob")
    clock.shift(timedelta(seconds=10))
    tasks.send_notices()
    assert len(mail.outbox) == 1
    clock.shift(timedelta(seconds=50))
    tasks.send_notices()
    assert len(mail.outbox) == 2


def test_many_orders_need_few_queries(world: World, ada: User, clock, django_assert_max_num_queries) -> None:
    for _ in range(12):
        needs_a_human(world)
    clock.shift(MINUTE)
    with django_assert_max_num_queries(30):
        a_minute_passes()
    with django_assert_max_num_queries(15):
        a_minute_passes()
