"""Erasure by retention, and legal holds that prevent it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments import tasks
from assessments.models import AshbyUpdate, ErasureReason, InboundRequest, Order
from assessments.privacy import retention
from assessments.privacy.eligibility import lift_hold, place_hold
from integrations.connections.connect import connect
from integrations.models import AuditLogEntry
from tests.fixtures.world import World, data

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


def run_after_days(clock: time_machine.Traveller, days: float) -> None:
    """Runs the task so many days after the end of the check."""
    clock.move_to(datetime(2026, 3, 2, 9, tzinfo=UTC) + days * DAY)
    tasks.erase_due()


def is_erased(order: Order) -> bool:
    order.refresh_from_db()
    return order.is_erased


def test_an_order_is_erased_two_years_after_its_end(complete: Order, clock) -> None:
    run_after_days(clock, 729.9)
    assert not is_erased(complete)
    run_after_days(clock, 730)
    assert is_erased(complete)
    assert (complete.candidate_email, complete.result, complete.erasure_reason) == (
        "",
        "",
        ErasureReason.RETENTION,
    )


def test_an_order_that_may_be_in_progress_at_justifacts_is_kept(world: World, clock) -> None:
    """Otherwise nobody would cancel the check, and it would be billed."""
    world.ashby_takes_everything()
    order = world.placed()
    world.justifacts("assessment.cancel", {"success": False}, status=503)
    world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    world.work()
    run_after_days(clock, 731)
    assert not is_erased(order)
    assert order.next_call == "cancel"
    assert retention.erased_on(order) is None, "no date is shown"
    Order.objects.filter(pk=order.pk).update(
        next_call="",
        next_attempt_at=None,
        needs_attention=True,
        attention_reason="Ask.",
        attention_topic="cancel",
    )
    run_after_days(clock, 732)
    assert not is_erased(order), "the order needs attention"
    Order.objects.filter(pk=order.pk).update(needs_attention=False, attention_reason="", attention_topic="")
    run_after_days(clock, 733)
    assert is_erased(order)


def test_a_new_organization_gets_the_retention_setting(world: World, settings) -> None:
    settings.RETENTION_DAYS = 365
    assert connect("Initech", verification_key="verify-initech-0123456789").organization.retention_days == 365
    assert world.acme.organization.retention_days == 730


def test_each_organization_has_its_own_retention(world: World, complete: Order, clock) -> None:
    type(world.acme.organization).objects.filter(slug="acme").update(retention_days=30)
    body = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    answer = world.call("/ashby/assessment.start", body, key=world.globex.verification_key)
    theirs = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
    Order.objects.filter(pk=theirs.pk).update(status="cancelled", next_call="", next_attempt_at=None)
    run_after_days(clock, 31)
    assert is_erased(complete)
    assert not is_erased(theirs)


def test_retention_counts_from_the_end_of_the_check(world: World, clock) -> None:
    order = world.placed()
    run_after_days(clock, 800)
    assert not is_erased(order), "in progress"
    world.push(order, "Complete", assessment_result=data("result", "Clear"))
    run_after_days(clock, 800 + 729)
    assert not is_erased(order)
    run_after_days(clock, 800 + 730)
    assert is_erased(order)


def test_a_legal_hold_prevents_the_erasure_until_it_is_lifted(complete: Order, clock) -> None:
    place_hold(complete.pk, "ada", "A dispute")
    run_after_days(clock, 2000)
    assert not is_erased(complete)
    lift_hold(complete.pk, "ada", "It is settled")
    run_after_days(clock, 2000.1)
    assert is_erased(complete)


def test_a_second_run_changes_nothing(complete: Order, clock) -> None:
    run_after_days(clock, 731)
    complete.refresh_from_db()
    before = complete.erased_at, complete.events.count(), AuditLogEntry.objects.count()
    tasks.erase_due()
    run_after_days(clock, 732)
    complete.refresh_from_db()
    assert (complete.erased_at, complete.events.count(), AuditLogEntry.objects.count()) == before


@pytest.mark.anywhere
def test_orders_are_erased_in_batches(world: World, complete: Order, clock, settings) -> None:
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"retention": 2}
    ended = {"status": "cancelled", "next_call": "", "next_attempt_at": None}
    for _ in range(4):
        more = world.start()
        Order.objects.filter(pk=more.pk).update(**ended)
    run_after_days(clock, 731)
    assert not Order.objects.filter(erased_at=None).exists()


def test_undelivered_updates_are_skipped(world: World, clock) -> None:
    """Retention does not wait for a key that nobody has replaced for two years."""
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Clear"))
    run_after_days(clock, 731)
    assert is_erased(order)
    assert set(order.updates.values_list("state", flat=True)) == {AshbyUpdate.State.SKIPPED}


@pytest.mark.anywhere
def test_calls_without_an_order_are_deleted_after_the_same_time(world: World, clock) -> None:
    world.call("/ashby/assessment.start", world.start_body(assessment_type_id="unknown"))
    assert InboundRequest.objects.exclude(body={}).filter(order=None).exists()
    run_after_days(clock, 729)
    assert InboundRequest.objects.exists()
    run_after_days(clock, 730)
    assert not InboundRequest.objects.exists()


def test_the_audit_log_records_the_number_of_erased_orders(complete: Order, clock) -> None:
    run_after_days(clock, 731)
    line = AuditLogEntry.objects.get(action="erased")
    assert (line.actor, line.kind) == ("the portal", "retention")
    assert line.details["orders"] == 1
    assert line.details["days"] == 730


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"candidate_email": "zoe@example.com"}, marks=pytest.mark.anywhere),
        {"report_url": "https://justifacts.test/1"},
        {"result": "Clear"},
        {"status": "received"},
        pytest.param({"legal_hold": True, "legal_hold_reason": "A dispute"}, marks=pytest.mark.anywhere),
        {"erasure_reason": ""},
        {"attention_reason": "Ask Zoë", "needs_attention": True},
    ],
    ids=str,
)
def test_a_constraint_keeps_an_erased_order_empty(complete: Order, clock, change: dict) -> None:
    run_after_days(clock, 731)
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=complete.pk).update(**change)


def test_due_orders_are_found_by_an_index(world: World) -> None:
    due = retention.orders_due(world.acme.organization, timezone.now())
    if connection.vendor == "sqlite":
        assert "orders_not_erased" in due.explain()


def test_a_run_without_due_orders_needs_few_queries(complete: Order, world: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        retention.erase_due(timezone.now())
    organizations = 2
    assert len(queries) <= 2 + 2 * organizations
