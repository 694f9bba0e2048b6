"""Every rule of docs/protocol.md for `assessment.update`, over real HTTP."""

from __future__ import annotations

import time
import uuid

import pytest

REPORT = "https://reports.example.com/1"


@pytest.fixture
def update(org, datum):
    """Sends updates about one started assessment; the timestamp grows by a millisecond each time."""
    identifier = org.start()["assessment_id"]
    clock = [int(time.time() * 1000)]

    def send(replace=None, without=(), **parts):
        clock[0] += 1
        body = {"assessment_id": identifier, "timestamp": clock[0], "assessment_status": datum("status", "X")}
        body |= parts
        body = {name: value for name, value in body.items() if name not in without}
        send.last = replace if replace is not None else body
        return org.ashby("assessment.update", send.last).json()

    send.identifier, send.clock = identifier, clock
    return send


def refusal(answer: dict) -> str:
    """The message of an answer that refuses an update."""
    assert answer["success"] is False
    assert answer["errors"] == [answer["errorInfo"]["code"]] == ["invalid_input"]
    assert answer["errorInfo"]["requestId"]
    return answer["errorInfo"]["message"]


def test_a_valid_update_is_accepted_and_stored(org, update, datum):
    number = datum("order", "JF-1", description="the number")
    assert (
        update(assessment_status=datum("status", "Justifacts Received"), metadata=[number])["success"] is True
    )
    assessment = org.assessment(update.identifier)
    assert assessment["status"] == "Justifacts Received"
    assert assessment["metadata"] == [number]
    assert [one["source"] for one in assessment["updates"]] == ["start", "update"]
    assert assessment["updates"][1]["body"] == update.last
    assert abs(assessment["updates"][1]["received_at"] - time.time() * 1000) < 60_000


INVALID_BODIES = {
    "unknown top field": ({"colour": "red"}, "colour: unknown field"),
    "null part": ({"cancelled_reason": None}, "cancelled_reason: null is not accepted"),
    "null inside": (
        {"metadata": [{"identifier": "a", "label": None}]},
        "metadata[0].label: null is not accepted",
    ),
    "id not a uuid": ({"assessment_id": "JF-1"}, "assessment_id: a UUID is required"),
    "id not a string": ({"assessment_id": 7}, "assessment_id: a UUID is required"),
    "float time": ({"timestamp": 1795000000000.5}, "timestamp: an integer"),
    "string time": ({"timestamp": "1795000000000"}, "timestamp: an integer"),
    "bool time": ({"timestamp": True}, "timestamp: an integer"),
    "seconds": ({"timestamp": 1795000000}, "looks like seconds"),
    "microseconds": ({"timestamp": 1795000000000000}, "looks like microseconds"),
    "part not an object": (
        {"assessment_status": "Complete"},
        "assessment_status: an object is required, got string",
    ),
    "metadata not a list": ({"metadata": {}}, "metadata: a list is required, got object"),
}


@pytest.mark.parametrize("case", INVALID_BODIES)
def test_an_invalid_body_is_refused_with_the_reason(update, case):
    parts, reason = INVALID_BODIES[case]
    assert reason in refusal(update(**parts))


INVALID_DATA = {
    "unknown field": ({"colour": "red"}, "assessment_status.colour: unknown field"),
    "unknown type": ({"type": "text"}, "assessment_status.type: must be one of"),
    "string as number": (
        {"type": "numeric_score", "value": "7"},
        "a number is required for type numeric_score",
    ),
    "bool as number": ({"type": "numeric_duration_minutes", "value": True}, "a number is required"),
    "string as bool": ({"type": "boolean_success", "value": "yes"}, "a boolean is required"),
    "number as string": ({"value": 7}, "a string is required for type string, got number"),
    "number as url": ({"type": "url", "value": 7}, "a string is required for type url"),
    "label not a string": ({"label": 7}, "assessment_status.label: a string is required"),
    "empty identifier": ({"identifier": " "}, "assessment_status.identifier: must not be empty"),
    "description": ({"description": 7}, "assessment_status.description: a string is required"),
}


@pytest.mark.parametrize("case", INVALID_DATA)
def test_invalid_data_is_refused_with_the_reason(update, datum, case):
    change, reason = INVALID_DATA[case]
    assert reason in refusal(update(assessment_status=datum("status", "X") | change))


@pytest.mark.parametrize("field", ["identifier", "label", "type", "value"])
def test_data_without_a_required_field_is_refused(update, datum, field):
    incomplete = datum("status", "X")
    del incomplete[field]
    assert f"assessment_status.{field}: required" in refusal(update(assessment_status=incomplete))


@pytest.mark.parametrize("field", ["assessment_id", "timestamp"])
def test_an_update_without_a_required_field_is_refused(update, field):
    assert f"{field}: required" in refusal(update(without=[field]))


def test_an_update_needs_a_status_or_a_cancelled_reason(update, datum):
    assert "assessment_status: required unless" in refusal(update(without=["assessment_status"]))
    assert update(without=["assessment_status"], cancelled_reason=datum("why", "Withdrawn"))["success"]


