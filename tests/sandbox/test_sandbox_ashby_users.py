"""What users of the stand-in Ashby do, and what the portal hears (docs/protocol.md)."""

from __future__ import annotations

import base64
import json
import time
import uuid

import pytest


def heard(world, name: str) -> dict:
    (call,) = world.portal.calls(world.slug, name)
    return call


def test_the_address_is_joined_naively_and_the_key_is_the_user_name(world):
    assert world.sandbox.post("ashby/list", org=world.slug)["status"] == 200
    call = heard(world, "assessment.list")
    assert call["path"] == f"/{world.slug}/ashby//assessment.list"
    kind, _, encoded = call["headers"]["Authorization"].partition(" ")
    assert (kind, base64.b64decode(encoded).decode()) == ("Basic", f"{world.verification_key}:")
    assert call["headers"]["Content-Type"] == "application/json"
    assert json.loads(call["raw"]) == {}


def test_a_start_carries_the_whole_body(world):
    application = world.info["applications"][1]
    answer = world.start(application_id=application["id"], additional_fields={"f1": "x"})
    body = json.loads(heard(world, "assessment.start")["raw"])
    assert answer["status"] == 200
    assert set(body) == {"assessment_type_id", "candidate", "application", "job", "additional_fields"}
    assert set(body["candidate"]) == {"ashby_id", "first_name", "last_name", "email", "ashby_profile_url"}
    assert (body["candidate"]["first_name"], body["candidate"]["last_name"]) == ("Siobhán", "O'Brien")
    assert body["application"] == {"ashby_id": application["id"], "status": "Active"}
    assert {"ashby_id", "name", "ashby_job_url", "hiringTeam"} <= set(body["job"])
    assert set(body["job"]["hiringTeam"][0]) == {"userId", "firstName", "lastName", "email", "role"}


def test_the_update_request_is_the_first_status_on_the_card(world):
    one = world.assessment(world.start()["assessment_id"])
    assert one["status"] == "Sending to Justifacts"
    assert [line["status"] for line in one["history"]] == ["Sending to Justifacts"]
    assert world.ledger()["assessments"] == 1


def test_a_candidate_of_ones_own(world):
    name = {"first_name": "Łucja", "last_name": "N'Dour", "email": "l@example.com"}
    answer = world.start(candidate=name)
    assert {key: answer["sent"]["candidate"][key] for key in name} == name
    again = world.start(application_id=answer["application_id"], candidate={"email": "new@example.com"})
    assert again["sent"]["candidate"]["email"] == "new@example.com"


def test_the_same_answer_again_is_no_second_assessment(world):
    first = world.portal.usual("assessment.start", b"{}")
    world.portal.told[world.slug, "assessment.start"] = lambda call: (200, first)
    application = world.info["applications"][0]["id"]
    world.start(application_id=application)
    answer = world.start(application_id=application)
    assert (answer["replayed"], answer["problems"], world.ledger()["assessments"]) == (True, [], 1)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, {"success": False, "message": "Already in progress since Monday."}),
        (422, {"message": "No package."}),
    ],
)
def test_the_portals_message_is_shown_on_the_card(world, status, body):
    world.portal.told[world.slug, "assessment.start"] = lambda call: (status, body)
    application = world.info["applications"][0]["id"]
    session, page = world.sandbox.session, f"{world.sandbox.url}/ashby/{world.slug}/candidates/{application}"
    session.post(f"{page}/start", data={"assessment_type_id": "x"}, timeout=5)
    shown = session.get(f"{page}/card", timeout=5).text
    assert body["message"] in shown
    assert f"Not started ({status})" in shown


def test_no_connection_is_said_in_words(new_world):
    world = new_world(portal_url="http://127.0.0.1:1/ashby/")
    answer = world.sandbox.post("ashby/list", org=world.slug)
    assert (answer["status"], answer["error"]) == (
        None,
        "No connection to the portal. Is it running at this address?",
    )


