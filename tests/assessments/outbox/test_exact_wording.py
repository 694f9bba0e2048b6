"""Ashby gets Justifacts' text verbatim, even if it contains the candidate's name. Histories, summaries and
errors for support redact the name."""

from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from assessments.models import Order
from assessments.outbox.compose import enqueue_completion, enqueue_stall_note
from assessments.reconciliation.ashby import _is_current
from assessments.support.decisions import cancel_by_staff
from tests.fixtures.world import World, data
from tests.integrations.encryption.test_secrets_at_rest import columns_that_hold

STATUS = "Awaiting county records"


def county(world: World) -> dict[str, Any]:
    candidate: dict[str, Any] = world.start_body()["candidate"]
    return candidate | {"first_name": "Ann", "last_name": "County", "email": "ann@county.test"}


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    return world.placed(candidate=county(world))


def values_sent(world: World, part: str) -> list[str]:
    world.work()
    return [update[part]["value"] for update in world.sent("assessment.update") if part in update]


def reloaded(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def history(order: Order) -> str:
    return " ".join([*order.events.values_list("summary", flat=True), *_summaries(order)])


def _summaries(order: Order) -> list[str]:
    return list(order.updates.values_list("summary", flat=True))


@pytest.mark.anywhere
def test_a_status_is_sent_verbatim_and_once(world: World, order: Order) -> None:
    for _ in range(3):
        world.push(order, STATUS)
    assert values_sent(world, "assessment_status").count(STATUS) == 1
    assert "county" not in history(order).casefold()
    assert "Awaiting ••• records" in history(order)
    assert reloaded(order).justifacts_status == STATUS
    assert not columns_that_hold(STATUS)


def test_the_reason_for_a_delay_is_sent_with_the_status(world: World, order: Order) -> None:
    world.push(order, STATUS)
    order = reloaded(order)
    enqueue_stall_note(order, "The portal waits.", timezone.now())
    order.save()
    assert values_sent(world, "assessment_status")[-1] == STATUS


def test_a_result_is_sent_verbatim_and_not_repeated_after_polls(world: World, order: Order) -> None:
    result = "County records incomplete"
    for _ in range(3):
        world.push(order, "Complete", assessment_result=data("result", result))
    assert values_sent(world, "assessment_result") == [result]
    assert reloaded(order).result == "••• records incomplete"
    assert "county" not in history(order).casefold()
    assert not columns_that_hold(result)


@pytest.mark.anywhere
def test_a_redacted_result_fits_its_column(world: World) -> None:
    candidate = world.start_body()["candidate"] | {"first_name": "明", "last_name": "王"}
    order = world.placed("JF-9", candidate=candidate)
    for _ in range(2):
        assert world.push(order, "Complete", assessment_result=data("result", "王 " * 200)).status_code == 200
    assert len(reloaded(order).result) == 500
    assert order.updates.filter(summary__startswith="Complete").count() == 1


def test_a_repeated_result_is_sent_verbatim(world: World, order: Order) -> None:
    result = "County records incomplete"
    world.push(order, "Complete", assessment_result=data("result", result))
    order = reloaded(order)
    assert _is_current(world_payload(order), order), "reconciliation finds it delivered"
    enqueue_completion(order, timezone.now())
    order.save()
    assert values_sent(world, "assessment_result") == [result, result]


def world_payload(order: Order) -> dict[str, Any]:
    payload: dict[str, Any] = order.updates.order_by("sequence").last().payload  # type: ignore[union-attr]
    return payload


def test_a_changed_result_is_sent_verbatim(world: World, order: Order) -> None:
    world.push(order, "Complete", assessment_result=data("result", "Review"))
    world.push(order, "Complete", assessment_result=data("result", "Two county records"))
    world.push(order, "Dispute about County")
    assert values_sent(world, "assessment_result") == ["Review", "Two county records", "Two county records"]
    assert values_sent(world, "assessment_status")[-1] == "Dispute about County"
    assert "county" not in f"{history(order)} {reloaded(order).attention_reason}".casefold()


def test_a_closing_reason_from_justifacts_is_sent_verbatim(world: World, order: Order) -> None:
    reason = "The county court of Ann Arbor (ann@county.test) does not answer"
    world.push(order, None, cancelled_reason=data("reason", reason))
    assert values_sent(world, "cancelled_reason") == [reason]
    assert reloaded(order).closing_reason == reason
    assert "county" not in history(order).casefold()
    assert not columns_that_hold("county court")


def test_a_closing_reason_from_staff_is_sent_verbatim(world: World, order: Order) -> None:
    cancel_by_staff(order.pk, "ada", "County moved to another county", timezone.now())
    assert values_sent(world, "cancelled_reason") == [
        "Cancelled in the assessment portal: County moved to another county"
    ]
    assert "moved to another county" not in history(order)


def test_an_answer_from_ashby_is_recorded_without_the_name(world: World, order: Order) -> None:
    answer = {"success": False, "errorInfo": {"code": "odd", "message": "No room in County"}}
    world.ashby("assessment.update", answer)
    world.push(order, STATUS)
    world.work()
    update = order.updates.order_by("sequence").first()
    assert update is not None
    assert "No room in •••" in update.last_error


def test_rows_from_an_earlier_version_are_read_unchanged(order: Order) -> None:
    with database.cursor() as cursor:
        cursor.execute("UPDATE assessments_order SET justifacts_status = 'On Hold'")
    assert reloaded(order).justifacts_status == "On Hold"
