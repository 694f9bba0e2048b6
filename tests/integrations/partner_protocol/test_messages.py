"""The messages of the partner protocol: parsing what arrives, and writing it again."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.statuses import result_of
from integrations.partner_protocol.messages import (
    DATA_TYPES,
    AssessmentUpdate,
    Data,
    parse_assessment_id,
)
from integrations.partner_protocol.parsing import InvalidMessage
from integrations.partner_protocol.starts import StartRequest
from integrations.partner_protocol.times import read_time

STATUS_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)
#: Without invisible characters, which are removed from texts for people.
SEEN = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), max_size=30)


def says_something(text: str) -> bool:
    """Some servers write null as a text; such a part is absent."""
    return text.strip().lower() not in ("", "null", "undefined")


FILLED = STATUS_TEXT.filter(says_something)
STRIPPED = SEEN.map(str.strip).filter(says_something)
VALUE = SEEN.filter(says_something) | st.booleans() | st.integers() | st.floats(-1e18, 1e18)
DATA = st.builds(
    Data, identifier=SEEN, label=SEEN, type=st.sampled_from(DATA_TYPES), value=VALUE, description=SEEN
)
UPDATES = st.builds(
    AssessmentUpdate,
    assessment_id=STRIPPED,
    timestamp=st.none() | st.integers(10**10, 1_772_452_800_123),
    status=DATA,
    profile_url=st.none() | DATA,
    result=st.none() | DATA,
    cancelled_reason=st.none() | DATA.filter(lambda data: bool(data.value)),
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


@given(UPDATES)
def test_an_update_survives_writing_and_parsing(update: AssessmentUpdate) -> None:
    said = json.loads(json.dumps(update.as_json()))
    assert AssessmentUpdate.parse(said) == update


@given(UPDATES)
def test_absent_parts_are_left_out_and_never_null(update: AssessmentUpdate) -> None:
    said = update.as_json()
    assert all(value is not None for value in said.values())
    for name in ("assessment_profile_url", "assessment_result", "cancelled_reason"):
        assert name not in said or isinstance(said[name], dict)


MEMBERS = st.dictionaries(
    st.sampled_from(["userId", "firstName", "lastName", "email", "role", "unknown"]), ANYTHING, max_size=4
)


@given(
    STATUS_TEXT,
    st.from_regex(r"[\w.:/-]{1,60}", fullmatch=True, alphabet=st.characters(codec="latin-1")).filter(
        says_something
    ),
    STATUS_TEXT,
    st.dictionaries(st.text(max_size=5), ANYTHING, max_size=3),
    st.lists(MEMBERS, max_size=3),
)
def test_a_start_survives_writing_and_parsing(
    first: str, app: str, status: str, fields: dict[str, Any], team: list[dict[str, Any]]
) -> None:
    body = start_body(additional_fields=fields, application={"ashby_id": app, "status": status})
    body["candidate"]["first_name"] = f"A{first}"
    body["job"]["hiringTeam"] = team
    request = StartRequest.parse(body)
    assert StartRequest.parse(request.as_json()) == request
    assert request.additional_fields.keys() == fields.keys()
    assert all(member and "unknown" not in member for member in request.job.get("hiringTeam", []))


@given(st.dictionaries(st.text(max_size=10), ANYTHING, max_size=4))
def test_a_random_object_is_an_invalid_start(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage):
        StartRequest.parse(body)


PARTS = ["assessment_type_id", "candidate", "application", "job", "additional_fields"]


@given(st.sampled_from(PARTS), ANYTHING)
def test_a_start_with_any_value_in_one_part_is_parsed_or_invalid(name: str, value: Any) -> None:
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


@given(st.sampled_from(UPDATE_PARTS), ANYTHING)
def test_an_update_with_any_value_in_one_part_is_parsed_or_invalid(name: str, value: Any) -> None:
    body = {"assessment_id": "a", "reference_id": "b", "assessment_status": "Complete", name: value}
    try:
        update = AssessmentUpdate.parse(body)
    except InvalidMessage:
        return
    assert update.status or update.result or update.cancelled_reason


ABSENT: list[Any] = [
    *(None, "", "  ", "\u200b", [], ["x"], {}, {"value": None}, {"value": ""}, {"value": {}}, {"label": "R"}),
    {"identifier": "r", "label": "R", "type": "string", "value": None},
    *(False, 0, 0.0, float("nan")),
]
IDS: list[Any] = ["48213", 48213, 48213.0, " 48213\t", "\u200b48213"]
TIMES: list[tuple[Any, int | None]] = [
    *((form, 1772452800123) for form in (1772452800123, "1772452800123", 1772452800123.0, 1772452800.123)),
    ("1772452800.123", 1772452800123),
    (1772452800, 1772452800000),
    ("1772452800", 1772452800000),
    ("2026-03-02T12:00:00Z", 1772452800000),
    ("2026-03-02t12:00:00z", 1772452800000),
    ("2026-03-02 12:00:00", 1772452800000),
    ("2026-03-02T13:00:00.000+01:00", 1772452800000),
    ("2026-03-02T07:00:00-0500", 1772452800000),
    ("2026-03-02 13:00:00 +01:00", 1772452800000),
    ("2026-03-02T13:00:00+01:00[Europe/Berlin]", 1772452800000),
    ("20260302T120000Z", 1772452800000),
    ("Mon, 02 Mar 2026 12:00:00 GMT", 1772452800000),
    ("Mon, 2 Mar 2026 13:00:00 +0100", 1772452800000),
    *((none, None) for none in (None, "", 0, -5, True, [], {}, "yesterday", "2026-03-02", "0", float("nan"))),
    *((far, None) for far in (10**18, 10**40, 1e300, "9999-12-31T00:00:00Z", 1772452800123456)),
    *((odd, None) for odd in ("2026-03-02T12:00:00[Europe/Berlin]", "2026-02-30T12:00:00Z", "12:00", "1e12")),
]


@given(
    st.sampled_from(IDS),
    st.sampled_from(TIMES),
    st.fixed_dictionaries(
        {name: st.sampled_from(ABSENT) for name in ("assessment_result", "cancelled_reason", "reference_id")}
    ),
    st.sampled_from([*ABSENT, 3, "x", [None, 5, {"value": {}}]]),
    st.fixed_dictionaries(
        {name: st.sampled_from([None, 3, {}, [], "x", True]) for name in ("label", "identifier", "type")}
    ),
)
def test_the_status_is_read_whatever_else_is_absent(
    number: Any, time: tuple[Any, int | None], absent: dict[str, Any], metadata: Any, about: dict[str, Any]
) -> None:
    status = {**about, "value": "Applicant Started"}
    body = {"assessment_id": number, "timestamp": time[0], "assessment_status": status, "metadata": metadata}
    if absent["reference_id"] == ["x"]:
        absent["reference_id"] = [1]
    update = AssessmentUpdate.parse({**body, **absent})
    assert (update.assessment_id, update.timestamp) == ("48213", time[1])
    assert update.status is not None
    assert update.status.value == "Applicant Started"
    assert (update.result, update.cancelled_reason, update.reference_id) == (None, None, "")


@pytest.mark.parametrize(("written", "read"), TIMES)
def test_a_time_is_read_in_every_form(written: Any, read: int | None) -> None:
    assert read_time(written, datetime(2026, 11, 2, tzinfo=UTC)) == read


def test_a_time_more_than_a_day_ahead_is_absent() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert read_time("2026-03-02T12:00:00Z", now) == 1772452800000
    assert read_time("2026-03-02T12:00:01Z", now) is None


@pytest.mark.parametrize("status", [value for value in ABSENT if value != ["x"]])
def test_an_update_without_status_result_and_reason_is_invalid(status: Any) -> None:
    with pytest.raises(InvalidMessage, match="no status"):
        AssessmentUpdate.parse({"assessment_id": 5, "assessment_status": status})


@pytest.mark.parametrize("number", [None, "", " ", 0, -1, True, 1.5, 1e300, [], {}, ["5"]])
def test_a_value_that_is_no_id_is_absent(number: Any) -> None:
    with pytest.raises(InvalidMessage, match="assessment_id"):
        AssessmentUpdate.parse({"assessment_id": number, "assessment_status": "Complete"})


def test_a_number_of_twenty_digits_is_read_exactly_as_an_id() -> None:
    body = json.loads('{"assessment_id": 12345678901234567890, "assessment_status": "Complete"}')
    assert AssessmentUpdate.parse(body).assessment_id == "12345678901234567890"


@pytest.mark.parametrize("between", ["." * 9000, " " * 9000, "\n-" * 9000])
def test_a_cut_result_never_becomes_a_known_result(between: str) -> None:
    result = Data.parse(f"Clear{between}except for a felony")
    assert result is not None
    assert result_of(str(result.value)) != "Clear"
    assert result_of(str(result.value)[:500]) != "Clear"


def test_control_and_invisible_characters_are_removed_from_values() -> None:
    reason = Data.parse({"value": "Too\x00old\x1b[31m\nsaid\u202e X", "label": "a\tb"})
    assert reason is not None
    assert (reason.value, reason.label) == ("Too old [31m said X", "a b")


def test_a_bare_text_is_read_as_a_value() -> None:
    assert Data.parse("Complete") == Data("", "", "", "Complete")


def test_errors_in_names_and_address_are_for_the_recruiter() -> None:
    for name in ("first_name", "last_name", "email"):
        body = start_body()
        del body["candidate"][name]
        with pytest.raises(InvalidMessage) as refusal:
            StartRequest.parse(body)
        assert refusal.value.for_person


def test_the_candidates_address_is_not_in_the_repr() -> None:
    request = StartRequest.parse(start_body())
    assert "zoe@example.com" not in repr(request)


@pytest.mark.parametrize("text", ["x", "1", 5, "JF-1", "{}", "0" * 31, "g" * 32])
def test_an_assessment_id_that_is_no_uuid_is_none(text: str | int) -> None:
    assert parse_assessment_id({"assessment_id": text}) is None


@pytest.mark.parametrize("body", [{}, {"assessment_id": None}, {"assessment_id": ""}, {"assessment_id": []}])
def test_a_cancellation_without_an_assessment_id_is_invalid(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage, match="assessment_id"):
        parse_assessment_id(body)
