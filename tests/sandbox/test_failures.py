"""Every failure switch of both partners, as a caller sees it."""

from __future__ import annotations

import time
import uuid

import pytest
import requests


@pytest.fixture(params=["ashby", "justifacts"])
def side(request):
    return request.param


def call(org, side: str, **more):
    return org.ashby("apiKey.info", **more) if side == "ashby" else org.justifacts("assessment.list", **more)


ANSWERS = {
    "refuse": ({}, 400),
    "status": ({"status": 418}, 418),
    "429": ({}, 429),
    "500": ({}, 500),
    "503": ({}, 503),
    "success_false": ({"code": "odd_code"}, 200),
    "wrong_key": ({}, 403),
}


@pytest.mark.parametrize("mode", ANSWERS)
def test_a_failure_answers_with_an_error_and_then_switches_itself_off(org, side, mode):
    more, status = ANSWERS[mode]
    org.fail(side, mode, count=1, **more)
    answer = call(org, side)
    body = answer.json()
    assert (answer.status_code, body["success"]) == (status, False)
    assert body["errorInfo"]["code"] == body["errors"][0] == more.get("code", body["errors"][0])
    assert body["errorInfo"]["message"]
    assert call(org, side).json()["success"] is True, "the switch is still on"


def test_refuse_answers_with_the_given_status_and_message(org, side):
    org.fail(side, "refuse", status=422, message="No such thing.")
    answer = call(org, side)
    assert (answer.status_code, answer.json()["message"]) == (422, "No such thing.")


def test_wrong_key_can_be_401(org, side):
    org.fail(side, "wrong_key", status=401)
    assert call(org, side).status_code == 401


def test_a_rate_limit_answer_has_its_headers(org, side):
    org.fail(side, "429", seconds=7, scope="integration-partner")
    headers = call(org, side).headers
    assert (headers["Retry-After"], headers["X-RateLimit-Scope"]) == ("7", "integration-partner")


def test_503_has_retry_after_only_if_seconds_are_given(org, side):
    org.fail(side, "503", count=1)
    assert "Retry-After" not in call(org, side).headers
    org.fail(side, "503", seconds=3)
    assert call(org, side).headers["Retry-After"] == "3"


def test_garbage_huge_and_malformed_answers_are_sent(org, side):
    for mode in ("garbage", "huge", "malformed"):
        org.fail(side, mode, count=1)
    garbage, huge, malformed = (call(org, side) for _ in range(3))
    assert garbage.status_code == 200
    assert garbage.text.startswith("<!doctype html>")
    assert len(huge.content) > 1_000_000
    assert malformed.json()["success"] is not True


def test_a_redirect_points_elsewhere(org, side):
    org.fail(side, "redirect")
    answer = call(org, side, allow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith("/elsewhere/")


def test_slow_delays_a_correct_answer(org, side):
    org.fail(side, "slow", seconds=0.2)
    began = time.monotonic()
    assert call(org, side).json()["success"] is True
    assert time.monotonic() - began >= 0.2


def test_warnings_are_added_to_a_correct_answer(org, side):
    org.fail(side, "warnings", message="Soon gone.")
    answer = call(org, side).json()
    assert (answer["success"], answer["warnings"]) == (True, ["Soon gone."])


def test_hang_closes_the_connection_without_an_answer(org, side):
    org.fail(side, "hang", seconds=0.2)
    began = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        call(org, side)
    assert time.monotonic() - began >= 0.2


def test_cut_before_resets_the_connection_and_places_no_order(org):
    org.fail("justifacts", "cut_before", count=1)
    with pytest.raises(requests.ConnectionError, match=r"(?i)reset"):
        org.place()
    assert org.ledger()["orders"] == 0


def test_cut_after_places_the_order_and_resets_the_connection(org):
    org.fail("justifacts", "cut_after", count=1)
    with pytest.raises(requests.ConnectionError, match=r"(?i)reset"):
        org.place()
    assert org.ledger()["orders"] == 1


@pytest.mark.parametrize("mode", ["500", "garbage"])
def test_a_failure_after_the_call_places_the_order(org, mode):
    org.fail("justifacts", mode, after=True)
    org.place()
    assert org.ledger()["orders"] == 1


def test_a_failure_before_the_call_places_no_order(org):
    org.fail("justifacts", "500")
    org.place()
    assert org.ledger()["orders"] == 0


def test_a_switch_applies_to_its_partner_organization_and_call_only(org, new_org):
    other_org = new_org()
    org.fail("justifacts", "500", call="assessment.start")
    assert org.justifacts("assessment.list").status_code == 200
    assert org.ashby("apiKey.info").status_code == 200
    assert other_org.place().status_code == 200
    assert org.place().status_code == 500


def test_a_switch_is_listed_and_can_be_switched_off(org, sandbox):
    number = org.fail("ashby", "500")["id"]
    listed = {one["id"]: one for one in sandbox.get("failures")["failures"]}
    assert (listed[number]["mode"], listed[number]["org"]) == ("500", org.slug)
    answer = sandbox.session.delete(f"{sandbox.url}/control/failures", params={"id": number}, timeout=5)
    assert number not in [one["id"] for one in answer.json()["failures"]]
    assert org.ashby("apiKey.info").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"side": "nobody", "mode": "500"},
        {"side": "ashby", "mode": "explode"},
        {"side": "ashby", "mode": "status"},
        {"side": "ashby", "mode": "500", "count": 0},
        {"side": "ashby", "mode": "500", "seconds": "long"},
        {"side": "ashby", "mode": "500", "colour": "red"},
    ],
)
def test_an_invalid_switch_is_refused(sandbox, body):
    answer = sandbox.session.post(f"{sandbox.url}/control/failures", json=body, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_failures_page_switches_a_failure_on_and_off(org, sandbox):
    form = {"side": "justifacts", "mode": "429", "org": org.slug, "seconds": "5", "count": "9"}
    page = sandbox.session.post(f"{sandbox.url}/failures", data=form, timeout=5).text
    assert "Failing on purpose" in page
    assert call(org, "justifacts").status_code == 429
    bad = sandbox.session.post(f"{sandbox.url}/failures", data={**form, "count": "many"}, timeout=5)
    assert (bad.status_code, "count: a number is required" in bad.text) == (400, True)
    listed = sandbox.get("failures")["failures"]
    number = next(one["id"] for one in listed if one["org"] == org.slug)
    sandbox.session.post(f"{sandbox.url}/failures/off", data={"id": number}, timeout=5)
    assert call(org, "justifacts").status_code == 200


def test_the_record_of_a_failed_call_names_the_switch(org, sandbox):
    org.fail("justifacts", "cut_after", count=1)
    with pytest.raises(requests.ConnectionError):
        org.place(str(uuid.uuid4()))
    (recorded,) = sandbox.get("calls", org=org.slug, name="assessment.start")["calls"]
    assert (recorded["note"], recorded["status"], bool(recorded["order_id"])) == (
        "failure switch: cut_after",
        None,
        True,
    )
