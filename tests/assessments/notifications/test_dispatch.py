"""Which notifications are sent, when, and with which text."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone

from assessments.models import NotificationPreference, NotificationState, Order
from integrations.connections.endpoints import Endpoint
from integrations.connections.health import record_call_result
from integrations.connections.pauses import resume
from integrations.http.errors import Unknown
from integrations.models import Connection
from tests.assessments.notifications.sending import NINE, flag_order, member, pause_deliveries, run_sweep
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


def justifacts_fails() -> None:
    connection = Connection.objects.get(organization__slug="acme")
    record_call_result(
        connection, Endpoint.JUSTIFACTS, Unknown("justifacts.test did not answer in time."), timezone.now()
    )


def justifacts_answers() -> None:
    record_call_result(
        Connection.objects.get(organization__slug="acme"), Endpoint.JUSTIFACTS, None, timezone.now()
    )


class TestConnection:
    def test_a_pause_is_reported_immediately_and_once(self, world: World, ada: User, clock) -> None:
        pause_deliveries(world, "Ashby refused the API key (403): no such key.")
        run_sweep()
        (message,) = mail.outbox
        assert message.to == ["ada@example.com"]
        assert message.subject == "Acme: connection problem"
        assert "since 2026-03-02 09:00 UTC" in message.body
        assert "Ashby refused the API key (403): no such key." in message.body
        connection = world.acme.connection.pk
        assert f"https://portal.test/admin/integrations/connection/{connection}/change/" in message.body
        assert "https://portal.test/admin/notification-settings/" in message.body
        for _ in range(5):
            clock.shift(HOUR)
            run_sweep()
        assert len(mail.outbox) == 1

    def test_a_failing_partner_is_reported_after_five_minutes(self, world: World, ada: User, clock) -> None:
        justifacts_fails()
        clock.shift(timedelta(minutes=4, seconds=59))
        justifacts_fails()
        assert subjects() == []
        clock.shift(timedelta(seconds=1))
        run_sweep()
        (message,) = mail.outbox
        assert "calls to Justifacts for Acme have been failing since 2026-03-02 09:00 UTC" in message.body
        assert "justifacts.test did not answer in time." in message.body

    def test_a_partner_that_recovers_sooner_is_not_reported(self, world: World, ada: User, clock) -> None:
        justifacts_fails()
        clock.shift(3 * MINUTE)
        justifacts_answers()
        clock.shift(3 * MINUTE)
        justifacts_fails()
        assert subjects() == []

    def test_a_restored_connection_is_reported_once(self, world: World, ada: User, clock) -> None:
        pause_deliveries(world)
        assert subjects() == ["Acme: connection problem"]
        clock.shift(2 * HOUR)
        resume(world.acme.organization)
        assert subjects() == ["Acme: connection restored"]
        clock.shift(2 * HOUR)
        assert subjects() == []

    def test_a_connection_is_restored_only_when_both_partners_work(
        self, world: World, ada: User, clock
    ) -> None:
        pause_deliveries(world)
        assert len(subjects()) == 1
        clock.shift(2 * HOUR)
        resume(world.acme.organization)
        justifacts_fails()
        assert subjects() == []
        justifacts_answers()
        assert subjects() == ["Acme: connection restored"]

    def test_a_restored_connection_is_not_reported_without_its_failure(
        self, world: World, ada: User, clock
    ) -> None:
        pause_deliveries(world)
        resume(world.acme.organization)
        assert subjects() == []

    def test_a_failure_of_the_other_partner_is_reported_too(self, world: World, ada: User, clock) -> None:
        pause_deliveries(world)
        assert len(subjects()) == 1
        clock.shift(2 * HOUR)
        justifacts_fails()
        clock.shift(5 * MINUTE)
        run_sweep()
        (message,) = mail.outbox
        assert "Updates to Ashby for Acme have been paused" in message.body
        assert "calls to Justifacts" in message.body

    def test_changes_within_the_hour_are_reported_in_the_next_mail(
        self, world: World, ada: User, clock
    ) -> None:
        pause_deliveries(world)
        assert len(subjects()) == 1
        clock.shift(20 * MINUTE)
        resume(world.acme.organization)
        assert subjects() == []
        clock.shift(20 * MINUTE)
        pause_deliveries(world)
        assert subjects() == []
        clock.shift(20 * MINUTE)
        run_sweep()
        (message,) = mail.outbox
        assert "since 2026-03-02 09:40 UTC. It worked again in between." in message.body

    def test_a_refused_order_is_no_connection_problem(self, world: World, ada: User, clock) -> None:
        world.justifacts("assessment.start", {"message": "Zoë O'Neil has no address."}, 422)
        world.ashby_takes_everything()
        world.start()
        world.work()
        clock.shift(HOUR)
        assert subjects() == []

    def test_server_errors_of_ashby_are_reported_without_candidate_data(
        self, world: World, ada: User, clock
    ) -> None:
        world.ashby("assessment.update", {"message": "Zoë O'Neil made us stumble"}, 500)
        world.placed()
        world.work()
        clock.shift(5 * MINUTE)
        run_sweep()
        (message,) = mail.outbox
        assert "calls to Ashby for Acme have been failing" in message.body
        assert "made us stumble" in message.body
        assert "Zoë" not in message.body
        assert "Neil" not in message.body

    @pytest.mark.parametrize("kind", ["connection", "attention", "digest"])
    def test_a_disabled_connection_sends_no_notifications(
        self, world: World, ada: User, clock, kind: str
    ) -> None:
        NotificationPreference.objects.create(person=ada, digest=True)
        pause_deliveries(world)
        flag_order(world)
        clock.shift(timedelta(days=1))
        Connection.objects.update(is_enabled=False)
        run_sweep()
        assert mail.outbox == []
        assert not NotificationState.objects.filter(kind=kind).exists()


class TestOrderNeedsAttention:
    def test_the_mail_has_initials_reason_and_link_and_no_other_candidate_data(
        self, world: World, ada: User, clock
    ) -> None:
        order = flag_order(
            world,
            reason="Ashby refused “Complete: Adverse” permanently: ZOË O'Neil (zoe.oneil@example.com), 41 "
            "Elm "
            "Street, is gone. Later updates of this order wait for it.",
        )
        Order.objects.update(additional_fields={"address": {"street": "41 Elm Street"}}, result="Adverse")
        clock.shift(MINUTE)
        run_sweep()
        (message,) = mail.outbox
        assert message.subject == "Acme: an order needs attention"
        assert "Z.O. · Basic" in message.body
        assert "is gone.\n" in message.body
        assert "Later updates" not in message.body
        assert f"https://portal.test/orders/{order.pk}/" in message.body
        for personal in ("zoë", "neil", "example.com", "elm street", "adverse"):
            assert personal not in (message.subject + message.body).lower()

    def test_each_order_is_reported_once(self, world: World, ada: User, clock) -> None:
        flag_order(world)
        clock.shift(MINUTE)
        assert subjects() == ["Acme: an order needs attention"]
        clock.shift(HOUR)
        assert subjects() == []
        second = flag_order(world)
        clock.shift(MINUTE)
        run_sweep()
        (message,) = mail.outbox
        assert message.body.count("/orders/") == 1
        assert str(second.pk) in message.body
        assert "All orders that need attention now (2):" in message.body

    def test_further_orders_within_the_hour_are_reported_in_the_next_mail(
        self, world: World, ada: User, clock
    ) -> None:
        flag_order(world)
        clock.shift(MINUTE)
        assert len(subjects()) == 1
        for _ in range(2):
            flag_order(world)
            clock.shift(10 * MINUTE)
            assert subjects() == []
        clock.shift(40 * MINUTE)
        assert subjects() == ["Acme: 2 orders need attention"]

    @pytest.mark.parametrize(("count", "text"), [(10, None), (11, "and one more"), (13, "and 3 more")])
    def test_ten_orders_are_listed_and_the_others_counted(
        self, world: World, ada: User, clock, count: int, text: str | None
    ) -> None:
        for _ in range(count):
            flag_order(world)
        clock.shift(MINUTE)
        run_sweep()
        (message,) = mail.outbox
        assert message.subject == f"Acme: {count} orders need attention"
        assert message.body.count("/orders/") == 10
        assert (text or "") in message.body
        assert ("more." in message.body) == (text is not None)

    def test_an_order_that_is_resolved_within_seconds_is_not_reported(
        self, world: World, ada: User, clock
    ) -> None:
        flag_order(world)
        assert subjects() == [], "too new"
        Order.objects.update(needs_attention=False, attention_reason="", attention_since=None)
        clock.shift(MINUTE)
        assert subjects() == []

    def test_an_order_flagged_by_a_slow_transaction_is_not_missed(
        self, world: World, ada: User, clock
    ) -> None:
        """Its flag is older than one that was visible before."""
        clock.shift(timedelta(seconds=5))
        flag_order(world)
        clock.shift(timedelta(seconds=5))
        assert subjects() == []
        late = flag_order(world)
        Order.objects.filter(pk=late.pk).update(attention_since=NINE)
        clock.shift(timedelta(seconds=25))
        assert subjects() == ["Acme: 2 orders need attention"]
