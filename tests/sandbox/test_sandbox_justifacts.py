"""The stand-in Justifacts: its API, its counting of second orders, push, status, progress."""

from __future__ import annotations

import json
import uuid

import pytest


def order_of(world, reference: str) -> dict:
    return world.sandbox.get(f"justifacts/orders/{reference}")


@pytest.mark.parametrize("query", [False, True])
def test_both_forms_of_the_address_answer(world, query):
    rows = world.justifacts("assessment.list", query=query).json()["results"]
    assert {"assessment_type_id", "name", "description"} == set(rows[0])
    assert rows[0]["assessment_type_id"] == "JF-PKG-1001"


def test_no_key_401_wrong_key_403(world):
    url = f"{world.sandbox.url}/jfacts/servlet/application_ashby/assessment.list"
    assert world.sandbox.session.post(url, json={}, timeout=5).status_code == 401
    assert world.justifacts("assessment.list", key="nobody").status_code == 403
    assert world.justifacts("assessment.list", key=world.ashby_key).status_code == 403


def test_an_order_is_placed_and_found(world):
    reference = str(uuid.uuid4())
    number = world.place(reference).json()["results"]["assessment_id"]
    assert number.startswith("JF-")
    order = order_of(world, reference)
    assert (order["id"], order["status"], order["starts_for_reference"]) == (number, "Justifacts Received", 1)
    assert order["body"]["candidate"]["last_name"] == "O'Neil"
    for named in ({"reference_id": reference}, {"assessment_id": number}):
        results = world.justifacts("assessment.status", named, query=True).json()["results"]
        assert (results["assessment_id"], results["reference_id"]) == (number, reference)
        assert results["assessment_status"]["value"] == "Justifacts Received"


def test_the_idempotency_key_must_be_the_reference(world):
    for headers in ({}, {"Idempotency-Key": "other"}):
        body = json.loads(world.place().request.body)
        assert world.justifacts("assessment.start", body, headers=headers).status_code == 400
    assert world.ledger()["orders"] == 2


def test_a_second_start_is_a_second_order_and_counted(world):
    reference = str(uuid.uuid4())
    numbers = {world.place(reference).json()["results"]["assessment_id"] for _ in range(2)}
    ledger = world.ledger()
    assert (len(numbers), ledger["orders"], ledger["placed_twice"]) == (2, 2, 1)
    assert order_of(world, reference)["starts_for_reference"] == 2


def test_idempotency_can_be_honoured(world):
    world.sandbox.post("settings", org=world.slug, honor_idempotency=True)
    reference = str(uuid.uuid4())
    numbers = {world.place(reference).json()["results"]["assessment_id"] for _ in range(2)}
    assert (len(numbers), world.ledger()["placed_twice"]) == (1, 0)


def test_bad_starts_are_refused(world):
    answer = world.place(package="JF-PKG-9")
    assert (answer.status_code, answer.json()["message"]) == (
        422,
        "This package is not available to your account.",
    )
    assert world.place(candidate={"first_name": "A"}).status_code == 400
    assert world.place(job=7).status_code == 400
    assert world.ledger()["orders"] == 0


def test_withdrawn_packages_are_gone(world):
    page = f"{world.sandbox.url}/justifacts/{world.slug}/packages"
    world.sandbox.session.post(page, data={"id": "JF-PKG-1001"}, timeout=5)
    rows = world.justifacts("assessment.list").json()["results"]
    assert "JF-PKG-1001" not in [row["assessment_type_id"] for row in rows]
    assert world.place().status_code == 422


def test_another_orgs_order_is_not_found(world, new_world):
    reference = str(uuid.uuid4())
    number = world.place(reference).json()["results"]["assessment_id"]
    stranger = new_world()
    for body in ({"assessment_id": number}, {"reference_id": reference}, {}):
        for name in ("assessment.status", "assessment.cancel"):
            assert stranger.justifacts(name, body).json()["errors"] == ["assessment_not_found"]


def test_steps_lead_to_a_report(world):
    reference = str(uuid.uuid4())
    world.place(reference)
    seen = [world.sandbox.post(f"justifacts/orders/{reference}/step")["order"] for _ in range(3)]
    assert [one["status"] for one in seen] == ["Applicant Started", "In Process: Justifacts", "Complete"]
    assert seen[2]["result"] in ("Clear", "Review")
    stamps = [one["timestamp"] for one in seen]
    assert stamps == sorted(set(stamps))
    report = world.sandbox.session.get(seen[2]["report_url"], timeout=5).text
    assert "Zoë O&#39;Neil" in report
    assert "failed" not in report.lower()
    over = world.sandbox.session.post(
        f"{world.sandbox.url}/control/justifacts/orders/{reference}/step", json={}, timeout=5
    )
    assert over.status_code == 409


def test_words_results_and_missing_reports(world):
    reference = str(uuid.uuid4())
    world.place(reference)

    def step(**what):
        world.sandbox.post(f"justifacts/orders/{reference}/step", **what)
        return world.justifacts("assessment.status", {"reference_id": reference}).json()["results"]

    assert step(status="Awaiting Court")["assessment_status"]["value"] == "Awaiting Court"
    done = step(result="Review", report_url=None)
    assert (done["assessment_status"]["value"], done["assessment_result"]["value"]) == ("Complete", "Review")
    assert "assessment_profile_url" not in done
    changed = step(result="Adverse")
    assert changed["assessment_result"]["value"] == "Adverse"
    assert changed["assessment_profile_url"]["type"] == "url"


