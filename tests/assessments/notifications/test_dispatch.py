"""People are told what they have to know, once, and never too often."""

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
from tests.assessments.notifications.sending import NINE, a_minute_passes, breaks, member, needs_a_human
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


def justifacts_fails() -> None:
    connection = Connection.objects.get(organization__slug="acme")
    record_call_result(
        connection, Endpoint.JUSTIFACTS, Unknown("justifacts.test did not answer in time."), timezone.now()
    )


def justifacts_answers() -> None:
    record_call_result(
        Connection.objects.get(organization__slug="acme"), Endpoint.JUSTIFACTS, None, timezone.now()
    )


class TestAConnectionBreaks:
    def test_a_pause_is_told_at_once_and_once(self, world: World, ada: User, clock) -> None:
        breaks(world, "Ashby refused the API key (403): no such key.")
        a_minute_passes()
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
            a_minute_passes()
        assert len(mail.outbox) == 1

    def test_a_side_that_fails_is_told_after_five_minutes(self, world: World, ada: User, clock) -> None:
        justifacts_fails()
        clock.shift(timedelta(minutes=4, seconds=59))
        justifacts_fails()
        assert subjects() == []
        clock.shift(timedelta(seconds=1))
        a_minute_passes()
        (message,) = mail.outbox
        assert "calls to Justifacts for Acme have been failing since 2026-03-02 09:00 UTC" in message.body
        assert "justifacts.test did not answer in time." in message.body

    def test_a_side_that_recovers_sooner_is_not_told(self, world: World, ada: User, clock) -> None:
        justifacts_fails()
        clock.shift(3 * MINUTE)
        justifacts_answers()
        clock.shift(3 * MINUTE)
        justifacts_fails()
        assert subjects() == []

    def test_that_all_works_again_is_told_once(self, world: World, ada: User, clock) -> None:
        breaks(world)
        assert subjects() == ["Acme: connection problem"]
        clock.shift(2 * HOUR)
        resume(world.acme.organization)
        assert subjects() == ["Acme: connection restored"]
        clock.shift(2 * HOUR)
        assert subjects() == []

    def test_it_works_again_only_when_neither_side_has_a_problem(
        self, world: World, ada: User, clock
    ) -> None:
        breaks(world)
        assert len(subjects()) == 1
        clock.shift(2 * HOUR)
        resume(world.acme.organization)
        justifacts_fails()
        assert subjects() == []
        justifacts_answers()
        assert subjects() == ["Acme: connection restored"]

    def test_nothing_works_again_for_who_was_not_told_that_it_broke(
        self, world: World, ada: User, clock
    ) -> None:
        breaks(world)
        resume(world.acme.organization)
        assert subjects() == []

    def test_the_other_side_breaks_too(self, world: World, ada: User, clock) -> None:
        breaks(world)
        assert len(subjects()) == 1
        clock.shift(2 * HOUR)
        justifacts_fails()
        clock.shift(5 * MINUTE)
        a_minute_passes()
        (message,) = mail.outbox
        assert "Updates to Ashby for Acme have been paused" in message.body
        assert "calls to Justifacts" in message.body

    def test_what_happened_inside_the_hour_comes_with_the_next_mail(
        self, world: World, ada: User, clock
    ) -> None:
        breaks(world)
        assert len(subjects()) == 1
        clock.shift(20 * MINUTE)
        resume(world.acme.organization)
        assert subjects() == []
        clock.shift(20 * MINUTE)
        breaks(world)
        assert subjects() == []
        clock.shift(20 * MINUTE)
        a_minute_passes()
        (message,) = mail.outbox
        assert "since 2026-03-02 09:40 UTC. It worked again in between." in message.body

    def test_one_refused_order_breaks_no_connection(self, world: World, ada: User, clock) -> None:
        world.justifacts("assessment.start", {"message": "Zoë O'Neil has no address."}, 422)
        world.ashby_takes_everything()
        world.start()
        world.work()
        clock.shift(HOUR)
        assert subjects() == []

    def test_an_ashby_that_does_not_answer_breaks_it(self, world: World, ada: User, clock) -> None:
        world.ashby("assessment.update", {"message": "Zoë O'Neil made us stumble"}, 500)
        world.placed()
        world.work()
        clock.shift(5 * MINUTE)
        a_minute_passes()
        (message,) = mail.outbox
        assert "calls to Ashby for Acme have been failing" in message.body
        assert "made us stumble" in message.body
        assert "Zoë" not in message.body
        assert "Neil" not in message.body

    @pytest.mark.parametrize("kind", ["connection", "attention", "digest"])
    def test_a_connection_that_is_switched_off_says_nothing(
        self, world: World, ada: User, clock, kind: str
    ) -> None:
        NotificationPreference.objects.create(person=ada, digest=True)
        breaks(world)
        needs_a_human(world)
        clock.shift(timedelta(days=1))
        Connection.objects.update(is_enabled=False)
        a_minute_passes()
        assert mail.outbox == []
        assert not NotificationState.objects.filter(kind=kind).exists()