@pytest.mark.parametrize(
    ("results", "wanted"),
    [
        ({"assessment_id": "JF-1"}, "assessment_id must be a UUID"),
        (
            {"assessment_id": str(uuid.uuid4()), "update_request": {"timestamp": 1}},
            "update_request: assessment_id",
        ),
        ([], "assessment_id must be a UUID"),
    ],
)
def test_an_answer_that_breaks_the_protocol_is_noticed(world, results, wanted):
    world.portal.told[world.slug, "assessment.start"] = lambda call: (
        200,
        {"success": True, "results": results},
    )
    assert wanted in " ".join(world.start()["problems"])
    assert world.ledger()["bad_answers"] >= 1


def test_types_without_a_uuid_are_noticed(world):
    rows = [{"assessment_type_id": "JF-PKG-1", "name": "Basic"}]
    world.portal.told[world.slug, "assessment.list"] = lambda call: (200, {"success": True, "results": rows})
    assert world.sandbox.post("ashby/list", org=world.slug)["problems"]


def test_cancel_waits_for_the_update(world):
    identifier = world.start()["assessment_id"]
    assert world.sandbox.post("ashby/cancel", org=world.slug, assessment_id=identifier)["status"] == 200
    assert json.loads(heard(world, "assessment.cancel")["raw"]) == {"assessment_id": identifier}
    one = world.assessment(identifier)
    assert (one["cancelled_at"], bool(one["cancel_requested_at"])) == (None, True)


def test_any_body_can_be_sent(world):
    world.sandbox.post("ashby/call", org=world.slug, name="assessment.start", raw="{no json")
    assert heard(world, "assessment.start")["raw"] == b"{no json"


def test_redirects_are_not_followed(world):
    world.portal.told[world.slug, "assessment.list"] = lambda call: (307, b"")
    assert world.sandbox.post("ashby/list", org=world.slug)["status"] == 307


def test_the_card_page_shows_the_life_of_a_check(world, datum):
    application = world.info["applications"][0]
    identifier = world.start(application_id=application["id"])["assessment_id"]
    update = {
        "assessment_id": identifier,
        "timestamp": int(time.time() * 1000),
        "assessment_status": datum("status", "Complete"),
        "assessment_result": datum("result", "Adverse"),
        "assessment_profile_url": datum("report", "https://reports.example.com/9", "url"),
        "metadata": [datum("order", "JF-2026-7")],
    }
    assert world.ashby("assessment.update", update).json()["success"]
    page = f"{world.sandbox.url}/ashby/{world.slug}/candidates/{application['id']}"
    text = world.sandbox.session.get(page, timeout=5).text
    for words in (
        "José",
        "Start Assessment",
        "Adverse",
        "JF-2026-7",
        "https://reports.example.com/9",
        "Raw calls",
    ):
        assert words in text
    assert "failed" not in text.lower()
    assert world.verification_key not in text
    assert world.ashby_key not in text


def test_settings_save_test_and_switch_keys(world):
    session, page = world.sandbox.session, f"{world.sandbox.url}/ashby/{world.slug}/settings"
    session.post(f"{page}/test", data={"call": "assessment.list"}, timeout=5)
    assert "Connected: 1 assessment types." in session.get(page, timeout=5).text
    session.post(f"{page}/keys/0", timeout=5)
    assert world.ashby("apiKey.info").status_code == 403
    key = f"verify-{uuid.uuid4().hex}"
    session.post(page, data={"verification_key": key, "portal_url": world.config["portal_url"]}, timeout=5)
    text = session.get(page, timeout=5).text
    assert "Saved." in text
    assert key not in text
    assert f"••••{key[-4:]}" in text
    assert world.justifacts("assessment.list", key=key).status_code == 200
    assert world.justifacts("assessment.list").status_code == 403


def test_a_form_from_another_site_is_refused(world):
    page = f"{world.sandbox.url}/ashby/{world.slug}/settings/keys/0"
    answer = world.sandbox.session.post(page, headers={"Origin": "https://evil.example"}, timeout=5)
    assert answer.status_code == 403
    assert world.ashby("apiKey.info").status_code == 200