def test_cancel_in_each_state(world):
    reference = str(uuid.uuid4())
    number = world.place(reference).json()["results"]["assessment_id"]
    for _ in range(2):
        assert world.justifacts("assessment.cancel", {"assessment_id": number}).json()["success"] is True
    order = order_of(world, reference)
    assert order["cancelled_reason"]
    assert order["cancel_requested_at"]
    results = world.justifacts("assessment.status", {"assessment_id": number}).json()["results"]
    assert "cancelled_reason" in results
    other = world.place().json()["results"]["assessment_id"]
    world.sandbox.post(f"justifacts/orders/{other}/step", result="Clear")
    assert world.justifacts("assessment.cancel", {"assessment_id": other}).json()["errors"] == [
        "already_complete"
    ]


def test_withdrawing(world):
    number = world.place().json()["results"]["assessment_id"]
    order = world.sandbox.post(f"justifacts/orders/{number}/step", cancelled_reason="No answer")["order"]
    assert order["cancelled_reason"] == "No answer"


def test_the_status_call_can_be_off(world):
    world.place()
    world.sandbox.post("settings", org=world.slug, status_call=False)
    answer = world.justifacts("assessment.status", {"reference_id": "x"})
    assert (answer.status_code, answer.json()["errors"]) == (404, ["unknown_endpoint"])


def pushes(world) -> list[dict]:
    return world.portal.calls(world.slug, "assessment.update")


def test_a_push_carries_the_update(world):
    reference = str(uuid.uuid4())
    world.place(reference)
    answer = world.sandbox.post(f"justifacts/orders/{reference}/step", push=True, wait=True, repeat=2)
    assert [one["status"] for one in answer["push_answers"]] == [200, 200]
    first, second = pushes(world)
    assert first["path"] == f"/{world.slug}/justifacts/assessment.update"
    assert first["raw"] == second["raw"]
    body = json.loads(first["raw"])
    assert (body["reference_id"], body["assessment_status"]["value"]) == (reference, "Applicant Started")
    assert first["headers"]["Authorization"].startswith("Basic ")


def test_a_start_is_pushed_when_push_is_on(world, eventually):
    world.sandbox.post("settings", org=world.slug, push=True)
    world.place()
    eventually(lambda: pushes(world))
    assert json.loads(pushes(world)[0]["raw"])["assessment_status"]["value"] == "Justifacts Received"


def test_push_off_is_silent(world, eventually):
    number = world.place().json()["results"]["assessment_id"]
    assert world.sandbox.post(f"justifacts/orders/{number}/step")["pushed"] is False
    world.sandbox.post("settings", org=world.slug, push=True)
    assert world.sandbox.post(f"justifacts/orders/{number}/step")["pushed"] is True
    eventually(lambda: pushes(world))
    assert len(pushes(world)) == 1, "only the step after push was switched on"


def test_a_push_is_tried_again(world):
    world.sandbox.post(
        "settings", org=world.slug, push=True, push_on_start=False, push_retry_seconds=[0.01, 0.01]
    )
    answers = iter([(503, {}), (None, None), (200, {"success": True})])
    world.portal.told[world.slug, "assessment.update"] = lambda call: next(answers)
    number = world.place().json()["results"]["assessment_id"]
    answer = world.sandbox.post(f"justifacts/orders/{number}/step", wait=True)
    assert answer["push_answers"][0]["status"] == 200
    assert len(pushes(world)) == 3


def test_a_refused_push_is_not_tried_again(world):
    world.sandbox.post("settings", org=world.slug, push=True, push_on_start=False)
    world.portal.told[world.slug, "assessment.update"] = lambda call: (403, {"success": False})
    number = world.place().json()["results"]["assessment_id"]
    world.sandbox.post(f"justifacts/orders/{number}/step", wait=True)
    assert len(pushes(world)) == 1


def test_automatic_progress(world, eventually):
    world.sandbox.post("settings", org=world.slug, automatic=True, step_seconds=0.01)
    reference = str(uuid.uuid4())
    world.place(reference)
    order = eventually(lambda: (one := order_of(world, reference))["status"] == "Complete" and one)
    assert [line["status"] for line in order["history"]] == [
        "Justifacts Received",
        "Applicant Started",
        "In Process: Justifacts",
        "Complete",
    ]


def test_the_pages_show_and_move_an_order(world):
    number = world.place().json()["results"]["assessment_id"]
    base, session = f"{world.sandbox.url}/justifacts/{world.slug}/", world.sandbox.session
    assert number in session.get(base, timeout=5).text
    page = f"{base}orders/{number}"
    session.post(page, data={"do": "next"}, timeout=5)
    session.post(page, data={"do": "result", "word": "Adverse"}, timeout=5)
    text = session.get(page, timeout=5).text
    assert "Adverse" in text
    assert "failed" not in text.lower()
    session.post(f"{base}switches", data={"name": "status_call"}, timeout=5)
    assert world.justifacts("assessment.status", {}).status_code == 404
