"""First, repeated and late starts (``docs/protocol.md``)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine

from assessments.models import InboundRequest, Order, OrderEvent, PendingCall
from assessments.statuses import Status
from integrations.catalog.mapping import map_job, set_default_package
from tests.fixtures.world import World, data

START = "/ashby/assessment.start"
NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


def later(**span: float) -> datetime:
    return NOON + timedelta(**span)


@time_machine.travel(NOON, tick=False)
def test_a_start_is_answered_with_the_order_and_its_status(world: World) -> None:
    """The answer has our id and the time in milliseconds, in the shape of an update."""
    answer = world.call(START, world.start_body())
    assert answer.status_code == 200
    order = Order.objects.get()
    assert answer.json() == {
        "success": True,
        "results": {
            "assessment_id": str(order.pk),
            "update_request": {
                "assessment_id": str(order.pk),
                "timestamp": 1772452800123,
                "assessment_status": {
                    "identifier": "status",
                    "label": "Status",
                    "type": "string",
                    "value": "Sending to Justifacts",
                },
            },
        },
    }
    assert UUID(answer.json()["results"]["assessment_id"]).version == 4


def test_a_start_makes_no_outgoing_call(world: World) -> None:
    """Justifacts gets the order later, and Ashby no update yet."""
    order = world.start()
    assert not world.wire.calls
    assert (order.status, order.next_call) == (Status.ACCEPTED, PendingCall.PLACE)
    assert not world.waiting(order)
    assert [event.kind for event in order.events.all()] == ["started"]


def test_a_start_makes_few_queries(world: World, django_assert_max_num_queries: Any) -> None:
    body = world.start_body()
    # Once a minute the last use of the key is recorded.
    assert world.call("/ashby/assessment.list", {}).status_code == 200
    with django_assert_max_num_queries(10):
        answer = world.call(START, body)
    assert (answer.status_code, Order.objects.count()) == (200, 1)


@pytest.mark.anywhere
def test_a_repeated_start_gets_the_first_answer_byte_for_byte(world: World) -> None:
    body = world.start_body()
    with time_machine.travel(NOON, tick=False) as clock:
        first = world.call(START, body)
        for seconds in (0, 1, 60, 120):
            clock.move_to(later(seconds=seconds))
            again = world.call(START, body)
            assert (again.status_code, again.content) == (200, first.content)
    assert world.row_counts() == (1, 1, 0)
    outcomes = InboundRequest.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["accepted", *["repeated"] * 4]


def test_the_first_answer_stays_the_same_while_the_order_progresses(world: World) -> None:
    body = world.start_body()
    with time_machine.travel(NOON, tick=False) as clock:
        first = world.call(START, body)
        world.justifacts_takes()
        world.ashby_takes_everything()
        world.work()
        clock.shift(30)
        world.push(Order.objects.get(), "Applicant Started")
        assert world.call(START, body).content == first.content


def test_a_repeated_start_after_a_mapping_change_creates_no_order(world: World) -> None:
    """An admin changes the mapping, or withdraws the package, between a start and its repeat."""
    world_job = world.start_body()["job"]["ashby_id"]
    map_job(world.acme.organization, world_job, world.acme.basic)
    body = world.start_body(assessment_type_id=str(world.acme.connection.job_package_type_id))
    first = world.call(START, body)
    map_job(world.acme.organization, world_job, world.acme.executive)
    assert world.call(START, body).content == first.content
    world.acme.basic.is_active = False
    world.acme.basic.save()
    assert world.call(START, body).content == first.content
    assert Order.objects.count() == 1


@pytest.mark.anywhere
def test_the_choice_by_job_and_the_package_itself_are_one_order(world: World) -> None:
    set_default_package(world.acme.organization, world.acme.basic)
    body = world.start_body(assessment_type_id=str(world.acme.connection.job_package_type_id))
    first = world.call(START, body)
    direct = {**body, "assessment_type_id": str(world.acme.basic.assessment_type_id)}
    assert world.call(START, direct).content == first.content


def test_the_window_for_repeated_starts_is_a_setting(world: World, settings: Any) -> None:
    settings.ASSESSMENT_START_REPLAY_SECONDS = 5
    body = world.start_body()
    with time_machine.travel(NOON, tick=False) as clock:
        world.call(START, body)
        clock.shift(5)
        assert world.call(START, body).status_code == 200
        clock.shift(0.001)
        assert world.call(START, body).status_code == 409


@pytest.mark.parametrize(
    ("status", "label"),
    [
        (None, "Accepted"),
        ("Initiated", "Received"),
        ("Applicant Started", "Applicant started"),
        ("In Process: Justifacts", "In process"),
    ],
)
def test_a_later_start_is_refused_with_the_age_and_status_of_the_order(
    world: World, status: str | None, label: str
) -> None:
    body = world.start_body()
    with time_machine.travel(NOON, tick=False) as clock:
        world.call(START, body)
        if status:
            world.push(Order.objects.get(), status)
        before = world.row_counts()
        clock.shift(timedelta(seconds=121))
        answer = world.call(START, body)
    assert (answer.status_code, world.error(answer)) == (409, "already_being_assessed")
    message = answer.json()["message"]
    assert message == answer.json()["errorInfo"]["message"]
    for part in ("already being assessed", "“Basic”", "2026-03-02 12:00 UTC", f"“{label}”"):
        assert part in message
    assert world.row_counts() == before
    kept = InboundRequest.objects.first()
    assert kept is not None
    assert (kept.http_status, kept.order, kept.message) == (409, None, message)


def end(world: World, order: Order, status: Status) -> None:
    if status is Status.CANCELLED:
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    elif status is Status.COMPLETE:
        world.push(order, "Complete", assessment_result=data("result", "Adverse"))
    else:
        world.justifacts("assessment.start", {"success": False, "errors": ["invalid_input"]})
        world.work()
    order.refresh_from_db()
    assert order.status == status


@pytest.mark.parametrize("status", [Status.COMPLETE, Status.CANCELLED, Status.REJECTED])
@pytest.mark.parametrize("seconds", [1, 3600])
def test_a_start_after_the_end_creates_a_new_order(world: World, status: Status, seconds: int) -> None:
    world.ashby_takes_everything()
    body = world.start_body()
    with time_machine.travel(NOON, tick=False) as clock:
        first = world.call(START, body).json()["results"]["assessment_id"]
        end(world, Order.objects.get(), status)
        clock.shift(seconds)
        second = world.call(START, body)
    assert second.status_code == 200
    assert second.json()["results"]["assessment_id"] != first
    assert Order.objects.count() == 2


def test_another_package_for_the_same_application_is_always_allowed(world: World) -> None:
    body = world.start_body()
    world.call(START, body)
    other = {**body, "assessment_type_id": str(world.acme.executive.assessment_type_id)}
    assert world.call(START, other).status_code == 200
    assert Order.objects.count() == 2


def test_another_application_of_the_same_candidate_creates_another_order(world: World) -> None:
    """Ashby can merge candidates: orders belong to the application."""
    body = world.start_body()
    world.call(START, body)
    world.call(START, {**body, "application": {"ashby_id": "another"}})
    assert Order.objects.count() == 2


def test_a_merged_candidate_still_has_the_same_order(world: World) -> None:
    body = world.start_body()
    first = world.call(START, body)
    merged = {**body, "candidate": {**body["candidate"], "ashby_id": "merged"}}
    assert world.call(START, merged).content == first.content


def test_a_refused_start_can_be_corrected_and_started_again(world: World) -> None:
    """A refused start reserves nothing."""
    body = world.start_body()
    broken = {**body, "candidate": {**body["candidate"], "email": "nonsense"}}
    assert world.call(START, broken).status_code == 422
    assert world.call(START, body).status_code == 200


def test_the_call_log_shows_the_start_on_its_order(world: World) -> None:
    order = world.start()
    kept = InboundRequest.objects.get()
    assert (kept.order, kept.source, kept.name) == (order, "ashby", "assessment.start")
    assert (kept.http_status, kept.outcome) == (200, "accepted")
    assert kept.body["application"]["ashby_id"] == order.application_id
    assert OrderEvent.objects.get().source == OrderEvent.Source.ASHBY


def test_a_start_that_was_held_up_creates_no_order_behind_ashbys_back(world: World, settings) -> None:
    """Ashby has given it up, started again on another web host, and may have cancelled that."""
    body, settings.START_SECONDS = world.start_body(), 0
    refused = world.call("/ashby/assessment.start", body)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert refused.json()["errorInfo"]["code"] == "temporarily_unavailable"
    assert not Order.objects.exists()
    logged = InboundRequest.objects.get(http_status=503)
    assert (logged.order, logged.outcome) == (None, "temporarily_unavailable")
    settings.START_SECONDS = 5
    accepted = world.call("/ashby/assessment.start", body).json()["results"]["assessment_id"]
    settings.START_SECONDS = 0
    repeated = world.call("/ashby/assessment.start", body).json()["results"]["assessment_id"]
    assert repeated == accepted, "a repeated start creates nothing, so it may be late"
