"""Every strict rule of docs/protocol.md, for `assessment.update`, over real HTTP."""

from __future__ import annotations

import time
import uuid

import pytest

REPORT = "https://reports.example.com/1"


@pytest.fixture
def update(world, datum):
    """Sends updates about one started assessment; each call is one later millisecond."""
    identifier = world.start()["assessment_id"]
    clock = [int(time.time() * 1000)]

    def send(replace=None, without=(), **parts):
        clock[0] += 1
        body = {"assessment_id": identifier, "timestamp": clock[0], "assessment_status": datum("status", "X")}
        body |= parts
        body = {name: value for name, value in body.items() if name not in without}
        send.last = replace if replace is not None else body
        return world.ashby("assessment.update", send.last).json()

    send.identifier, send.clock = identifier, clock
    return send


def message(answer: dict) -> str:
    assert answer["success"] is False
    assert answer["errors"] == [answer["errorInfo"]["code"]] == ["invalid_input"]
    assert answer["errorInfo"]["requestId"]
    return answer["errorInfo"]["message"]


def test_a_good_update_is_taken_and_shown(world, update, datum):
    number = datum("order", "JF-1", description="the number")
    assert (
        update(assessment_status=datum("status", "Justifacts Received"), metadata=[number])["success"] is True
    )
    kept = world.assessment(update.identifier)
    assert kept["status"] == "Justifacts Received"
    assert kept["metadata"] == [number]
    assert [step["source"] for step in kept["updates"]] == ["start", "update"]
    assert kept["updates"][1]["body"] == update.last
    assert abs(kept["updates"][1]["received_at"] - time.time() * 1000) < 60_000


BAD_PARTS = {
    "unknown top field": ({"colour": "red"}, "colour: unknown field"),
    "null slot": ({"cancelled_reason": None}, "cancelled_reason: null is not accepted"),
    "null inside": (
        {"metadata": [{"identifier": "a", "label": None}]},
        "metadata[0].label: null is not accepted",
    ),
    "id no uuid": ({"assessment_id": "JF-1"}, "assessment_id: a UUID is required"),
    "id no string": ({"assessment_id": 7}, "assessment_id: a UUID is required"),
    "float time": ({"timestamp": 1795000000000.5}, "timestamp: an integer"),
    "text time": ({"timestamp": "1795000000000"}, "timestamp: an integer"),
    "bool time": ({"timestamp": True}, "timestamp: an integer"),
    "seconds": ({"timestamp": 1795000000}, "looks like seconds"),
    "microseconds": ({"timestamp": 1795000000000000}, "looks like microseconds"),
    "slot no object": (
        {"assessment_status": "Complete"},
        "assessment_status: an object is required, got string",
    ),
    "metadata no list": ({"metadata": {}}, "metadata: a list is required, got object"),
}


@pytest.mark.parametrize("case", BAD_PARTS)
def test_bad_parts_are_refused_with_the_reason(update, case):
    parts, wanted = BAD_PARTS[case]
    assert wanted in message(update(**parts))


BAD_DATA = {
    "unknown field": ({"colour": "red"}, "assessment_status.colour: unknown field"),
    "unknown type": ({"type": "text"}, "assessment_status.type: must be one of"),
    "number as text": (
        {"type": "numeric_score", "value": "7"},
        "a number is required for type numeric_score",
    ),
    "bool as number": ({"type": "numeric_duration_minutes", "value": True}, "a number is required"),
    "text as bool": ({"type": "boolean_success", "value": "yes"}, "a boolean is required"),
    "number as string": ({"value": 7}, "a string is required for type string, got number"),
    "number as url": ({"type": "url", "value": 7}, "a string is required for type url"),
    "label no string": ({"label": 7}, "assessment_status.label: a string is required"),
    "empty identifier": ({"identifier": " "}, "assessment_status.identifier: must not be empty"),
    "description": ({"description": 7}, "assessment_status.description: a string is required"),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_is_refused_with_the_reason(update, datum, case):
    change, wanted = BAD_DATA[case]
    assert wanted in message(update(assessment_status=datum("status", "X") | change))


@pytest.mark.parametrize("field", ["identifier", "label", "type", "value"])
def test_each_field_of_data_is_required(update, datum, field):
    whole = datum("status", "X")
    del whole[field]
    assert f"assessment_status.{field}: required" in message(update(assessment_status=whole))


@pytest.mark.parametrize("field", ["assessment_id", "timestamp"])
def test_each_top_field_is_required(update, field):
    assert f"{field}: required" in message(update(without=[field]))


def test_an_update_says_a_status_or_a_cancelled_reason(update, datum):
    assert "assessment_status: required unless" in message(update(without=["assessment_status"]))
    assert update(without=["assessment_status"], cancelled_reason=datum("why", "Withdrawn"))["success"]


def test_a_result_needs_the_report(update, datum):
    answer = update(assessment_result=datum("result", "Clear"))
    assert "assessment_profile_url: required when assessment_result is set" in message(answer)


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ({"type": "string"}, "assessment_profile_url.type: must be url"),
        ({"value": "javascript:alert(1)"}, "assessment_profile_url.value: an http or https address"),
        ({"value": "/reports/1"}, "assessment_profile_url.value: an http or https address"),
    ],
)
def test_the_report_is_a_web_address(update, datum, link, wanted):
    assert wanted in message(update(assessment_profile_url=datum("report", REPORT, "url") | link))


