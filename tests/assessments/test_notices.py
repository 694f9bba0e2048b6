"""People are told what they have to know, once, and never too often."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from assessments import tasks
from assessments.models import NoticeChoice, Order, Told
from integrations.connections import note_justifacts, pause, resume
from integrations.errors import Refused, Unknown
from integrations.models import Connection, Role
from tests.assessments.notices import (
    NINE,
    a_minute_passes,
    breaks,
    member,
    needs_a_human,
    of_the_portal,
)
from tests.world import World

pytestmark = pytest.mark.anywhere

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
    note_justifacts(connection, Unknown("justifacts.test did not answer in time."), timezone.now())


def justifacts_answers() -> None:
    note_justifacts(Connection.objects.get(organization__slug="acme"), None, timezone.now())


class TestAConnectionBreaks:
    def test_a_pause_is_told_at_once_and_once(self, world: World, ada: User, clock) -> None:
        breaks(world, "Ashby refused the API key (403): no such key.")
        a_minute_passes()
        (message,) = mail.outbox
        assert message.to == ["ada@example.com"]
        assert message.subject == "Acme: the connection does not work"
        assert "since 2026-03-02 09:00 UTC" in message.body
        assert "Ashby refused the API key (403): no such key." in message.body
        connection = world.acme.connection.pk
        assert f"https://portal.test/admin/integrations/connection/{connection}/change/" in message.body
        assert "https://portal.test/admin/my-notices/" in message.body
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
        assert "calls to Justifacts for Acme do not succeed, since 2026-03-02 09:00 UTC" in message.body
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
        assert subjects() == ["Acme: the connection does not work"]
        clock.shift(2 * HOUR)
        resume(world.acme.organization)
        assert subjects() == ["Acme: the connection works again"]
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
        assert subjects() == ["Acme: the connection works again"]

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
        assert "Ashby is told nothing" in message.body
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
        assert "since 2026-03-02 09:40 UTC. It had worked again in between." in message.body

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
        assert "calls to Ashby for Acme do not succeed" in message.body
        assert "made us stumble" in message.body
        assert "Zoë" not in message.body
        assert "Neil" not in message.body

    @pytest.mark.parametrize("kind", ["connection", "human", "digest"])
    def test_a_connection_that_is_switched_off_says_nothing(
        self, world: World, ada: User, clock, kind: str
    ) -> None:
        NoticeChoice.objects.create(person=ada, digest=True)
        breaks(world)
        needs_a_human(world)
        clock.shift(timedelta(days=1))
        Connection.objects.update(is_enabled=False)
        a_minute_passes()
        assert mail.outbox == []
        assert not Told.objects.filter(kind=kind).exists()


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
        assert message.subject == "Acme: an order needs a human"
        assert "Z.O. · Basic" in message.body
        assert "is gone.\n" in message.body
        assert "Later updates" not in message.body
        assert f"https://portal.test/orders/{order.pk}/" in message.body
        for personal in ("zoë", "neil", "example.com", "elm street", "adverse"):
            assert personal not in (message.subject + message.body).lower()

    def test_each_order_is_told_once(self, world: World, ada: User, clock) -> None:
        needs_a_human(world)
        clock.shift(MINUTE)
        assert subjects() == ["Acme: an order needs a human"]
        clock.shift(HOUR)
        assert subjects() == []
        second = needs_a_human(world)
        clock.shift(MINUTE)
        a_minute_passes()
        (message,) = mail.outbox
        assert message.body.count("/orders/") == 1
        assert str(second.pk) in message.body
        assert "All that wait now (2):" in message.body

    def test_more_within_the_hour_come_with_the_next_mail(self, world: World, ada: User, clock) -> None:
        needs_a_human(world)
        clock.shift(MINUTE)
        assert len(subjects()) == 1
        for _ in range(2):
            needs_a_human(world)
            clock.shift(10 * MINUTE)
            assert subjects() == []
        clock.shift(40 * MINUTE)
        assert subjects() == ["Acme: 2 orders need a human"]

    @pytest.mark.parametrize(("count", "words"), [(10, None), (11, "and one more"), (13, "and 3 more")])
    def test_ten_are_named_and_the_others_counted(
        self, world: World, ada: User, clock, count: int, words: str | None
    ) -> None:
        for _ in range(count):
            needs_a_human(world)
        clock.shift(MINUTE)
        a_minute_passes()
        (message,) = mail.outbox
        assert message.subject == f"Acme: {count} orders need a human"
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
        assert subjects() == ["Acme: 2 orders need a human"]


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

    @pytest.mark.parametrize("kind", ["connection", "human", "digest"])
    def test_each_chooses(self, world: World, ada: User, clock, kind: str) -> None:
        choice = {"connection": False, "human": False, "digest": False, kind: True}
        NoticeChoice.objects.create(person=ada, **choice)
        a_minute_passes()
        breaks(world)
        needs_a_human(world)
        clock.shift(timedelta(days=1))
        a_minute_passes()
        assert [told.kind for told in Told.objects.all()] == [kind]
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
            "Acme: an order needs a human",
            "Acme: the connection does not work",
            "Globex: the connection does not work",
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
        assert subjects() == ["Acme: the connection does not work"]

    def test_of_two_workers_one_tells(self, world: World, ada: User) -> None:
        """Both have read that ada does not know, and neither has told her."""
        breaks(world)
        told = {"organization": world.acme.organization, "kind": "connection", "person": ada}
        first, second = Told(**told), Told(**told)
        assert first.take_turn(NINE)
        assert not second.take_turn(NINE)
        assert not second.take_turn(NINE + 59 * MINUTE)
        assert second.take_turn(NINE + HOUR)

    def test_a_mail_server_that_is_away_is_asked_again_and_seen(
        self, world: World, ada: User, clock, monkeypatch, caplog
    ) -> None:
        def away(_: object) -> None:
            raise ConnectionRefusedError("smtp.example.com")

        breaks(world)
        with monkeypatch.context() as patched:
            patched.setattr(EmailBackend, "open", away)
            assert subjects() == []
        told = Told.objects.get()
        assert told.last_error == "No connection to the mail server could be made (ConnectionRefusedError)."
        assert told.failed_at == NINE
        clock.shift(5 * MINUTE)
        assert subjects() == ["Acme: the connection does not work"]
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
        assert Told.objects.get(person=ada).last_error.startswith("The mail server did not take the mail")
        assert Told.objects.get(person=bob).last_error == ""

    def test_a_refusal_is_about_one_order_and_its_words_stay_out(self, world: World, ada: User) -> None:
        connection = world.acme.connection
        note_justifacts(connection, Refused("Zoë has no address."), NINE, hide=("Zoë",))
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
