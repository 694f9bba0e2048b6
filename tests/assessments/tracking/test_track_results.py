"""Results of checks: what Ashby is sent, and what may change after completion."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from assessments.models import Order, OrderEvent
from tests.fixtures.world import World, data


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    return order


def completes(
    world: World, order: Order, result: str | None, report: str | None = None, **more: object
) -> None:
    parts = dict(more)
    if result is not None:
        parts["assessment_result"] = data("result", result)
    if report is not None:
        parts["assessment_profile_url"] = data("report", report, "url")
    assert world.push(order, "Complete", **parts).status_code == 200
    world.work()
    order.refresh_from_db()


def results(world: World) -> list[str]:
    updates = world.sent("assessment.update")
    return [body["assessment_result"]["value"] for body in updates if "assessment_result" in body]


def page_of(order: Order) -> str:
    return f"https://portal.test/orders/{order.pk}/"


def now_ms(**ago: float) -> int:
    return int((timezone.now() - timedelta(**ago)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("result", "sent_result"),
    [
        ("Clear", "Clear"),
        ("REVIEW", "Review"),
        ("adverse", "Adverse"),
        ("Other", "Other"),
        (None, "Complete"),
    ],
)
def test_a_result_is_sent_verbatim_as_a_string_with_its_report(world, order, result, sent_result) -> None:
    completes(world, order, result, "https://reports.test/7?a=1&b=2")
    assert (order.status, order.result) == ("complete", sent_result)
    last = world.sent("assessment.update")[-1]
    assert last["assessment_status"]["value"] == "Complete"
    assert last["assessment_result"] == {
        "identifier": "result",
        "label": "Result",
        "type": "string",
        "value": sent_result,
    }
    assert last["assessment_profile_url"]["value"] == "https://reports.test/7?a=1&b=2"
    assert last["assessment_profile_url"]["type"] == "url"


def test_a_result_completes_the_order_whatever_the_status(world: World, order: Order) -> None:
    """As in Ashby's protocol, the presence of a result decides."""
    world.push(order, "In Process: Justifacts", assessment_result=data("result", "Clear"))
    world.push(order, None, assessment_result=data("result", "Clear"))
    world.work()
    assert world.delivered(order) == ["Justifacts Received", "Complete"]
    assert results(world) == ["Clear"]


UNUSABLE = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,<b>x",
    "//reports.test/7",
    "reports.test/7",
    "/7",
    "https://",
    "https://[",
    "https://reports.test/a b",
    "https://reports.test/a\nb",
    "https://[reports.test/7",
    "file:///etc/passwd",
    "ftp://reports.test/7",
    "https://user:word@reports.test/7",
    "https://reports.test\\@evil.test/7",
    "https://repоrts.test/7",  # A Cyrillic letter.
    f"https://reports.test/{'x' * 2000}",
    5,
    True,
]


def test_the_portals_page_replaces_an_unusable_report_address(world: World) -> None:
    for number, report in enumerate(UNUSABLE):
        order = world.placed(f"JF-{number}")
        done = {"assessment_result": data("result", "Clear"), "assessment_profile_url": {"value": report}}
        assert world.push(order, "Complete", **done).status_code == 200, report
        last = order.updates.last()
        assert last is not None
        assert last.payload["assessment_profile_url"]["value"] == page_of(order), report
        order.refresh_from_db()
        assert order.report_url == "", report
        why = [event.summary for event in order.events.filter(kind="report_not_taken")]
        assert len(why) == 1, f"support sees why: {report}"
        assert "reports.test" not in why[0], "the history does not repeat the address"


def test_the_portals_page_replaces_a_missing_report_address(world: World, order: Order) -> None:
    completes(world, order, "Clear", None)
    assert world.sent("assessment.update")[-1]["assessment_profile_url"]["value"] == page_of(order)
    assert order.report_url == ""
    assert not order.events.filter(kind="report_not_taken").exists()


def test_a_repeated_unusable_address_is_recorded_once(world: World, order: Order, clock) -> None:
    for result in ("Review", "Clear", "Clear"):
        clock.shift(60)
        completes(world, order, result, "javascript:alert(1)")
    assert OrderEvent.objects.filter(kind="report_not_taken").count() == 1


def test_each_changed_result_is_sent_as_a_new_update(world: World, order: Order, clock) -> None:
    for result in ("Review", "Review", "Clear", "Clear", "Adverse"):
        clock.shift(60)
        completes(world, order, result, "https://reports.test/7")
    assert results(world) == ["Review", "Clear", "Adverse"]
    assert (order.status, order.result) == ("complete", "Adverse")
    assert OrderEvent.objects.filter(kind="result_changed").count() == 2


def test_a_new_report_address_is_sent_and_a_missing_one_changes_nothing(world, order, clock) -> None:
    for report in (None, "https://reports.test/1", "https://reports.test/2", None, "javascript:1"):
        clock.shift(60)
        completes(world, order, "Clear", report)
    urls = [body["assessment_profile_url"]["value"] for body in world.sent("assessment.update")[1:]]
    assert urls == [
        f"https://portal.test/orders/{order.pk}/",
        "https://reports.test/1",
        "https://reports.test/2",
    ]
    assert order.report_url == "https://reports.test/2"


def test_an_older_result_that_arrives_late_is_not_applied(world: World, order: Order, clock) -> None:
    clock.shift(3600)
    completes(world, order, "Review", timestamp=now_ms(minutes=10))
    completes(world, order, "Clear", timestamp=now_ms(minutes=5))
    for _ in range(2):
        completes(world, order, "Review", timestamp=now_ms(minutes=10))
    assert results(world) == ["Review", "Clear"]
    assert order.result == "Clear"
    assert OrderEvent.objects.filter(kind="late").count() == 1


def test_a_timestamp_in_the_future_does_not_block_later_results(world: World, order: Order, clock) -> None:
    completes(world, order, "Review", timestamp=now_ms(days=-30))
    clock.shift(60)
    completes(world, order, "Clear", timestamp=now_ms())
    assert results(world) == ["Review", "Clear"]


def test_a_push_changes_the_result_after_polling_has_stopped(world: World, order: Order, clock) -> None:
    """Months later, when Justifacts is no longer polled."""
    completes(world, order, "Review")
    label = {"assessment_id": order.justifacts_order_id, "assessment_status": data("s", "Complete")}
    world.justifacts("assessment.status", {"success": True, "results": label})
    for days in (30, 29, 1):
        clock.shift(timedelta(days=days))
        world.work()
    order.refresh_from_db()
    assert order.next_call == ""
    completes(world, order, "Clear")
    assert results(world) == ["Review", "Clear"]


@pytest.mark.parametrize("result", ["Clear", None])
def test_a_poll_that_repeats_the_completion_sends_nothing(world: World, order: Order, clock, result) -> None:
    completes(world, order, result, "https://reports.test/7")
    label = {"assessment_id": order.justifacts_order_id, "assessment_status": data("s", "Complete")}
    if result:
        label["assessment_result"] = data("r", result)
    world.justifacts("assessment.status", {"success": True, "results": label})
    events = OrderEvent.objects.count()
    for _ in range(3):
        clock.shift(3600)
        world.work()
    assert len(world.sent("assessment.status")) == 3
    assert (len(results(world)), OrderEvent.objects.count()) == (1, events)
