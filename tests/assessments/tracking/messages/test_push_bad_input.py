"""A push that breaks the protocol gets a 4xx, is recorded, and changes nothing."""

import json
from typing import Any

import pytest

from assessments.models import InboundRequest, Order, OrderEvent
from assessments.statuses import Status
from integrations.partner_protocol.messages import AssessmentUpdate
from tests.fixtures.world import World, data

# Most are refused before any query; those whose characters or lengths matter run on PostgreSQL too.
ON_POSTGRESQL_TOO = pytest.mark.anywhere

UPDATE = "/justifacts/assessment.update"
OBJECTS = ["assessment_status", "assessment_profile_url", "assessment_result", "cancelled_reason"]


def assert_refused(world: World, **body: Any) -> None:
    before = world.row_counts()
    answer = world.call(UPDATE, body)
    assert (answer.status_code, world.error(answer)) == (400, "invalid_input"), (body, answer.content)
    orders, _, updates = world.row_counts()
    assert (orders, updates) == (before[0], before[2])
    kept = InboundRequest.objects.get(request_id=answer.json()["errorInfo"]["requestId"])
    assert (kept.http_status, kept.source) == (400, "justifacts")
    world.acme.connection.refresh_from_db()
    assert "cannot read" in world.acme.connection.justifacts_problem


def assert_accepted(world: World, **body: Any) -> AssessmentUpdate:
    """Asserts that the push is accepted, and returns the parsed message."""
    answer = world.call(UPDATE, body)
    assert answer.status_code == 200, (body, answer.content)
    order = InboundRequest.objects.latest("pk").order
    assert order is not None
    assert order.status == Status.APPLICANT_STARTED
    return AssessmentUpdate.parse(body)


@pytest.fixture
def placed_order(world: World) -> dict[str, Any]:
    """A valid push for a placed order."""
    order = world.placed("JF-5")
    return {
        "assessment_id": "JF-5",
        "reference_id": str(order.pk),
        "timestamp": 1772452800123,
        "assessment_status": data("status", "Applicant Started"),
    }


def test_the_unchanged_push_is_accepted(world: World, placed_order: dict[str, Any]) -> None:
    assert assert_accepted(world, **placed_order).reference_id == placed_order["reference_id"]


@pytest.mark.parametrize(
    "nothing", [{}, {"assessment_status": ...}, {"assessment_status": None}, {"assessment_status": ""}]
)
def test_a_push_without_status_result_or_reason_is_refused(
    world: World, placed_order: dict[str, Any], nothing: dict[str, Any]
) -> None:
    body = {**placed_order, **nothing} if nothing else {}
    assert_refused(world, **{name: value for name, value in body.items() if value is not ...})


@pytest.mark.parametrize("blank", [..., None, "", " ", "\u00a0"])
def test_a_push_without_an_id_is_refused(world: World, placed_order: dict[str, Any], blank: Any) -> None:
    world.start()
    ids = {} if blank is ... else {"assessment_id": blank, "reference_id": blank}
    assert_refused(world, **ids, assessment_status=placed_order["assessment_status"])
    assert InboundRequest.objects.latest("pk").order is None
    assert not OrderEvent.objects.filter(kind="not_understood").exists()


@pytest.mark.parametrize("name", ["assessment_id", "reference_id"])
def test_an_unusable_id_counts_as_absent(world: World, placed_order: dict[str, Any], name: str) -> None:
    for value in (0, -1, True, 1.5, [], {}, ["JF-5"], {"value": "JF-5"}):
        assert_accepted(world, **{**placed_order, name: value})


@pytest.mark.parametrize("name", ["assessment_id", "reference_id"])
def test_an_id_with_line_breaks_is_refused(world: World, placed_order: dict[str, Any], name: str) -> None:
    assert_refused(world, **{**placed_order, name: 10**200})
    for value in ("JF\n5", "x" * 201, "JF-\x855"):
        assert_refused(world, **{**placed_order, name: value})
        # The other id says to which order's history it belongs.
        assert InboundRequest.objects.latest("pk").order == Order.objects.get()
    assert Order.objects.get().events.filter(kind="not_understood").count() == 3


@ON_POSTGRESQL_TOO
def test_a_number_that_is_too_long_is_not_linked(world: World) -> None:
    """The column for numbers is too short for it."""
    order = world.start()
    assert_refused(world, assessment_id="9" * 201, reference_id=str(order.pk), assessment_status="Initiated")
    order.refresh_from_db()
    assert order.justifacts_order_id == ""