def test_an_update_cannot_complete_and_cancel(update, datum):
    parts = {
        "assessment_result": datum("result", "Clear"),
        "assessment_profile_url": datum("u", REPORT, "url"),
    }
    assert "cannot both" in message(update(**parts, cancelled_reason=datum("why", "No")))


def test_identifiers_are_unique_within_an_update(update, datum):
    assert "'status' occurs more than once" in message(update(metadata=[datum("status", "Y")]))
    assert "'a' occurs more than once" in message(update(metadata=[datum("a", "1"), datum("a", "2")]))


@pytest.mark.parametrize("body", [[], "text", 7])
def test_a_body_is_an_object(update, body):
    assert "body: an object is required" in message(update(replace=body))


@pytest.mark.parametrize("raw", [b"", b"{", b"[NaN]", b"\xff"])
def test_a_body_is_json(world, raw):
    answer = world.ashby("assessment.update", data=raw, headers={"Content-Type": "application/json"})
    assert message(answer.json()) == "the body is not JSON"


def test_the_five_types_are_taken(update, datum):
    metadata = [
        datum("a", 7.5, "numeric_score"),
        datum("b", 43, "numeric_duration_minutes"),
        datum("c", REPORT, "url"),
        datum("d", "words"),
        datum("e", False, "boolean_success"),
    ]
    assert update(metadata=metadata)["success"] is True


def test_an_unknown_assessment_is_not_found(world, update):
    answer = update(assessment_id=str(uuid.uuid4()))
    assert answer["errorInfo"]["code"] == "assessment_not_found"
    assert world.ledger()["not_found"] == 1


def test_another_orgs_assessment_is_not_found(new_world, update):
    stranger = new_world()
    update()
    assert stranger.ashby("assessment.update", update.last).json()["errors"] == ["assessment_not_found"]


def test_timestamps_grow_strictly(world, update, datum):
    update()
    for stamp in (update.clock[0], update.clock[0] - 5):
        answer = update(timestamp=stamp, assessment_status=datum("status", "Other"))
        assert "must grow strictly" in message(answer)
    ledger = world.ledger()
    assert (ledger["out_of_order"], ledger["refused"]) == (2, 2)
    assert ledger["refused_reasons"] == {"timestamp: must grow strictly with each update": 2}


def test_the_exact_repeat_of_the_last_update_counts_as_a_repeat(world, update):
    update()
    assert update(replace=dict(reversed(update.last.items())))["success"] is True
    kept = world.assessment(update.identifier)
    assert (len(kept["updates"]), kept["repeats"], world.ledger()["repeats"]) == (2, 1, 1)


def test_started_stores_the_start_time_once(world, update, datum):
    update(assessment_status=datum("status", "Started"))
    first = update.clock[0]
    update(assessment_status=datum("status", "Started"))
    assert world.assessment(update.identifier)["started_at"] == first


def test_after_cancellation_nothing_is_taken(world, update, datum):
    update(without=["assessment_status"], cancelled_reason=datum("why", "Withdrawn"))
    assert "is cancelled" in message(update())
    kept = world.assessment(update.identifier)
    assert (kept["cancelled_reason"], world.ledger()["updates_after_end"]) == ("Withdrawn", 1)


