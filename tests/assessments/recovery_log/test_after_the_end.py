"""After a restore, Ashby gets nothing that is older than the end that it has."""

from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone

from assessments.models import AshbyUpdate, Order
from assessments.orders.transaction import locked_order
from assessments.outbox.compose import enqueue_stall_note
from assessments.privacy import retention
from assessments.privacy.requests import erase_candidate
from assessments.reconciliation.run import reconcile_now
from tests.fixtures.world import World

from .test_ends import (
    ashby_refuses_updates,
    backup,
    complete,
    end,
    is_settled,
    justifacts_says_complete,
    received,
)


def history(order: Order) -> str:
    return "\n".join(order.events.values_list("summary", flat=True))


def test_a_note_that_was_written_since_the_restore_is_not_sent_after_the_end(world: World, clock) -> None:
    order = received(world)
    restore = backup(order)
    clock.shift(timedelta(minutes=1))
    complete(world, order)
    sent = world.sent("assessment.update")
    restore()
    clock.shift(timedelta(hours=1))
    with locked_order(order.pk) as restored:
        enqueue_stall_note(restored, "The check has not moved for an hour.", timezone.now())
    justifacts_says_complete(world, order)
    call_command("recover_after_restore")
    world.work()
    assert world.sent("assessment.update") == sent
    assert is_settled(order)
    assert "is not sent: Ashby already has the end of this check" in history(order)


def test_a_status_that_was_written_with_the_end_since_the_restore_is_not_sent(world: World, clock) -> None:
    order = received(world)
    restore = backup(order)
    clock.shift(timedelta(minutes=1))
    complete(world, order)
    sent = world.sent("assessment.update")
    restore()
    clock.shift(timedelta(hours=1))
    world.push(order, "In Process: Justifacts")
    world.push(order, "Complete", **end())
    justifacts_says_complete(world, order)
    call_command("recover_after_restore")
    world.work()
    assert world.sent("assessment.update") == sent
    assert is_settled(order)


def test_a_result_that_ashby_has_is_not_replaced_by_the_older_one_of_the_backup(world: World, clock) -> None:
    """The older one was waiting when the backup was made. Justifacts cannot be asked yet."""
    order = received(world)
    world.push(order, "Complete", **end("Review"))
    restore = backup(order)
    world.work()
    clock.shift(timedelta(minutes=1))
    complete(world, order, "Clear")
    sent = world.sent("assessment.update")
    restore()
    clock.shift(timedelta(minutes=5))
    call_command("recover_after_restore")
    world.justifacts("assessment.status", "<html>", 502)
    reconcile_now(order.organization, "Ada")
    world.work()
    assert world.sent("assessment.update") == sent
    assert (is_settled(order), order.result) == (True, "Clear")
    assert "The database had an older result of this check" in history(order)


def test_a_candidate_that_was_erased_after_the_backup_is_erased_again_although_ashby_refuses_the_end(
    world: World, clock
) -> None:
    """The erasure has deleted the entry of the end, so the end is found by a poll and sent once more."""
    order = received(world)
    restore = backup(order)
    clock.shift(timedelta(minutes=1))
    complete(world, order)
    erase_candidate(order.organization, order.candidate_email, "Ada", timezone.now())
    restore()
    clock.shift(timedelta(minutes=5))
    justifacts_says_complete(world, order)
    ashby_refuses_updates(world)
    call_command("recover_after_restore")
    world.work()
    clock.shift(timedelta(minutes=10))
    retention.erase_due(timezone.now())
    order.refresh_from_db()
    assert (order.is_erased, order.candidate_email, order.needs_attention) == (True, "", False)
    assert not order.updates.filter(state__in=AshbyUpdate.UNDELIVERED).exists()
