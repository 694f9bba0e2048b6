"""The recovery after a restore, from either store of the recovery log."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from assessments.models import AshbyUpdate, Order, OrderEvent, PendingCall
from assessments.privacy.retention import erase_due
from assessments.reconciliation.run import reconcile_now
from assessments.recovery import recover_after_restore
from assessments.support.decisions import cancel_by_staff
from tests.fixtures.world import World, data


def delete(order: Order) -> None:
    """Deletes the order, as if the database came from a backup older than the start."""
    order.attempts.all().delete()
    AshbyUpdate.objects.filter(order=order).delete()
    order.inbound_requests.all().update(order=None)
    Order.objects.filter(pk=order.pk).delete()


def look_up_answer(order_id: object, number: str) -> dict:
    return {"success": True, "results": {"assessment_id": number, "reference_id": str(order_id)}}


@pytest.mark.anywhere
def test_a_missing_order_is_rebuilt_with_its_id_and_linked(world: World, clock, settings) -> None:
    world.ashby_takes_everything()
    order = world.placed("JF-1", additional_fields={"state": "Illinois"})
    delete(order)
    world.justifacts("assessment.status", look_up_answer(order.pk, "JF-1"))
    clock.shift(timedelta(minutes=5))
    assert recover_after_restore(timezone.now()).made_again == 1
    world.work()
    again = Order.objects.get(pk=order.pk)
    assert (again.justifacts_order_id, again.candidate_email) == ("JF-1", order.candidate_email)
    assert (again.additional_fields, again.created_at) == ({"state": "Illinois"}, order.created_at)
    assert len(world.sent("assessment.start")) == 1
    assert recover_after_restore(timezone.now()).made_again == 0, "a second run rebuilds nothing"


@pytest.mark.anywhere
def test_a_repeated_start_after_a_restore_creates_no_second_order(world: World, clock) -> None:
    body = world.start_body()
    first = world.call("/ashby/assessment.start", body).json()["results"]["assessment_id"]
    delete(Order.objects.get(pk=first))
    recover_after_restore(timezone.now())
    assert world.call("/ashby/assessment.start", body).json()["results"]["assessment_id"] == first


def test_an_unplaced_order_is_looked_up_before_it_is_placed(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.status", look_up_answer(order.pk, "JF-1"))
    assert recover_after_restore(timezone.now()).looked_up == 1
    world.work()
    order.refresh_from_db()
    assert order.justifacts_order_id == "JF-1"
    assert not world.sent("assessment.start")


def test_open_orders_are_polled_immediately(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    results = look_up_answer(order.pk, "JF-2026-1")["results"] | {
        "assessment_status": data("s", "Applicant Started")
    }
    world.justifacts("assessment.status", {"success": True, "results": results})
    assert recover_after_restore(timezone.now()).polled == 1
    world.work()
    assert world.delivered(order)[-1] == "Applicant Started"


def test_a_reconciliation_rebuilds_missing_orders_too(world: World) -> None:
    order = world.placed()
    delete(order)
    world.justifacts("assessment.status", look_up_answer(order.pk, "JF-1"))
    report = reconcile_now(world.acme.organization, "Ada")
    assert report.resolved >= 1
    assert Order.objects.filter(pk=order.pk).exists()


def before_the_cancellation(order: Order) -> None:
    """Put the order back to the state in which a backup older than its cancellation has it."""
    AshbyUpdate.objects.filter(order=order).delete()
    Order.objects.filter(pk=order.pk).update(
        status="in_process",
        closing_reason="",
        cancelled_by="",
        next_call=PendingCall.POLL,
        next_attempt_at=timezone.now(),
        lease_token=None,
        leased_until=None,
    )


def cancel_in_ashby(world: World, order: Order) -> None:
    answer = world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    assert answer.status_code == 200


def cancel_on_the_page(world: World, order: Order) -> None:
    cancel_by_staff(order.pk, "Ada", "Hired elsewhere", timezone.now())


@pytest.mark.parametrize("cancel", [cancel_in_ashby, cancel_on_the_page])
def test_a_cancellation_that_the_backup_lacks_is_repeated(world: World, cancel) -> None:
    world.ashby_takes_everything()
    world.justifacts("assessment.cancel", {"success": True, "results": {}})
    order = world.placed()
    cancel(world, order)
    before = Order.objects.get(pk=order.pk)
    before_the_cancellation(order)
    recover_after_restore(timezone.now())
    again = Order.objects.get(pk=order.pk)
    assert (again.status, again.closing_reason) == ("cancelled", before.closing_reason)
    assert again.cancelled_by == before.cancelled_by
    texts = OrderEvent.objects.filter(order=order, kind=OrderEvent.Kind.RESTORED).values_list(
        "summary", flat=True
    )
    assert "repeats it from the recovery log" in texts[0]
    world.work()
    assert [body["assessment_id"] for body in world.sent("assessment.cancel")] == ["JF-2026-1"]
    recover_after_restore(timezone.now())
    assert OrderEvent.objects.filter(order=order, kind=OrderEvent.Kind.CANCELLED).count() == 2, (
        "not a third time"
    )


def test_a_cancelled_order_that_the_backup_lacks_is_rebuilt_as_cancelled(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    cancel_in_ashby(world, order)
    delete(order)
    world.justifacts("assessment.status", {"success": False}, 404)
    assert recover_after_restore(timezone.now()).made_again == 1
    assert Order.objects.get(pk=order.pk).status == "cancelled"
    world.work()
    assert not world.sent("assessment.start")


def test_a_repeated_cancellation_is_logged_if_the_first_was_not(world: World, settings, tmp_path) -> None:
    """The process that cancelled may have died before it wrote the log."""
    order = world.placed()
    cancel_in_ashby(world, order)
    settings.RECOVERY_LOG_DIR, settings.RECOVERY_LOG_DATABASE_URL = tmp_path / "empty", ""
    cancel_in_ashby(world, order)
    before_the_cancellation(order)
    recover_after_restore(timezone.now())
    assert Order.objects.get(pk=order.pk).status == "cancelled"


def test_a_cancelled_order_that_was_placed_after_the_backup_is_cancelled_at_justifacts(
    world: World, clock
) -> None:
    world.ashby_takes_everything()
    order = world.start()
    columns = [field.attname for field in Order._meta.concrete_fields if not field.primary_key]
    backup = {name: getattr(order, name) for name in columns}
    world.justifacts_takes("JF-9")
    world.work()
    cancel_in_ashby(world, order)
    AshbyUpdate.objects.filter(order=order).delete()
    Order.objects.filter(pk=order.pk).update(**backup)
    world.justifacts("assessment.status", look_up_answer(order.pk, "JF-9"))
    world.justifacts("assessment.cancel", {"success": True, "results": {}})
    recover_after_restore(timezone.now())
    world.work()
    assert Order.objects.get(pk=order.pk).status == "cancelled"
    assert [body["assessment_id"] for body in world.sent("assessment.cancel")] == ["JF-9"]
    assert len(world.sent("assessment.start")) == 1


def test_checks_that_followed_a_cancelled_one_are_all_rebuilt(world: World, clock) -> None:
    """Of one application and package only one order may be active. The first is in the backup, as active."""
    application = {"ashby_id": "a-1"}
    orders = []
    for _ in range(4):
        orders.append(world.start(application=application))
        cancel_in_ashby(world, orders[-1])
        clock.shift(timedelta(minutes=5))
    orders.append(world.start(application=application))
    for order in orders[1:]:
        delete(order)
    before_the_cancellation(orders[0])
    assert recover_after_restore(timezone.now()).made_again == 4
    statuses = [Order.objects.get(pk=order.pk).status for order in orders]
    assert statuses == ["cancelled"] * 4 + ["accepted"]


def test_nothing_else_stops_while_the_log_is_unavailable(world: World, settings, clock, caplog) -> None:
    order = world.placed()
    settings.RECOVERY_LOG_DATABASE_URL = "postgres://portal@127.0.0.1:1/log"
    cancel_in_ashby(world, order)
    report = reconcile_now(world.acme.organization, "Ada")
    assert (report.error, report.orders_checked + report.not_checked > 1) == ("", True)
    text = "could not read its recovery log, so it did not look for lost orders"
    assert report.discrepancies.filter(text__contains=text).count() == 1
    Order.objects.filter(pk=order.pk).update(next_call=PendingCall.NONE, next_attempt_at=None)
    clock.shift(timedelta(days=800))
    assert erase_due(timezone.now()) == 1
    assert "cannot repeat erasures" in caplog.text
    with pytest.raises(CommandError, match="The recovery log cannot be read"):
        call_command("recover_after_restore")
