"""The stand-in Justifacts: its API, repeated orders, pushes, automatic progress and pages."""

from __future__ import annotations

import json
import uuid

import pytest


def order_of(org, reference: str) -> dict:
    return org.sandbox.get(f"justifacts/orders/{reference}")


@pytest.mark.parametrize("query", [False, True])
def test_both_forms_of_the_base_url_answer(org, query):
    rows = org.justifacts("assessment.list", query=query).json()["results"]
    assert {"assessment_type_id", "name", "description"} == set(rows[0])
    assert rows[0]["assessment_type_id"] == "JF-PKG-1001"


def test_a_missing_key_is_answered_401_and_a_wrong_key_403(org):
    url = f"{org.sandbox.url}/jfacts/servlet/application_ashby/assessment.list"
    assert org.sandbox.session.post(url, json={}, timeout=5).status_code == 401
    assert org.justifacts("assessment.list", key="nobody").status_code == 403
    assert org.justifacts("assessment.list", key=org.ashby_key).status_code == 403


def test_a_placed_order_is_found_by_reference_and_by_number(org):
    reference = str(uuid.uuid4())
    number = org.place(reference).json()["results"]["assessment_id"]
    assert number.startswith("JF-")
    order = order_of(org, reference)
    assert (order["id"], order["status"], order["starts_for_reference"]) == (number, "Justifacts Received", 1)
    assert order["body"]["candidate"]["last_name"] == "O'Neil"
    for query in ({"reference_id": reference}, {"assessment_id": number}):
        results = org.justifacts("assessment.status", query, query=True).json()["results"]
        assert (results["assessment_id"], results["reference_id"]) == (number, reference)
        assert results["assessment_status"]["value"] == "Justifacts Received"


def test_a_start_whose_idempotency_key_is_not_the_reference_is_refused(org):
    for headers in ({}, {"Idempotency-Key": "other"}):
        body = json.loads(org.place().request.body)
        assert org.justifacts("assessment.start", body, headers=headers).status_code == 400
    assert org.ledger()["orders"] == 2


def test_a_repeated_start_makes_a_second_order_and_is_counted(org):
    reference = str(uuid.uuid4())
    numbers = {org.place(reference).json()["results"]["assessment_id"] for _ in range(2)}
    ledger = org.ledger()
    assert (len(numbers), ledger["orders"], ledger["placed_twice"]) == (2, 2, 1)
    assert order_of(org, reference)["starts_for_reference"] == 2


def test_a_repeated_start_makes_no_second_order_if_idempotency_is_honoured(org):
    org.sandbox.post("settings", org=org.slug, honor_idempotency=True)
    reference = str(uuid.uuid4())
    numbers = {org.place(reference).json()["results"]["assessment_id"] for _ in range(2)}
    assert (len(numbers), org.ledger()["placed_twice"]) == (1, 0)


def test_an_invalid_start_is_refused(org):
    answer = org.place(package="JF-PKG-9")
    assert (answer.status_code, answer.json()["message"]) == (
        422,
        "This package is not available to your account.",
    )
    assert org.place(candidate={"first_name": "A"}).status_code == 400
    assert org.place(job=7).status_code == 400
    assert org.ledger()["orders"] == 0


def test_a_withdrawn_package_is_neither_listed_nor_sold(org):
    page = f"{org.sandbox.url}/justifacts/{org.slug}/packages"
    org.sandbox.session.post(page, data={"id": "JF-PKG-1001"}, timeout=5)
    rows = org.justifacts("assessment.list").json()["results"]
    assert "JF-PKG-1001" not in [row["assessment_type_id"] for row in rows]
    assert org.place().status_code == 422


def test_another_orgs_order_is_not_found(org, new_org):
    reference = str(uuid.uuid4())
    number = org.place(reference).json()["results"]["assessment_id"]
    other_org = new_org()
    for body in ({"assessment_id": number}, {"reference_id": reference}, {}):
        for name in ("assessment.status", "assessment.cancel"):
            assert other_org.justifacts(name, body).json()["errors"] == ["assessment_not_found"]


def test_an_order_moves_step_by_step_to_a_report(org):
    reference = str(uuid.uuid4())
    org.place(reference)
    steps = [org.sandbox.post(f"justifacts/orders/{reference}/step")["order"] for _ in range(3)]
    assert [one["status"] for one in steps] == ["Applicant Started", "In Process: Justifacts", "Complete"]
    assert steps[2]["result"] in ("Clear", "Review")
    timestamps = [one["timestamp"] for one in steps]
    assert timestamps == sorted(set(timestamps))
    report = org.sandbox.session.get(steps[2]["report_url"], timeout=5).text
    assert "Zoë O&#39;Neil" in report
    assert "failed" not in report.lower()
    after_the_end = org.sandbox.session.post(
        f"{org.sandbox.url}/control/justifacts/orders/{reference}/step", json={}, timeout=5
    )
    assert after_the_end.status_code == 409


def test_an_order_can_have_any_status_result_and_report(org):
    reference = str(uuid.uuid4())
    org.place(reference)

    def step(**change):
        org.sandbox.post(f"justifacts/orders/{reference}/step", **change)
        return org.justifacts("assessment.status", {"reference_id": reference}).json()["results"]

    assert step(status="Awaiting Court")["assessment_status"]["value"] == "Awaiting Court"
    done = step(result="Review", report_url=None)
    assert (done["assessment_status"]["value"], done["assessment_result"]["value"]) == ("Complete", "Review")
    assert "assessment_profile_url" not in done
    changed = step(result="Adverse")
    assert changed["assessment_result"]["value"] == "Adverse"
    assert changed["assessment_profile_url"]["type"] == "url"


