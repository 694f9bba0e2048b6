"""The daily digest: what happened yesterday and what is pending."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone

from assessments.models import NotificationPreference, NotificationState
from assessments.stalled.detect import detect_stalled
from tests.assessments.notifications.sending import flag_order, member, run_sweep
from tests.fixtures.world import World, data

YESTERDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEVEN = datetime(2026, 3, 2, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(YESTERDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ada(world: World) -> User:
    person = member(world.acme.organization, "ada")
    subscribe(person)
    return person


def subscribe(person: User) -> None:
    """Subscribes the person to the digest, and lets a sweep record the past as notified."""
    NotificationPreference.objects.create(person=person, connection=False, attention=False, digest=True)
    run_sweep()


def at_seven(clock) -> list[str]:
    clock.move_to(SEVEN)
    run_sweep()
    return [message.body for message in mail.outbox]


def figures(body: str) -> dict[str, int]:
    pairs = [line.split(": ") for line in body.splitlines() if line[-1:].isdigit() and ": " in line]
    return {name: int(number) for name, number in pairs}


def test_the_digest_counts_yesterday_and_what_is_pending_now(world: World, ada: User, clock) -> None:
    world.ashby_takes_everything()
    clock.shift(timedelta(days=-1))
    old = world.placed("JF-1")
    clock.move_to(YESTERDAY)
    world.placed("JF-2")
    cancelled = world.placed("JF-3")
    world.push(old, "Complete", assessment_result=data("result", "Clear"))
    world.call(
        "/ashby/assessment.cancel", {"assessment_id": str(cancelled.pk), "cancellation_reason": "Withdrawn"}
    )
    world.justifacts("assessment.cancel", {"success": True, "results": {}})
    world.work()
    flag_order(world)
    world.ashby("assessment.update", {}, 500)
    world.push(world.placed("JF-4"), "Applicant Started")
    clock.move_to(SEVEN - timedelta(hours=1))
    world.placed("JF-5")
    detect_stalled(timezone.now())
    (body,) = at_seven(clock)
    assert "Acme on Sunday, 1 March 2026 (UTC)" in body
    assert figures(body) == {
        "Started": 4,
        "Completed": 1,
        "Cancelled": 1,
        "Need attention": 1,
        "Stalled": 1,
        "Waiting for Ashby": 2,
    }
    assert mail.outbox[0].subject == "Acme: Sunday, 1 March"


def test_the_digest_is_sent_at_seven_once_a_day(world: World, ada: User, clock) -> None:
    flag_order(world)
    clock.move_to(SEVEN - timedelta(minutes=1))
    run_sweep()
    assert mail.outbox == []
    assert len(at_seven(clock)) == 1
    for _ in range(23):
        clock.shift(timedelta(hours=1))
        run_sweep()
    assert len(mail.outbox) == 1
    clock.shift(timedelta(hours=1))
    run_sweep()
    assert len(mail.outbox) == 2, "the next morning, because an order still needs attention"


def test_the_digest_is_sent_late_if_no_worker_ran_at_seven(world: World, ada: User, clock) -> None:
    world.start()
    clock.move_to(SEVEN + timedelta(hours=5))
    run_sweep()
    assert len(mail.outbox) == 1


def test_no_digest_is_sent_if_there_is_nothing_to_report(
    world: World, ada: User, clock, django_assert_max_num_queries
) -> None:
    assert at_seven(clock) == []
    assert NotificationState.objects.get().notified_up_to == SEVEN.replace(hour=0), "not checked again today"
    clock.shift(timedelta(minutes=2))
    with django_assert_max_num_queries(12):
        run_sweep()
    assert mail.outbox == []


def test_another_organizations_orders_are_not_counted(world: World, ada: User, clock) -> None:
    world.start()
    other = member(world.globex.organization, "gus")
    subscribe(other)
    at_seven(clock)
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]


@pytest.mark.parametrize(("hour", "comes"), [(6, "today"), (15, "tomorrow")])
def test_a_new_subscriber_gets_the_first_digest_at_the_next_seven(
    world: World, clock, hour: int, comes: str
) -> None:
    world.start()
    flag_order(world)
    clock.move_to(SEVEN.replace(hour=hour, minute=59))
    subscribe(member(world.acme.organization, "bob"))
    assert mail.outbox == []
    clock.shift(timedelta(minutes=1))
    run_sweep()
    assert len(mail.outbox) == (1 if comes == "today" else 0)
    clock.move_to(SEVEN + timedelta(days=1))
    run_sweep()
    assert len(mail.outbox) == (2 if comes == "today" else 1)


def test_a_person_without_a_subscription_gets_no_digest(world: World, clock) -> None:
    member(world.acme.organization, "bob")
    world.start()
    assert at_seven(clock) == []
