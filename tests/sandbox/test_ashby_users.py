"""What users of the stand-in Ashby do, and which calls the portal receives (docs/protocol.md)."""

from __future__ import annotations

import base64
import json
import time
import uuid

import pytest


def received(org, name: str) -> dict:
    (call,) = org.portal.calls(org.slug, name)
    return call


def test_the_base_url_is_joined_as_text_and_the_key_is_the_user_name(org):
    assert org.sandbox.post("ashby/list", org=org.slug)["status"] == 200
    call = received(org, "assessment.list")
    assert call["path"] == f"/{org.slug}/ashby//assessment.list"
    kind, _, encoded = call["headers"]["Authorization"].partition(" ")
    assert (kind, base64.b64decode(encoded).decode()) == ("Basic", f"{org.verification_key}:")
    assert call["headers"]["Content-Type"] == "application/json"
    assert json.loads(call["raw"]) == {}


def test_a_start_has_the_complete_body(org):
    application = org.info["applications"][1]
    answer = org.start(application_id=application["id"], additional_fields={"f1": "x"})
    body = json.loads(received(org, "assessment.start")["raw"])
    assert answer["status"] == 200
    assert set(body) == {"assessment_type_id", "candidate", "application", "job", "additional_fields"}
    assert set(body["candidate"]) == {"ashby_id", "first_name", "last_name", "email", "ashby_profile_url"}
    assert (body["candidate"]["first_name"], body["candidate"]["last_name"]) == ("Siobhán", "O'Brien")
    assert body["application"] == {"ashby_id": application["id"], "status": "Active"}
    assert {"ashby_id", "name", "ashby_job_url", "hiringTeam"} <= set(body["job"])
    assert set(body["job"]["hiringTeam"][0]) == {"userId", "firstName", "lastName", "email", "role"}


def test_the_update_request_is_the_first_status_on_the_card(org):
    one = org.assessment(org.start()["assessment_id"])
    assert one["status"] == "Sending to Justifacts"
    assert [line["status"] for line in one["history"]] == ["Sending to Justifacts"]
    assert org.ledger()["assessments"] == 1


def test_a_start_can_create_or_change_a_candidate(org):
    name = {"first_name": "Łucja", "last_name": "N'Dour", "email": "l@example.com"}
    answer = org.start(candidate=name)
    assert {key: answer["sent"]["candidate"][key] for key in name} == name
    repeated = org.start(application_id=answer["application_id"], candidate={"email": "new@example.com"})
    assert repeated["sent"]["candidate"]["email"] == "new@example.com"


def test_a_repeated_start_with_the_same_answer_creates_no_second_assessment(org):
    first = org.portal.default_answer("assessment.start", b"{}")
    org.portal.answers[org.slug, "assessment.start"] = lambda call: (200, first)
    application = org.info["applications"][0]["id"]
    org.start(application_id=application)
    answer = org.start(application_id=application)
    assert (answer["replayed"], answer["problems"], org.ledger()["assessments"]) == (True, [], 1)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, {"success": False, "message": "Already in progress since Monday."}),
        (422, {"message": "No package."}),
    ],
)
def test_the_portals_message_is_shown_on_the_card(org, status, body):
    org.portal.answers[org.slug, "assessment.start"] = lambda call: (status, body)
    application = org.info["applications"][0]["id"]
    session, page = org.sandbox.session, f"{org.sandbox.url}/ashby/{org.slug}/candidates/{application}"
    session.post(f"{page}/start", data={"assessment_type_id": "x"}, timeout=5)
    shown = session.get(f"{page}/card", timeout=5).text
    assert body["message"] in shown
    assert f"Not started ({status})" in shown


def test_a_failed_connection_is_explained(new_org):
    org = new_org(portal_url="http://127.0.0.1:1/ashby/")
    answer = org.sandbox.post("ashby/list", org=org.slug)
    assert (answer["status"], answer["error"]) == (
        None,
        "No connection to the portal. Is it running at this URL?",
    )