@ON_POSTGRESQL_TOO
def test_an_unusable_timestamp_counts_as_absent(world: World, placed_order: dict[str, Any]) -> None:
    for value in (0, -1, True, "2026-01-01", "soon", "", [], {}, [1], 10**18, 10**30):
        assert assert_accepted(world, **{**placed_order, "timestamp": value}).timestamp is None


@pytest.mark.parametrize("name", OBJECTS[1:])
def test_a_malformed_part_counts_as_absent(world: World, placed_order: dict[str, Any], name: str) -> None:
    for value in (0, False, "", " ", [], ["x"], [data("a", "b")], {}, {"label": "x"}):
        assert_accepted(world, **{**placed_order, name: value})


@pytest.mark.parametrize("name", OBJECTS[1:])
def test_data_without_a_usable_value_counts_as_absent(
    world: World, placed_order: dict[str, Any], name: str
) -> None:
    for value in (None, "", " \t", "\u2003", "\u200b", [], {}, ["x"], {"value": "x"}):
        assert_accepted(world, **{**placed_order, name: {**data("a", "b"), "value": value}})


def test_a_status_without_a_usable_value_is_refused(world: World, placed_order: dict[str, Any]) -> None:
    for value in (None, "", " \t", "\u2003", "\u200b", [], {}, ["x"], {"value": "x"}):
        assert_refused(world, **{**placed_order, "assessment_status": {**data("a", "b"), "value": value}})
    for part in (0, False, [], ["x"], [data("a", "b")], {}, {"label": "Complete"}):
        assert_refused(world, **{**placed_order, "assessment_status": part})


@pytest.mark.parametrize("part", ["identifier", "label", "type", "description"])
def test_only_the_value_of_data_is_required(world: World, placed_order: dict[str, Any], part: str) -> None:
    for value in (0, 3, True, None, [], {}, ["x"], "x" * 5001):
        assert_accepted(
            world, **{**placed_order, "assessment_status": {**placed_order["assessment_status"], part: value}}
        )


def test_malformed_metadata_is_ignored(world: World, placed_order: dict[str, Any]) -> None:
    for value in (0, "x", {}, True, [0], [[]], [{}], [{"value": None}], [data("a", "b"), {"value": []}]):
        assert_accepted(world, **{**placed_order, "metadata": value})


@pytest.mark.parametrize("value", [None, [], [None], ["bare"], [data("a", 5, "numeric_score")]])
def test_valid_metadata_is_accepted(world: World, placed_order: dict[str, Any], value: Any) -> None:
    assert (
        assert_accepted(world, **{**placed_order, "metadata": value}).reference_id
        == placed_order["reference_id"]
    )


@ON_POSTGRESQL_TOO
def test_control_characters_are_removed(world: World, placed_order: dict[str, Any]) -> None:
    for control in ("\\u0000", "\\u001b", "\\u007f", "\\ud800"):
        for place in ("assessment_profile_url", "unknown"):
            body = {**placed_order, place: {**data("a", "x@@"), "@@": 1}}
            assert world.call(UPDATE, json.dumps(body).replace("@@", control)).status_code == 200
        body = {**placed_order, "assessment_status": data("status", "Applicant@@Started")}
        assert world.call(UPDATE, json.dumps(body).replace("@@", control)).status_code == 200
    order = InboundRequest.objects.latest("pk").order
    assert order is not None
    assert order.status == Status.APPLICANT_STARTED
    assert not order.status_unrecognized


def test_a_future_timestamp_is_replaced_by_now(world: World, placed_order: dict[str, Any]) -> None:
    """A future timestamp must not block all later results."""
    assert world.call(UPDATE, {**placed_order, "timestamp": 10**18}).status_code == 200
    done = {**placed_order, "assessment_status": "Complete", "assessment_result": "Review"}
    assert world.call(UPDATE, {**done, "timestamp": 10**18}).status_code == 200
    del done["timestamp"]
    assert world.call(UPDATE, {**done, "assessment_result": "Clear"}).status_code == 200
    assert InboundRequest.objects.filter(outcome="applied").count() == 3


@pytest.mark.parametrize("value", [5, 1.5, True, False, 0])
def test_a_value_that_is_not_text_is_converted(
    world: World, placed_order: dict[str, Any], value: Any
) -> None:
    """Ashby's protocol allows numbers and booleans."""
    answer = world.call(UPDATE, {**placed_order, "assessment_status": {"value": value}})
    assert answer.status_code == 200
    order = InboundRequest.objects.get(outcome="applied").order
    assert order is not None
    assert order.justifacts_status == str(value)