def test_a_result_without_a_report_is_refused(update, datum):
    answer = update(assessment_result=datum("result", "Clear"))
    assert "assessment_profile_url: required when assessment_result is set" in refusal(answer)


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ({"type": "string"}, "assessment_profile_url.type: must be url"),
        ({"value": "javascript:alert(1)"}, "assessment_profile_url.value: an http or https address"),
        ({"value": "/reports/1"}, "assessment_profile_url.value: an http or https address"),
    ],
)
def test_a_report_that_is_not_a_web_url_is_refused(update, datum, link, reason):
    assert reason in refusal(update(assessment_profile_url=datum("report", REPORT, "url") | link))


def test_an_update_that_completes_and_cancels_is_refused(update, datum):
    parts = {
        "assessment_result": datum("result", "Clear"),
        "assessment_profile_url": datum("u", REPORT, "url"),
    }
    assert "cannot both" in refusal(update(**parts, cancelled_reason=datum("why", "No")))


def test_a_repeated_identifier_in_an_update_is_refused(update, datum):
    assert "'status' occurs more than once" in refusal(update(metadata=[datum("status", "Y")]))
    assert "'a' occurs more than once" in refusal(update(metadata=[datum("a", "1"), datum("a", "2")]))


@pytest.mark.parametrize("body", [[], "text", 7])
def test_a_body_that_is_not_an_object_is_refused(update, body):
    assert "body: an object is required" in refusal(update(replace=body))


@pytest.mark.parametrize("raw", [b"", b"{", b"[NaN]", b"\xff"])
def test_a_body_that_is_not_json_is_refused(org, raw):
    answer = org.ashby("assessment.update", data=raw, headers={"Content-Type": "application/json"})
    assert refusal(answer.json()) == "the body is not JSON"


def test_all_five_types_are_accepted(update, datum):
    metadata = [
        datum("a", 7.5, "numeric_score"),
        datum("b", 43, "numeric_duration_minutes"),
        datum("c", REPORT, "url"),
        datum("d", "words"),
        datum("e", False, "boolean_success"),
    ]
    assert update(metadata=metadata)["success"] is True


def test_an_unknown_assessment_is_not_found(org, update):
    answer = update(assessment_id=str(uuid.uuid4()))
    assert answer["errorInfo"]["code"] == "assessment_not_found"
    assert org.ledger()["not_found"] == 1


def test_another_orgs_assessment_is_not_found(new_org, update):
    other_org = new_org()
    update()
    assert other_org.ashby("assessment.update", update.last).json()["errors"] == ["assessment_not_found"]


def test_a_timestamp_that_does_not_grow_is_refused(org, update, datum):
    update()
    for timestamp in (update.clock[0], update.clock[0] - 5):
        answer = update(timestamp=timestamp, assessment_status=datum("status", "Other"))
        assert "must grow strictly" in refusal(answer)
    ledger = org.ledger()
    assert (ledger["out_of_order"], ledger["refused"]) == (2, 2)
    assert ledger["refused_reasons"] == {"timestamp: must grow strictly with each update": 2}


def test_an_exact_repeat_of_the_last_update_is_accepted_and_counted(org, update):
    update()
    assert update(replace=dict(reversed(update.last.items())))["success"] is True
    assessment = org.assessment(update.identifier)
    assert (len(assessment["updates"]), assessment["repeats"], org.ledger()["repeats"]) == (2, 1, 1)


def test_the_start_time_is_that_of_the_first_started_status(org, update, datum):
    update(assessment_status=datum("status", "Started"))
    first = update.clock[0]
    update(assessment_status=datum("status", "Started"))
    assert org.assessment(update.identifier)["started_at"] == first


def test_an_update_after_cancellation_is_refused(org, update, datum):
    update(without=["assessment_status"], cancelled_reason=datum("why", "Withdrawn"))
    assert "is cancelled" in refusal(update())
    assessment = org.assessment(update.identifier)
    assert (assessment["cancelled_reason"], org.ledger()["updates_after_end"]) == ("Withdrawn", 1)


def test_only_a_changed_result_or_an_unknown_status_is_accepted_after_completion(org, update, datum):
    report = datum("report", REPORT, "url")
    done = {"assessment_profile_url": report, "assessment_result": datum("result", "Review")}
    update(**done)
    assert "changed result or status only" in refusal(update())
    assert "changed result or status only" in refusal(update(**done))
    assert update(**done | {"assessment_result": datum("result", "Clear")})["success"] is True
    assessment = org.assessment(update.identifier)
    assert (assessment["result"], assessment["report_url"], org.ledger()["updates_after_end"]) == (
        "Clear",
        REPORT,
        2,
    )
    assert assessment["completed_at"] < update.clock[0]
    assert update(assessment_status=datum("status", "Dispute"))["success"] is True
    assert org.assessment(update.identifier)["status"] == "Dispute"
