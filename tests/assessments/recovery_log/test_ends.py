"""After a restore, what Ashby is known to have is not sent again: the end of each check, which it accepted
after the backup. Ashby refuses any update of a check that has ended."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from assessments.models import AshbyUpdate, Order, OrderEvent, PendingCall
from assessments.reconciliation.run import reconcile_now
from assessments.recovery_log import log
from assessments.support.retry import resend_updates
from tests.fixtures.world import World, data

from .test_restore import delete, look_up_answer

REPORT = "https://app.justifacts.com/report/1"
FIELDS = [field.attname for field in Order._meta.concrete_fields if not field.primary_key]


def received(world: World) -> Order:
    """An order that Ashby shows as received."""
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    return order


def end(result: str = "Clear") -> dict[str, Any]:
    return {"assessment_result": data("r", result), "assessment_profile_url": data("u", REPORT, "url")}


def complete(world: World, order: Order, result: str = "Clear") -> None:
    """Justifacts completes the check, and Ashby accepts the end."""
    world.push(order, "Complete", **end(result))
    world.work()


def backup(order: Order) -> Callable[[], None]:
    """Copies the order and its updates. Returns what restores the copy."""
    order = Order.objects.get(pk=order.pk)
    values = {name: getattr(order, name) for name in FIELDS}
    updates = list(order.updates.all())

    def restore() -> None:
        order.attempts.all().delete()
        order.updates.all().delete()
        Order.objects.filter(pk=order.pk).update(**values)
        AshbyUpdate.objects.bulk_create(updates)

    return restore


def ashby_refuses_updates(world: World) -> None:
    info = {"code": "invalid_input", "message": "this assessment is complete"}
    world.ashby("assessment.update", {"success": False, "errors": ["invalid_input"], "errorInfo": info})


def justifacts_says(world: World, order: Order, **update: Any) -> None:
    results = look_up_answer(order.pk, "JF-2026-1")["results"]
    world.justifacts("assessment.status", {"success": True, "results": results | update})


def justifacts_says_complete(world: World, order: Order, result: str = "Clear") -> None:
    justifacts_says(world, order, assessment_status=data("s", "Complete"), **end(result))


def is_settled(order: Order) -> bool:
    """Whether Ashby has all updates and no person is asked."""
    order.refresh_from_db()
    return not (order.needs_attention or order.updates.filter(state__in=AshbyUpdate.UNDELIVERED))


@pytest.mark.parametrize("lost", ["the end", "the order", "the delivery of the end"])
def test_a_completion_that_ashby_has_is_repeated_from_the_log_and_not_sent(
    world: World, clock, lost: str
) -> None:
    order = received(world)
    restore = backup(order)
    clock.shift(timedelta(minutes=1))
    if lost == "the delivery of the end":
        world.push(order, "Complete", **end())
        restore = backup(order)
        world.work()
    else:
        complete(world, order)
    order.refresh_from_db()
    before = {name: getattr(order, name) for name in ("status", "result", "report_url", "completed_at")}
    sent = world.sent("assessment.update")
    restore() if lost != "the order" else delete(order)
    clock.shift(timedelta(minutes=5))
    justifacts_says_complete(world, order)
    ashby_refuses_updates(world)
    call_command("recover_after_restore")
    call_command("recover_after_restore")
    world.work()
    assert world.sent("assessment.update") == sent
    assert is_settled(order)
    assert {name: getattr(order, name) for name in before} == before
    newest = order.updates.get(timestamp=sent[-1]["timestamp"])
    assert (newest.state, newest.payload) == ("delivered", sent[-1])
    if lost != "the delivery of the end":
        text = order.events.filter(kind=OrderEvent.Kind.RESTORED).last().summary
        assert "Ashby already has it, since 2026-03-02 09:01 UTC" in text


def test_a_result_that_changed_since_is_sent(world: World, clock) -> None:
    order = received(world)
    restore = backup(order)
    complete(world, order, "Review")
    restore()
    clock.shift(timedelta(minutes=5))
    justifacts_says_complete(world, order, "Adverse")
    call_command("recover_after_restore")
    world.work()
    assert world.sent("assessment.update")[-1]["assessment_result"]["value"] == "Adverse"
    assert is_settled(order)


def test_the_newest_result_that_ashby_has_is_the_one_that_is_repeated(world: World, clock) -> None:
    order = received(world)
    restore = backup(order)
    for result in ("Review", "Clear"):
        clock.shift(timedelta(minutes=1))
        complete(world, order, result)
    restore()
    justifacts_says_complete(world, order, "Clear")
    ashby_refuses_updates(world)
    call_command("recover_after_restore")
    world.work()
    assert (is_settled(order), order.result) == (True, "Clear")


def test_a_completion_that_ashby_may_not_have_is_sent_and_its_refusal_is_flagged(world: World, clock) -> None:
    """Ashby did not answer before the restore, and refuses the update after it."""
    order = received(world)
    restore = backup(order)
    world.ashby("assessment.update", "<html>", 502)
    complete(world, order)
    restore()
    clock.shift(timedelta(minutes=5))
    justifacts_says_complete(world, order)
    ashby_refuses_updates(world)
    call_command("recover_after_restore")
    world.work()
    order.refresh_from_db()
    assert order.attention_reason.startswith("Ashby refused “Complete: Clear” permanently")


def test_an_open_question_about_the_end_is_raised_again(world: World, clock) -> None:
    order = received(world)
    restore = backup(order)
    complete(world, order)
    world.push(order, "Dispute")
    world.work()
    restore()
    clock.shift(timedelta(minutes=5))
    justifacts_says(world, order, assessment_status=data("s", "Dispute"))
    call_command("recover_after_restore")
    world.work()
    order.refresh_from_db()
    assert "Justifacts says “Dispute” about this check" in order.attention_reason


def test_the_end_of_an_order_that_cannot_be_rebuilt_is_skipped(world: World, clock) -> None:
    """The backup is older than the log, which lacks the start."""
    world.ashby_takes_everything()
    order = world.placed()
    clock.shift(timedelta(days=10))
    complete(world, order)
    delete(order)
    clock.shift(timedelta(days=10))
    log.tidy(timezone.now())
    call_command("recover_after_restore")
    assert not Order.objects.filter(pk=order.pk).exists()


@pytest.mark.parametrize("by", ["ashby", "justifacts"])
def test_a_cancellation_that_ashby_has_is_not_sent_again(world: World, clock, by: str) -> None:
    world.ashby_takes_everything()
    world.justifacts("assessment.cancel", {"success": True, "results": {}})
    order = world.placed()
    world.work()
    restore = backup(order)
    if by == "ashby":
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    else:
        world.push(order, cancelled_reason=data("c", "Withdrawn"))
    world.work()
    sent = world.sent("assessment.update")
    restore()
    clock.shift(timedelta(minutes=5))
    ashby_refuses_updates(world)
    call_command("recover_after_restore")
    world.work()
    assert world.sent("assessment.update") == sent
    assert (is_settled(order), order.status) == (True, "cancelled")
    assert len(world.sent("assessment.cancel")) == (2 if by == "ashby" else 0), "Justifacts gets it again"


def test_a_refused_order_that_ashby_knows_as_cancelled_is_not_placed_again(world: World, clock) -> None:
    world.ashby_takes_everything()
    order = world.start()
    restore = backup(order)
    world.justifacts("assessment.start", {"message": "No such package"}, 422)
    world.work()
    sent = world.sent("assessment.update")
    restore()
    clock.shift(timedelta(minutes=5))
    ashby_refuses_updates(world)
    call_command("recover_after_restore")
    world.work()
    assert (is_settled(order), order.status) == (True, "rejected")
    assert world.sent("assessment.update") == sent
    assert len(world.sent("assessment.start")) == 1


def test_the_order_that_followed_a_complete_one_is_rebuilt(world: World, clock) -> None:
    """Of one application and package only one order may be active, and the backup has the first as active."""
    world.ashby_takes_everything()
    application = {"ashby_id": "a-1"}
    first = world.placed("JF-1", application=application)
    restore = backup(first)
    complete(world, first)
    clock.shift(timedelta(minutes=5))
    second = world.placed("JF-2", application=application)
    world.work()
    delete(second)
    restore()
    world.justifacts("assessment.status", look_up_answer(second.pk, "JF-2"))
    call_command("recover_after_restore")
    assert Order.objects.get(pk=second.pk).status == "accepted"


def test_an_update_that_the_backup_has_as_undelivered_gets_a_new_timestamp(world: World, clock) -> None:
    """Ashby may have newer ones, and refuses an update that is older than its last one."""
    world.ashby_takes_everything()
    order = world.placed()
    restore = backup(order)
    clock.shift(timedelta(minutes=1))
    world.push(order, "Applicant Started")
    world.work()
    newest = world.sent("assessment.update")[-1]["timestamp"]
    restore()
    clock.shift(timedelta(minutes=5))
    justifacts_says(world, order, assessment_status=data("s", "Applicant Started"))
    call_command("recover_after_restore")
    count = len(world.sent("assessment.update"))
    world.work()
    again = world.sent("assessment.update")[count:]
    labels = [body["assessment_status"]["value"] for body in again]
    assert labels == ["Justifacts Received", "Started", "Applicant Started"]
    times = [newest, *(body["timestamp"] for body in again)]
    assert times == sorted(set(times))


def test_an_end_that_the_backup_has_as_undelivered_keeps_its_timestamp(world: World, clock) -> None:
    """If Ashby has it, without an entry in the log, it recognizes it as a repetition."""
    order = received(world)
    world.ashby("assessment.update", "<html>", 502)
    complete(world, order)
    clock.shift(timedelta(minutes=5))
    call_command("recover_after_restore")
    world.ashby_takes_everything()
    world.work()
    first, *_, last = world.sent("assessment.update")[1:]
    assert last == first
    assert is_settled(order)


def test_a_reconciliation_settles_the_refusals_of_a_restore_without_the_command(world: World, clock) -> None:
    order = received(world)
    restore = backup(order)
    complete(world, order)
    restore()
    Order.objects.filter(pk=order.pk).update(
        next_call=PendingCall.POLL, next_attempt_at=timezone.now(), lease_token=None
    )
    clock.shift(timedelta(minutes=5))
    justifacts_says_complete(world, order)
    ashby_refuses_updates(world)
    world.work()
    assert not is_settled(order)
    reconcile_now(world.acme.organization, "Ada")
    assert is_settled(order)


def test_a_resend_that_waits_is_not_taken_for_the_end_that_ashby_has(world: World, clock) -> None:
    """Without a restore, the log changes nothing."""
    order = received(world)
    complete(world, order)
    resend_updates(order.updates.last().pk, "Ada", "The card was empty")
    call_command("recover_after_restore")
    count = len(world.sent("assessment.update"))
    world.work()
    assert len(world.sent("assessment.update")) == count + 1