@pytest.mark.parametrize(
    ("results", "problem"),
    [
        ({"assessment_id": "JF-1"}, "assessment_id must be a UUID"),
        (
            {"assessment_id": str(uuid.uuid4()), "update_request": {"timestamp": 1}},
            "update_request: assessment_id",
        ),
        ([], "assessment_id must be a UUID"),
    ],
)
def test_an_answer_that_violates_the_protocol_is_counted(org, results, problem):
    org.portal.answers[org.slug, "assessment.start"] = lambda call: (
        200,
        {"success": True, "results": results},
    )
    assert problem in " ".join(org.start()["problems"])
    assert org.ledger()["bad_answers"] >= 1


def test_a_type_without_a_uuid_is_reported(org):
    rows = [{"assessment_type_id": "JF-PKG-1", "name": "Basic"}]
    org.portal.answers[org.slug, "assessment.list"] = lambda call: (200, {"success": True, "results": rows})
    assert org.sandbox.post("ashby/list", org=org.slug)["problems"]


def test_a_cancelled_assessment_stays_open_until_an_update_confirms_it(org):
    identifier = org.start()["assessment_id"]
    assert org.sandbox.post("ashby/cancel", org=org.slug, assessment_id=identifier)["status"] == 200
    assert json.loads(received(org, "assessment.cancel")["raw"]) == {"assessment_id": identifier}
    one = org.assessment(identifier)
    assert (one["cancelled_at"], bool(one["cancel_requested_at"])) == (None, True)


def test_a_call_can_have_an_arbitrary_body(org):
    org.sandbox.post("ashby/call", org=org.slug, name="assessment.start", raw="{no json")
    assert received(org, "assessment.start")["raw"] == b"{no json"


def test_a_redirect_is_not_followed(org):
    org.portal.answers[org.slug, "assessment.list"] = lambda call: (307, b"")
    assert org.sandbox.post("ashby/list", org=org.slug)["status"] == 307


def test_the_candidates_page_shows_the_card_and_no_keys(org, datum):
    application = org.info["applications"][0]
    identifier = org.start(application_id=application["id"])["assessment_id"]
    update = {
        "assessment_id": identifier,
        "timestamp": int(time.time() * 1000),
        "assessment_status": datum("status", "Complete"),
        "assessment_result": datum("result", "Adverse"),
        "assessment_profile_url": datum("report", "https://reports.example.com/9", "url"),
        "metadata": [datum("order", "JF-2026-7")],
    }
    assert org.ashby("assessment.update", update).json()["success"]
    page = f"{org.sandbox.url}/ashby/{org.slug}/candidates/{application['id']}"
    text = org.sandbox.session.get(page, timeout=5).text
    for expected in (
        "José",
        "Start Assessment",
        "Adverse",
        "JF-2026-7",
        "https://reports.example.com/9",
        "Raw calls",
    ):
        assert expected in text
    assert "failed" not in text.lower()
    assert org.verification_key not in text
    assert org.ashby_key not in text


def test_the_settings_page_tests_saves_and_deactivates_keys(org):
    session, page = org.sandbox.session, f"{org.sandbox.url}/ashby/{org.slug}/settings"
    session.post(f"{page}/test", data={"call": "assessment.list"}, timeout=5)
    assert "Connected: 1 assessment types." in session.get(page, timeout=5).text
    session.post(f"{page}/keys/0", timeout=5)
    assert org.ashby("apiKey.info").status_code == 403
    key = f"verify-{uuid.uuid4().hex}"
    session.post(page, data={"verification_key": key, "portal_url": org.config["portal_url"]}, timeout=5)
    text = session.get(page, timeout=5).text
    assert "Saved." in text
    assert key not in text
    assert f"••••{key[-4:]}" in text
    assert org.justifacts("assessment.list", key=key).status_code == 200
    assert org.justifacts("assessment.list").status_code == 403


def test_a_form_from_another_site_is_refused(org):
    page = f"{org.sandbox.url}/ashby/{org.slug}/settings/keys/0"
    answer = org.sandbox.session.post(page, headers={"Origin": "https://evil.example"}, timeout=5)
    assert answer.status_code == 403
    assert org.ashby("apiKey.info").status_code == 200
