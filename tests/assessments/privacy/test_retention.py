"""The clock of candidates' data, and the legal hold that stops it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments import tasks
from assessments.models import AshbyUpdate, ErasureReason, InboundRequest, Order
from assessments.privacy import retention
from assessments.privacy.legal_hold import lift_hold, place_hold
from integrations.connections.connect import connect
from integrations.models import AuditLogEntry
from tests.fixtures.world import World, data

pytestmark = pytest.mark.anywhere

DAY = timedelta(days=1)


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def complete(world: World, clock) -> Order:
    world.ashby_takes_everything()
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Review"))
    world.work()
    return order


def days_later(clock: time_machine.Traveller, days: float) -> None:
    """What the scheduler brings then."""
    clock.move_to(datetime(2026, 3, 2, 9, tzinfo=UTC) + days * DAY)
    tasks.erase_due()


def is_erased(order: Order) -> bool:
    order.refresh_from_db()
    return order.is_erased


def test_two_years_after_the_end_the_candidate_is_gone(complete: Order, clock) -> None:
    days_later(clock, 729.9)
    assert not is_erased(complete)
    days_later(clock, 730)
    assert is_erased(complete)
    assert (complete.candidate_email, complete.result, complete.erasure_reason) == (
        "",
        "",
        ErasureReason.RETENTION,
    )


def test_what_justifacts_may_still_be_at_is_kept_until_that_is_settled(world: World, clock) -> None:
    """Erased, it would run and be billed, and nobody would stop it."""
    world.ashby_takes_everything()
    order = world.placed()
    world.justifacts("assessment.cancel", {"success": False}, status=503)
    world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    world.work()
    days_later(clock, 731)
    assert not is_erased(order)
    assert order.next_call == "cancel"
    assert retention.erased_on(order) is None, "nobody is told a day"
    Order.objects.filter(pk=order.pk).update(
        next_call="",
        next_attempt_at=None,
        needs_attention=True,
        attention_reason="Ask.",
        attention_topic="cancel",
    )
    days_later(clock, 732)
    assert not is_erased(order), "a person is asked about it"
    Order.objects.filter(pk=order.pk).update(needs_attention=False, attention_reason="", attention_topic="")
    days_later(clock, 733)
    assert is_erased(order)


def test_a_new_organization_starts_with_the_operators_number(world: World, settings) -> None:
    settings.RETENTION_DAYS = 365
    assert connect("Initech", verification_key="verify-initech-0123456789").organization.retention_days == 365
    assert world.acme.organization.retention_days == 730


def test_each_organization_has_its_own_clock(world: World, complete: Order, clock) -> None:
    type(world.acme.organization).objects.filter(slug="acme").update(retention_days=30)
    body = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    answer = world.call("/ashby/assessment.start", body, key=world.globex.verification_key)
    theirs = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
    Order.objects.filter(pk=theirs.pk).update(status="cancelled", next_call="", next_attempt_at=None)
    days_later(clock, 31)
    assert is_erased(complete)
    assert not is_erased(theirs)


def test_the_clock_runs_from_the_end_and_not_from_the_start(world: World, clock) -> None:
    order = world.placed()
    days_later(clock, 800)
    assert not is_erased(order), "in progress"
    world.push(order, "Complete", assessment_result=data("result", "Clear"))
    days_later(clock, 800 + 729)
    assert not is_erased(order)
    days_later(clock, 800 + 730)
    assert is_erased(order)


def test_a_hold_stops_it_until_it_is_lifted(complete: Order, clock) -> None:
    place_hold(complete.pk, "ada", "A dispute")
    days_later(clock, 2000)
    assert not is_erased(complete)
    lift_hold(complete.pk, "ada", "It is settled")
    days_later(clock, 2000.1)
    assert is_erased(complete)


def test_a_second_run_and_a_second_scheduler_find_nothing(complete: Order, clock) -> None:
    days_later(clock, 731)
    complete.refresh_from_db()
    before = complete.erased_at, complete.events.count(), AuditLogEntry.objects.count()
    tasks.erase_due()
    days_later(clock, 732)
    complete.refresh_from_db()
    assert (complete.erased_at, complete.events.count(), AuditLogEntry.objects.count()) == before


def test_many_are_erased_in_batches(world: World, complete: Order, clock, settings) -> None:
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"retention": 2}
    for number in range(4):
        more = world.start()
        done = {"status": "cancelled", "next_call": "", "next_attempt_at": None}
        Order.objects.filter(pk=more.pk).update(**done, justifacts_order_id=f"JF-{number}")
    days_later(clock, 731)
    assert not Order.objects.filter(erased_at=None).exists()


def test_what_ashby_was_never_told_is_set_aside(world: World, clock) -> None:
    """The law's clock does not wait for a key that nobody has resolved for two years."""
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Clear"))
    days_later(clock, 731)
    assert is_erased(order)
    assert set(order.updates.values_list("state", flat=True)) == {AshbyUpdate.State.SKIPPED}


def test_calls_that_belong_to_no_order_go_by_the_same_clock(world: World, clock) -> None:
    world.call("/ashby/assessment.start", world.start_body(assessment_type_id="of nobody"))
    assert InboundRequest.objects.exclude(body={}).filter(order=None).exists()
    days_later(clock, 729)
    assert InboundRequest.objects.exists()
    days_later(clock, 730)
    assert not InboundRequest.objects.exists()


def test_the_audit_trail_says_how_many_and_nobodys_name(complete: Order, clock) -> None:
    days_later(clock, 731)
    line = AuditLogEntry.objects.get(action="erased")
    assert (line.actor, line.kind) == ("the portal", "retention")
    assert line.details["orders"] == 1
    assert line.details["days"] == 730


@pytest.mark.parametrize(
    "back",
    [
        {"candidate_email": "zoe@example.com"},
        {"report_url": "https://justifacts.test/1"},
        {"result": "Clear"},
        {"status": "received"},
        {"legal_hold": True, "legal_hold_reason": "A dispute"},
        {"erasure_reason": ""},
        {"attention_reason": "Ask Zoë", "needs_attention": True},
    ],
    ids=str,
)
def test_the_database_itself_lets_nothing_back(complete: Order, clock, back: dict) -> None:
    days_later(clock, 731)
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=complete.pk).update(**back)


def test_what_is_due_is_found_by_an_index(world: World) -> None:
    due = retention.orders_due(world.acme.organization, timezone.now())
    if connection.vendor == "sqlite":
        assert "orders_not_erased" in due.explain()


def test_nothing_is_read_twice_where_nothing_is_due(complete: Order, world: World) -> None:
    with CaptureQueriesContext(connection) as asked:
        retention.erase_due(timezone.now())
    organizations = 2
    assert len(asked) <= 2 + 2 * organizations