class TestAnOrderNeedsAHuman:
    def test_it_is_told_with_initials_reason_and_link_and_nothing_else_of_the_candidate(
        self, world: World, ada: User, clock
    ) -> None:
        order = needs_a_human(
            world,
            reason="Ashby refused “Complete: Adverse” for good: ZOË O'Neil (zoe.oneil@example.com), 41 Elm "
            "Street, is gone. Later updates of this order wait for it.",
        )
        Order.objects.update(additional_fields={"address": {"street": "41 Elm Street"}}, result="Adverse")
        clock.shift(MINUTE)
        a_minute_passes()
        (message,) = mail.outbox
        assert message.subject == "Acme: an order needs attention"
        assert "Z.O. · Basic" in message.body
        assert "is gone.\n" in message.body
        assert "Later updates" not in message.body
        assert f"https://portal.test/orders/{order.pk}/" in message.body
        for personal in ("zoë", "neil", "example.com", "elm street", "adverse"):
            assert personal not in (message.subject + message.body).lower()

    def test_each_order_is_told_once(self, world: World, ada: User, clock) -> None:
        needs_a_human(world)
        clock.shift(MINUTE)
        assert subjects() == ["Acme: an order needs attention"]
        clock.shift(HOUR)
        assert subjects() == []
        second = needs_a_human(world)
        clock.shift(MINUTE)
        a_minute_passes()
        (message,) = mail.outbox
        assert message.body.count("/orders/") == 1
        assert str(second.pk) in message.body
        assert "All orders that need attention now (2):" in message.body

    def test_more_within_the_hour_come_with_the_next_mail(self, world: World, ada: User, clock) -> None:
        needs_a_human(world)
        clock.shift(MINUTE)
        assert len(subjects()) == 1
        for _ in range(2):
            needs_a_human(world)
            clock.shift(10 * MINUTE)
            assert subjects() == []
        clock.shift(40 * MINUTE)
        assert subjects() == ["Acme: 2 orders need attention"]

    @pytest.mark.parametrize(("count", "words"), [(10, None), (11, "and one more"), (13, "and 3 more")])
    def test_ten_are_named_and_the_others_counted(
        self, world: World, ada: User, clock, count: int, words: str | None
    ) -> None:
        for _ in range(count):
            needs_a_human(world)
        clock.shift(MINUTE)
        a_minute_passes()
        (message,) = mail.outbox
        assert message.subject == f"Acme: {count} orders need attention"
        assert message.body.count("/orders/") == 10
        assert (words or "") in message.body
        assert ("more." in message.body) == (words is not None)

    def test_one_that_settles_itself_meanwhile_is_not_told(self, world: World, ada: User, clock) -> None:
        needs_a_human(world)
        assert subjects() == [], "it is not certain yet"
        Order.objects.update(needs_attention=False, attention_reason="", attention_since=None)
        clock.shift(MINUTE)
        assert subjects() == []

    def test_one_written_late_by_a_slow_transaction_is_not_passed_over(
        self, world: World, ada: User, clock
    ) -> None:
        """Its time lies before that of one which others can see already."""
        clock.shift(timedelta(seconds=5))
        needs_a_human(world)
        clock.shift(timedelta(seconds=5))
        assert subjects() == []
        late = needs_a_human(world)
        Order.objects.filter(pk=late.pk).update(attention_since=NINE)
        clock.shift(timedelta(seconds=25))
        assert subjects() == ["Acme: 2 orders need attention"]
