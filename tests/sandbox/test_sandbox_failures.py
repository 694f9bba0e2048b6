"""Every failure switch, on each side, as a caller meets it."""

from __future__ import annotations

import time
import uuid

import pytest
import requests


@pytest.fixture(params=["ashby", "justifacts"])
def side(request):
    return request.param


def call(world, side: str, **more):
    return (
        world.ashby("apiKey.info", **more) if side == "ashby" else world.justifacts("assessment.list", **more)
    )


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
def test_answers_in_the_error_shape(world, side, mode):
    more, status = ANSWERS[mode]
    world.fail(side, mode, count=1, **more)
    answer = call(world, side)
    body = answer.json()
    assert (answer.status_code, body["success"]) == (status, False)
    assert body["errorInfo"]["code"] == body["errors"][0] == more.get("code", body["errors"][0])
    assert body["errorInfo"]["message"]
    assert call(world, side).json()["success"] is True, "the switch has cleared itself"


def test_refuse_says_what_it_is_told(world, side):
    world.fail(side, "refuse", status=422, message="No such thing.")
    answer = call(world, side)
    assert (answer.status_code, answer.json()["message"]) == (422, "No such thing.")


def test_wrong_key_can_be_401(world, side):
    world.fail(side, "wrong_key", status=401)
    assert call(world, side).status_code == 401


def test_rate_limits_carry_their_headers(world, side):
    world.fail(side, "429", seconds=7, scope="integration-partner")
    headers = call(world, side).headers
    assert (headers["Retry-After"], headers["X-RateLimit-Scope"]) == ("7", "integration-partner")


def test_503_carries_retry_after_only_if_told(world, side):
    world.fail(side, "503", count=1)
    assert "Retry-After" not in call(world, side).headers
    world.fail(side, "503", seconds=3)
    assert call(world, side).headers["Retry-After"] == "3"


def test_garbage_huge_and_malformed(world, side):
    for mode in ("garbage", "huge", "malformed"):
        world.fail(side, mode, count=1)
    garbage, huge, malformed = (call(world, side) for _ in range(3))
    assert garbage.status_code == 200
    assert garbage.text.startswith("<!doctype html>")
    assert len(huge.content) > 1_000_000
    assert malformed.json()["success"] is not True


def test_redirect(world, side):
    world.fail(side, "redirect")
    answer = call(world, side, allow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith("/elsewhere/")


def test_slow_is_late_but_right(world, side):
    world.fail(side, "slow", seconds=0.2)
    began = time.monotonic()
    assert call(world, side).json()["success"] is True
    assert time.monotonic() - began >= 0.2


def test_warnings(world, side):
    world.fail(side, "warnings", message="Soon gone.")
    answer = call(world, side).json()
    assert (answer["success"], answer["warnings"]) == (True, ["Soon gone."])


def test_hang_says_nothing(world, side):
    world.fail(side, "hang", seconds=0.2)
    began = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        call(world, side)
    assert time.monotonic() - began >= 0.2


def test_cut_before_resets_and_does_nothing(world):
    world.fail("justifacts", "cut_before", count=1)
    with pytest.raises(requests.ConnectionError, match=r"(?i)reset"):
        world.place()
    assert world.ledger()["orders"] == 0


def test_cut_after_does_it_and_resets(world):
    world.fail("justifacts", "cut_after", count=1)
    with pytest.raises(requests.ConnectionError, match=r"(?i)reset"):
        world.place()
    assert world.ledger()["orders"] == 1


@pytest.mark.parametrize("mode", ["500", "garbage"])
def test_after_does_it_and_then_fails(world, mode):
    world.fail("justifacts", mode, after=True)
    world.place()
    assert world.ledger()["orders"] == 1


def test_without_after_nothing_is_done(world):
    world.fail("justifacts", "500")
    world.place()
    assert world.ledger()["orders"] == 0


def test_a_switch_concerns_its_side_its_org_and_its_call_only(world, new_world):
    stranger = new_world()
    world.fail("justifacts", "500", call="assessment.start")
    assert world.justifacts("assessment.list").status_code == 200
    assert world.ashby("apiKey.info").status_code == 200
    assert stranger.place().status_code == 200
    assert world.place().status_code == 500


def test_switches_can_be_listed_and_switched_off(world, sandbox):
    number = world.fail("ashby", "500")["id"]
    listed = {one["id"]: one for one in sandbox.get("failures")["failures"]}
    assert (listed[number]["mode"], listed[number]["org"]) == ("500", world.slug)
    answer = sandbox.session.delete(f"{sandbox.url}/control/failures", params={"id": number}, timeout=5)
    assert number not in [one["id"] for one in answer.json()["failures"]]
    assert world.ashby("apiKey.info").status_code == 200


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
def test_impossible_switches_are_refused(sandbox, body):
    answer = sandbox.session.post(f"{sandbox.url}/control/failures", json=body, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_page_shows_a_banner_and_switches(world, sandbox):
    form = {"side": "justifacts", "mode": "429", "org": world.slug, "seconds": "5", "count": "9"}
    page = sandbox.session.post(f"{sandbox.url}/failures", data=form, timeout=5).text
    assert "Failing on purpose" in page
    assert call(world, "justifacts").status_code == 429
    bad = sandbox.session.post(f"{sandbox.url}/failures", data={**form, "count": "many"}, timeout=5)
    assert (bad.status_code, "count: a number is required" in bad.text) == (400, True)
    listed = sandbox.get("failures")["failures"]
    number = next(one["id"] for one in listed if one["org"] == world.slug)
    sandbox.session.post(f"{sandbox.url}/failures/off", data={"id": number}, timeout=5)
    assert call(world, "justifacts").status_code == 200


def test_a_failed_call_is_recorded_with_its_switch(world, sandbox):
    world.fail("justifacts", "cut_after", count=1)
    with pytest.raises(requests.ConnectionError):
        world.place(str(uuid.uuid4()))
    (seen,) = sandbox.get("calls", org=world.slug, name="assessment.start")["calls"]
    assert (seen["note"], seen["status"], bool(seen["order_id"])) == ("failure switch: cut_after", None, True)