def test_an_open_order_can_be_cancelled_and_a_complete_one_cannot(org):
    reference = str(uuid.uuid4())
    number = org.place(reference).json()["results"]["assessment_id"]
    for _ in range(2):
        assert org.justifacts("assessment.cancel", {"assessment_id": number}).json()["success"] is True
    order = order_of(org, reference)
    assert order["cancelled_reason"]
    assert order["cancel_requested_at"]
    results = org.justifacts("assessment.status", {"assessment_id": number}).json()["results"]
    assert "cancelled_reason" in results
    other = org.place().json()["results"]["assessment_id"]
    org.sandbox.post(f"justifacts/orders/{other}/step", result="Clear")
    assert org.justifacts("assessment.cancel", {"assessment_id": other}).json()["errors"] == [
        "already_complete"
    ]


def test_an_order_can_be_withdrawn(org):
    number = org.place().json()["results"]["assessment_id"]
    order = org.sandbox.post(f"justifacts/orders/{number}/step", cancelled_reason="No answer")["order"]
    assert order["cancelled_reason"] == "No answer"


def test_the_status_call_is_answered_404_when_it_is_off(org):
    org.place()
    org.sandbox.post("settings", org=org.slug, status_call=False)
    answer = org.justifacts("assessment.status", {"reference_id": "x"})
    assert (answer.status_code, answer.json()["errors"]) == (404, ["unknown_endpoint"])


def pushes(org) -> list[dict]:
    return org.portal.calls(org.slug, "assessment.update")


def test_a_push_contains_the_update_and_can_be_repeated(org):
    reference = str(uuid.uuid4())
    org.place(reference)
    answer = org.sandbox.post(f"justifacts/orders/{reference}/step", push=True, wait=True, repeat=2)
    assert [one["status"] for one in answer["push_answers"]] == [200, 200]
    first, second = pushes(org)
    assert first["path"] == f"/{org.slug}/justifacts/assessment.update"
    assert first["raw"] == second["raw"]
    body = json.loads(first["raw"])
    assert (body["reference_id"], body["assessment_status"]["value"]) == (reference, "Applicant Started")
    assert first["headers"]["Authorization"].startswith("Basic ")


def test_a_start_is_pushed_if_push_is_on(org, eventually):
    org.sandbox.post("settings", org=org.slug, push=True)
    org.place()
    eventually(lambda: pushes(org))
    assert json.loads(pushes(org)[0]["raw"])["assessment_status"]["value"] == "Justifacts Received"


def test_nothing_is_pushed_if_push_is_off(org, order):
    number, _ = order
    assert org.sandbox.post(f"justifacts/orders/{number}/step")["pushed"] is False
    # This push waits for earlier ones of the order, so that it would come second.
    org.sandbox.post(f"justifacts/orders/{number}/step", push=True, wait=True)
    (push,) = pushes(org)
    assert json.loads(push["raw"])["assessment_status"]["value"] == "In Process: Justifacts"


def test_a_failed_push_is_retried(org):
    org.sandbox.post(
        "settings", org=org.slug, push=True, push_on_start=False, push_retry_seconds=[0.01, 0.01]
    )
    answers = iter([(503, {}), (None, None), (200, {"success": True})])
    org.portal.answers[org.slug, "assessment.update"] = lambda call: next(answers)
    number = org.place().json()["results"]["assessment_id"]
    answer = org.sandbox.post(f"justifacts/orders/{number}/step", wait=True)
    assert answer["push_answers"][0]["status"] == 200
    assert len(pushes(org)) == 3


def test_a_refused_push_is_not_retried(org):
    org.sandbox.post("settings", org=org.slug, push=True, push_on_start=False)
    org.portal.answers[org.slug, "assessment.update"] = lambda call: (403, {"success": False})
    number = org.place().json()["results"]["assessment_id"]
    org.sandbox.post(f"justifacts/orders/{number}/step", wait=True)
    assert len(pushes(org)) == 1


def test_an_order_completes_by_automatic_progress(org, eventually):
    org.sandbox.post("settings", org=org.slug, automatic=True, step_seconds=0.01)
    reference = str(uuid.uuid4())
    org.place(reference)
    order = eventually(lambda: (one := order_of(org, reference))["status"] == "Complete" and one)
    assert [entry["status"] for entry in order["history"]] == [
        "Justifacts Received",
        "Applicant Started",
        "In Process: Justifacts",
        "Complete",
    ]


def test_the_pages_show_and_move_an_order(org):
    number = org.place().json()["results"]["assessment_id"]
    base, session = f"{org.sandbox.url}/justifacts/{org.slug}/", org.sandbox.session
    assert number in session.get(base, timeout=5).text
    page = f"{base}orders/{number}"
    session.post(page, data={"action": "next"}, timeout=5)
    session.post(page, data={"action": "result", "value": "Adverse"}, timeout=5)
    text = session.get(page, timeout=5).text
    assert "Adverse" in text
    assert "failed" not in text.lower()
    session.post(f"{base}switches", data={"name": "status_call"}, timeout=5)
    assert org.justifacts("assessment.status", {}).status_code == 404
