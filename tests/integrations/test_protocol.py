"""The messages of the partner protocol: what is parsed is what is said again."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.partner_protocol.messages import (
    DATA_TYPES,
    AssessmentUpdate,
    Data,
    parse_assessment_id,
)
from integrations.partner_protocol.parsing import InvalidMessage
from integrations.partner_protocol.starts import StartRequest

quickly = settings(max_examples=60, deadline=None)

WORD = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)
FILLED = WORD.filter(lambda text: text.strip() != "")
STRIPPED = FILLED.map(str.strip)
VALUE = FILLED | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(-1e18, 1e18)
DATA = st.builds(
    Data, identifier=WORD, label=WORD, type=st.sampled_from(DATA_TYPES), value=VALUE, description=WORD
)
UPDATES = st.builds(
    AssessmentUpdate,
    assessment_id=STRIPPED,
    timestamp=st.none() | st.integers(1, 10**18),
    status=DATA,
    profile_url=st.none() | DATA,
    result=st.none() | DATA,
    cancelled_reason=st.none() | DATA,
    metadata=st.lists(DATA, max_size=3).map(tuple),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def start_body(**changes: Any) -> dict[str, Any]:
    return {
        "assessment_type_id": "type",
        "candidate": {"first_name": "Zoë", "last_name": "O'Neil", "email": "zoe@example.com"},
        "application": {"ashby_id": "app"},
        "job": {"ashby_id": "job"},
        **changes,
    }


@quickly
@given(UPDATES)
def test_an_update_is_read_as_it_was_said(update: AssessmentUpdate) -> None:
    said = json.loads(json.dumps(update.as_json()))
    assert AssessmentUpdate.parse(said) == update


@quickly
@given(UPDATES)
def test_what_is_absent_is_left_out_never_null(update: AssessmentUpdate) -> None:
    said = update.as_json()
    assert all(value is not None for value in said.values())
    for name in ("assessment_profile_url", "assessment_result", "cancelled_reason"):
        assert name not in said or isinstance(said[name], dict)


MEMBERS = st.dictionaries(
    st.sampled_from(["userId", "firstName", "lastName", "email", "role", "unknown"]), ANYTHING, max_size=4
)


@quickly
@given(
    WORD,
    FILLED,
    WORD,
    st.dictionaries(st.text(max_size=5), ANYTHING, max_size=3),
    st.lists(MEMBERS, max_size=3),
)
def test_what_goes_to_justifacts_reads_as_the_same_start(
    first: str, app: str, status: str, fields: dict[str, Any], team: list[dict[str, Any]]
) -> None:
    body = start_body(additional_fields=fields, application={"ashby_id": app, "status": status})
    body["candidate"]["first_name"] = f"A{first}"
    body["job"]["hiringTeam"] = team
    request = StartRequest.parse(body)
    assert StartRequest.parse(request.as_json()) == request
    assert request.additional_fields.keys() == fields.keys()
    assert all(member and "unknown" not in member for member in request.job.get("hiringTeam", []))


@quickly
@given(st.dictionaries(st.text(max_size=10), ANYTHING, max_size=4))
def test_any_object_is_a_start_or_an_invalid_message(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage):
        StartRequest.parse(body)


PARTS = ["assessment_type_id", "candidate", "application", "job", "additional_fields"]


@quickly
@given(st.sampled_from(PARTS), ANYTHING)
def test_a_start_with_anything_in_one_place_is_read_or_invalid(name: str, value: Any) -> None:
    try:
        request = StartRequest.parse(start_body(**{name: value}))
    except InvalidMessage:
        return
    assert request.application_id
    assert request.job_id


UPDATE_PARTS = [
    "assessment_id",
    "reference_id",
    "timestamp",
    "assessment_status",
    "assessment_result",
    "assessment_profile_url",
    "cancelled_reason",
    "metadata",
]


@quickly
@given(st.sampled_from(UPDATE_PARTS), ANYTHING)
def test_an_update_with_anything_in_one_place_is_read_or_invalid(name: str, value: Any) -> None:
    body = {"assessment_id": "a", "reference_id": "b", "assessment_status": "Complete", name: value}
    try:
        update = AssessmentUpdate.parse(body)
    except InvalidMessage:
        return
    assert update.status or update.result or update.cancelled_reason


def test_a_bare_text_is_a_value() -> None:
    assert Data.parse("Complete", "assessment_status") == Data("", "", "", "Complete")


def test_a_person_can_mend_what_stands_on_the_candidate_s_profile() -> None:
    for name in ("first_name", "last_name", "email"):
        body = start_body()
        del body["candidate"][name]
        with pytest.raises(InvalidMessage) as refusal:
            StartRequest.parse(body)
        assert refusal.value.for_person


def test_the_candidate_s_address_stands_in_no_traceback() -> None:
    request = StartRequest.parse(start_body())
    assert "zoe@example.com" not in repr(request)


@pytest.mark.parametrize("text", ["x", "1", 5, "JF-1", "{}", "0" * 31, "g" * 32])
def test_an_id_that_cannot_be_ours_is_none(text: str | int) -> None:
    assert parse_assessment_id({"assessment_id": text}) is None


@pytest.mark.parametrize("body", [{}, {"assessment_id": None}, {"assessment_id": ""}, {"assessment_id": []}])
def test_a_missing_id_is_invalid(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage, match="assessment_id"):
        parse_assessment_id(body)