def test_after_completion_only_a_changed_result_or_an_unknown_status_is_taken(world, update, datum):
    report = datum("report", REPORT, "url")
    done = {"assessment_profile_url": report, "assessment_result": datum("result", "Review")}
    update(**done)
    assert "changed result or status only" in message(update())
    assert "changed result or status only" in message(update(**done))
    assert update(**done | {"assessment_result": datum("result", "Clear")})["success"] is True
    kept = world.assessment(update.identifier)
    assert (kept["result"], kept["report_url"], world.ledger()["updates_after_end"]) == ("Clear", REPORT, 2)
    assert kept["completed_at"] < update.clock[0]
    assert update(assessment_status=datum("status", "Dispute"))["success"] is True
    assert world.assessment(update.identifier)["status"] == "Dispute"


def test_every_answer_carries_the_request_id_and_the_version(world):
    for answer in (
        world.ashby("apiKey.info"),
        world.ashby("apiKey.info", key="wrong-key"),
        world.ashby("nothing"),
    ):
        assert answer.headers["x-ashby-request-id"]
        assert answer.headers["Ashby-Version"] == "1"
        assert answer.headers["Ashby-Version-Status"] == "current"


@pytest.mark.parametrize(
    "agent", ["", "python-requests/2.32", "Python-urllib/3.11", "Python/3.11 aiohttp/3.14"]
)
def test_the_edge_refuses_an_empty_or_default_user_agent(world, agent):
    answer = world.ashby("apiKey.info", headers={"User-Agent": agent})
    assert (answer.status_code, answer.text) == (403, "error code: 1010")


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"Accept": "application/json"}, "Accept:"),
        ({"Accept": "*/*"}, "Accept:"),
        ({"Content-Type": "text/plain"}, "Content-Type:"),
    ],
)
def test_accept_and_content_type_are_required(world, headers, wanted):
    assert wanted in message(world.ashby("apiKey.info", headers=headers).json())


def test_no_key_401_wrong_or_deactivated_key_403(world):
    url = f"{world.sandbox.url}/ashby-api/apiKey.info"
    none = world.sandbox.session.post(url, json={}, headers={"User-Agent": "portal-test/1"}, timeout=5)
    assert (none.status_code, none.headers["WWW-Authenticate"]) == (401, 'Basic realm="Ashby"')
    assert world.ashby("apiKey.info", key="unknown-key").status_code == 403
    world.sandbox.post("orgs", slug=world.slug, ashby_keys=[{"key": world.ashby_key, "active": False}])
    assert world.ashby("apiKey.info").status_code == 403


def test_only_post(world):
    answer = world.sandbox.session.get(
        f"{world.sandbox.url}/ashby-api/apiKey.info", headers={"User-Agent": "portal-test/1"}, timeout=5
    )
    assert answer.status_code == 405


def test_each_call_needs_its_scope(new_world):
    key = f"ashby-{uuid.uuid4().hex}"
    world = new_world(ashby_keys=[{"key": key, "title": "Few", "scopes": ["apiKeysRead"]}])
    assert world.ashby("apiKey.info", key=key).json()["results"]["scopes"] == ["apiKeys:read"]
    for name in ("assessment.update", "job.list"):
        answer = world.ashby(name, key=key)
        assert (answer.status_code, answer.json()["errors"]) == (403, ["missing_endpoint_permission"])
    world.sandbox.post("settings", org=world.slug, missing_scope_status=200)
    assert world.ashby("job.list", key=key).status_code == 200


def test_jobs_come_in_pages(world):
    seen, cursor = [], None
    while True:
        page = world.ashby("job.list", {"cursor": cursor} if cursor else {}).json()
        assert len(page["results"]) <= 3
        seen += page["results"]
        if not page["moreDataAvailable"]:
            break
        cursor = page["nextCursor"]
    assert [job["id"] for job in seen] == [job["id"] for job in world.info["jobs"]]
    assert len(world.ashby("job.list", {"limit": 100, "status": ["Open"]}).json()["results"]) == 5
    assert world.ashby("job.list", {"cursor": "bogus"}).json()["errors"] == ["invalid_cursor"]


def test_a_rate_limit_can_be_set(world):
    world.sandbox.post("settings", org=world.slug, rate_limit_per_minute=2)
    answers = [world.ashby("apiKey.info") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "5"
