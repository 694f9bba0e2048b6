"""No request causes a 5xx, and a refused one changes nothing."""

import copy
import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assessments.models import InboundRequest
from tests.fixtures.world import World

# The world is made once for all examples of a test; each example is rolled back.
quickly = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PATHS = st.sampled_from(
    [
        "/ashby/assessment.start",
        "/ashby/assessment.cancel",
        "/ashby/assessment.list",
        "/justifacts/assessment.update",
    ]
)
NAMES = st.sampled_from(
    [
        *("assessment_id", "reference_id", "assessment_type_id", "candidate", "application", "job"),
        *("additional_fields", "first_name", "last_name", "email", "ashby_id", "status", "hiringTeam"),
        *("timestamp", "assessment_status", "assessment_result", "cancelled_reason", "metadata", "value"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["a@b.co", "Complete", "\x00", "\ud800", "x" * 3000, "", 10**400])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=12,
)
PLACES = st.sampled_from(
    [
        *("assessment_type_id", "candidate", "application", "job", "additional_fields", "unknown"),
        *("candidate.first_name", "candidate.last_name", "candidate.email", "candidate.ashby_id"),
        *("candidate.ashby_profile_url", "application.ashby_id", "application.status", "job.ashby_id"),
        *("job.name", "job.req_id", "job.ashby_job_url", "job.hiringTeam", "job.additional_fields"),
    ]
)


def assert_answered(world: World, path: str, content: bytes) -> None:
    """Posts a body, checks the answer, and rolls back."""
    with transaction.atomic():
        before, calls = world.row_counts(), InboundRequest.objects.count()
        answer = world.call(path, content)
        assert answer.status_code < 500, content
        assert answer.json()["success"] is (answer.status_code == 200)
        if answer.status_code != 200:
            assert world.error(answer)
            assert world.row_counts() == before
            assert InboundRequest.objects.count() == calls + 1
        transaction.set_rollback(True)


@quickly
@given(PATHS, st.dictionaries(NAMES | st.text(max_size=10), JSON, max_size=6))
def test_any_object_is_answered_without_a_server_error(world: World, path: str, body: dict[str, Any]) -> None:
    assert_answered(world, path, json.dumps(body).encode())


@quickly
@given(PATHS, st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_answered_without_a_server_error(world: World, path: str, content: bytes) -> None:
    assert_answered(world, path, content)


@pytest.mark.anywhere
@quickly
@given(PLACES, JSON)
def test_a_start_with_one_arbitrary_value_is_answered_without_a_server_error(
    world: World, place: str, value: Any
) -> None:
    body = copy.deepcopy(world.start_body())
    *parents, name = place.split(".")
    part = body
    for parent in parents:
        part = part[parent]
    part[name] = value
    assert_answered(world, "/ashby/assessment.start", json.dumps(body).encode())


@quickly
@given(st.data())
def test_a_start_with_changed_bytes_is_answered_without_a_server_error(
    world: World, data: st.DataObject
) -> None:
    content = bytearray(json.dumps(world.start_body(), ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert_answered(world, "/ashby/assessment.start", bytes(content))


@pytest.mark.anywhere
@quickly
@given(NAMES, JSON, st.booleans())
def test_a_push_with_one_arbitrary_value_is_answered_without_a_server_error(
    world: World, name: str, value: Any, known: bool
) -> None:
    order = world.start()
    body = {"assessment_id": "JF-1", "assessment_status": "In Process: Justifacts"}
    body["reference_id"] = str(order.pk) if known else "unheard-of"
    assert_answered(world, "/justifacts/assessment.update", json.dumps({**body, name: value}).encode())


@quickly
@given(st.binary(max_size=60))
def test_any_authorization_header_is_answered_without_a_server_error(world: World, header: bytes) -> None:
    """A web server passes the header as Latin-1."""
    for text in (header.decode("latin-1"), "Basic " + header.decode("latin-1")):
        answer = world.call("/ashby/assessment.list", {}, HTTP_AUTHORIZATION=text)
        assert answer.status_code in (401, 403)
        assert world.error(answer)
