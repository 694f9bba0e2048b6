"""Who is notified, and that a crash or an outage loses no notification."""

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
    flag_order,
    member,
    pause_deliveries,
    portal_staff,
    run_sweep,
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
    run_sweep()
    new = [message.subject for message in mail.outbox]
    mail.outbox.clear()
    return new


class TestRecipients:
    def test_only_people_who_may_see_the_orders_are_notified(self, world: World, clock) -> None:
        member(world.acme.organization, "ada")
        member(world.acme.organization, "sam", Role.SUPPORT)
        member(world.globex.organization, "gus")
        portal_staff("sue")
        portal_staff("otto", Role.OPERATOR)
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
        pause_deliveries(world)
        run_sweep()
        assert sorted(message.to for message in mail.outbox) == [
            [f"{name}@example.com"] for name in ("ada", "otto", "root", "sam", "sue")
        ]
        assert not any(message.cc or message.bcc for message in mail.outbox)

    def test_a_mail_links_a_page_that_the_reader_may_open(self, world: World, clock) -> None:
        portal_staff("sue")
        pause_deliveries(world)
        run_sweep()
        (message,) = mail.outbox
        assert "https://portal.test/admin/\n" in message.body
        assert "/connection/" not in message.body

    @pytest.mark.parametrize("kind", ["connection", "attention", "digest"])
    def test_each_person_gets_the_chosen_kinds(self, world: World, ada: User, clock, kind: str) -> None:
        choice = {"connection": False, "attention": False, "digest": False, kind: True}
        NotificationPreference.objects.create(person=ada, **choice)
        run_sweep()
        pause_deliveries(world)
        flag_order(world)
        clock.shift(timedelta(days=1))
        run_sweep()
        assert [state.kind for state in NotificationState.objects.all()] == [kind]
        assert len(mail.outbox) == 1

    def test_a_new_member_is_notified_of_the_present_state(self, world: World, ada: User, clock) -> None:
        pause_deliveries(world)
        assert len(subjects()) == 1
        member(world.acme.organization, "bob")
        run_sweep()
        assert [message.to for message in mail.outbox] == [["bob@example.com"]]

    def test_the_hourly_limit_applies_to_each_organization_and_kind(self, world: World, clock) -> None:
        portal_staff("sue")
        pause_deliveries(world)
        flag_order(world)
        pause(world.globex.organization, "Because.", timezone.now())
        clock.shift(MINUTE)
        assert sorted(subjects()) == [
            "Acme: an order needs attention",
            "Acme: connection problem",
            "Globex: connection problem",
        ]


class WorkerDied(Exception):
    """Simulates the death of a worker."""


class TestNoNotificationIsLost:
    def test_a_crash_while_sending_delays_the_notification_by_an_hour(
        self, world: World, ada: User, clock, monkeypatch
    ) -> None:
        def crash(*_: object) -> None:
            raise WorkerDied

        pause_deliveries(world)
        with monkeypatch.context() as patched:
            patched.setattr(EmailBackend, "send_messages", crash)
            with pytest.raises(WorkerDied):
                run_sweep()
        clock.shift(59 * MINUTE)
        assert subjects() == []
        clock.shift(MINUTE)
        assert subjects() == ["Acme: connection problem"]

    def test_only_one_of_two_workers_sends(self, world: World, ada: User) -> None:
        """Both have computed the same notification."""
        pause_deliveries(world)
        key = {"organization": world.acme.organization, "kind": "connection", "person": ada}
        first, second = NotificationState(**key), NotificationState(**key)
        assert first.acquire_turn(NINE)
        assert not second.acquire_turn(NINE)
        assert not second.acquire_turn(NINE + 59 * MINUTE)
        assert second.acquire_turn(NINE + HOUR)

    def test_an_unreachable_mail_server_is_recorded_and_retried(
        self, world: World, ada: User, clock, monkeypatch, caplog
    ) -> None:
        def refuse_connection(_: object) -> None:
            raise ConnectionRefusedError("smtp.example.com")

        pause_deliveries(world)
        with monkeypatch.context() as patched:
            patched.setattr(EmailBackend, "open", refuse_connection)
            assert subjects() == []
        state = NotificationState.objects.get()
        assert state.last_error == "Could not connect to the mail server (ConnectionRefusedError)."
        assert state.failed_at == NINE
        clock.shift(5 * MINUTE)
        assert subjects() == ["Acme: connection problem"]
        state.refresh_from_db()
        assert (state.last_error, state.failed_at) == ("", None)
        assert "ada@example.com" not in caplog.text

    def test_a_refused_mail_does_not_delay_other_recipients(
        self, world: World, ada: User, clock, monkeypatch
    ) -> None:
        bob = member(world.acme.organization, "bob")
        User.objects.filter(pk=ada.pk).update(email="ada@example.com\nBcc: eve@example.com")
        pause_deliveries(world)
        run_sweep()
        assert [message.to for message in mail.outbox] == [["bob@example.com"]]
        assert NotificationState.objects.get(person=ada).last_error.startswith(
            "The mail server did not accept the mail"
        )
        assert NotificationState.objects.get(person=bob).last_error == ""

    def test_a_refused_order_is_not_recorded_as_a_connection_problem(self, world: World, ada: User) -> None:
        connection = world.acme.connection
        record_call_result(
            connection, Endpoint.JUSTIFACTS, Refused("Zoë has no address."), NINE, hide=("Zoë",)
        )
        connection.refresh_from_db()
        assert (connection.justifacts_problem, connection.justifacts_answered_at) == ("", NINE)


def test_only_one_of_two_schedulers_runs_the_sweep(world: World, ada: User, clock) -> None:
    pause_deliveries(world)
    tasks.send_notifications()
    member(world.acme.organization, "bob")
    clock.shift(timedelta(seconds=10))
    tasks.send_notifications()
    assert len(mail.outbox) == 1
    clock.shift(timedelta(seconds=50))
    tasks.send_notifications()
    assert len(mail.outbox) == 2


def test_the_number_of_queries_does_not_grow_with_the_orders(
    world: World, ada: User, clock, django_assert_max_num_queries
) -> None:
    for _ in range(12):
        flag_order(world)
    clock.shift(MINUTE)
    with django_assert_max_num_queries(30):
        run_sweep()
    with django_assert_max_num_queries(15):
        run_sweep()
