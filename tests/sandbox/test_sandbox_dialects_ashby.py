"""Dialects: how Ashby writes, and the switch itself; a raw look at HTTP."""

from __future__ import annotations

import json

import pytest

# --- Ashby's calls and answers --------------------------------------------------------------------


def test_ids_of_a_start_are_always_the_same_numbers(world, speak, portal):
    speak("ashby", "numeric_ids")
    first = world.start(candidate={"email": "a@example.com"})
    world.start(application_id=first["application_id"])
    bodies = [json.loads(call["raw"]) for call in portal.calls(world.slug, "assessment.start")]
    for part in ("candidate", "application", "job"):
        ids = [body[part]["ashby_id"] for body in bodies]
        assert type(ids[0]) is int
        assert ids[0] == ids[1] or part == "candidate"
    jobs = {row["id"] for row in world.ashby("job.list", {"limit": 100}).json()["results"]}
    assert bodies[0]["job"]["ashby_id"] in jobs


def test_names_carry_what_a_paste_brings(world, speak, portal):
    speak("ashby", "dirty_names")
    world.start()
    person = json.loads(portal.calls(world.slug, "assessment.start")[0]["raw"])["candidate"]
    assert person["first_name"] != "Robin"
    assert "Robin" in person["first_name"]
    assert "@example.com" in person["email"]


def test_containers_statuses_and_job_names_are_odd(world, speak, portal):
    speak("ashby", "empty_containers", "odd_statuses", "long_job_names")
    for _ in range(6):
        world.start()
    bodies = [json.loads(call["raw"]) for call in portal.calls(world.slug, "assessment.start")]
    assert all(body["job"]["hiringTeam"] in ("", None, [], {}, [None], "none") for body in bodies)
    assert all(body["additional_fields"] in ([], "", None, {}, [None]) for body in bodies)
    assert all(body["application"]["status"] != "Active" for body in bodies)
    assert all(len(body["job"]["name"]) >= 3000 for body in bodies)


def test_the_portals_ids_come_back_in_capitals(world, speak, portal, sandbox):
    speak("ashby", "capital_ids")
    identifier = world.start()["assessment_id"]
    sandbox.post("ashby/cancel", org=world.slug, assessment_id=identifier)
    started, cancelled = (
        json.loads(portal.calls(world.slug, f"assessment.{name}")[0]["raw"]) for name in ("start", "cancel")
    )
    assert started["assessment_type_id"].isupper()
    assert cancelled["assessment_id"] == identifier.upper()


def test_calls_can_lack_a_content_type(world, speak, portal):
    speak("ashby", "no_content_type")
    world.start()
    assert "Content-Type" not in portal.calls(world.slug, "assessment.start")[0]["headers"]


def test_starts_are_in_latin1_as_declared(world, speak, portal):
    speak("ashby", "latin1")
    world.start(candidate={"first_name": "Zoë", "last_name": "王"})
    call = portal.calls(world.slug, "assessment.start")[0]
    assert call["headers"]["Content-Type"] == "application/json;charset=ISO-8859-1"
    assert b"Zo\xeb" in call["raw"]
    assert rb"\u738b" in call["raw"]


def test_the_edge_and_the_warnings(world, speak):
    speak("ashby", "edge_403")
    answer = world.ashby("apiKey.info")
    assert (answer.status_code, answer.text) == (403, "error code: 1010")
    speak("ashby", "warnings", "created_statuses")
    answer = world.ashby("apiKey.info")
    assert answer.status_code in (201, 202)
    assert answer.json()["warnings"]


# --- The switch -----------------------------------------------------------------------------------


def test_a_dialect_concerns_its_side_and_its_organization_only(world, new_world, speak, order):
    stranger = new_world()
    speak("justifacts", "numeric_ids")
    assert type(world.place().json()["results"]["assessment_id"]) is int
    assert isinstance(stranger.place().json()["results"]["assessment_id"], str)


def test_the_same_seed_draws_the_same(world, speak):
    def drawn(seed: int) -> list[int]:
        speak("justifacts", seed=seed, proxy_pages=0.5)
        return [world.justifacts("assessment.list").text.startswith("<") for _ in range(30)]

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_faults_can_be_ended_alone(world, speak, sandbox):
    speak("justifacts", "proxy_pages", "unknown_codes_after", "numeric_ids")
    sandbox.post("dialect/end-faults")
    assert type(world.place().json()["results"]["assessment_id"]) is int


def test_recorded_calls_name_the_trait(world, speak, sandbox):
    speak("justifacts", "proxy_pages")
    world.place()
    assert sandbox.get("calls", org=world.slug, limit=1)["calls"][0]["note"] == "dialect: proxy_pages"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "side"),
        ({"side": "nobody", "traits": []}, "side"),
        ({"side": "ashby", "traits": ["utf8_bom"]}, "traits"),
        ({"side": "ashby", "traits": "latin1"}, "traits"),
        ({"side": "ashby", "traits": {"latin1": 2}}, "traits"),
        ({"side": "ashby", "traits": {"latin1": True}}, "traits"),
        ({"side": "ashby", "traits": [], "seed": "x"}, "seed"),
        ({"side": "ashby", "trait": []}, "trait"),
        ({"preset": "easy_day"}, "preset"),
    ],
)
def test_a_wrong_dialect_is_refused_with_the_field(sandbox, body, field):
    answer = sandbox.session.post(f"{sandbox.url}/control/dialect", json=body, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(field)


def test_the_page_has_a_switch_for_each_trait_with_its_explanation(world, sandbox):
    page = sandbox.session.get(f"{sandbox.url}/dialects", timeout=5).text
    for side, traits in sandbox.get("dialect")["traits"].items():
        for name, words in traits.items():
            assert f'value="{name}"' in page, side
            assert words in page.replace("&#39;", "'")


def test_a_person_switches_a_dialect_on_and_has_a_difficult_day(new_sandbox):
    own = new_sandbox()
    form = {"side": "ashby", "trait": ["latin1", "warnings"], "seed": "3"}
    page = own.session.post(f"{own.url}/dialects", data=form, timeout=5)
    assert "Dialects on:" in page.text
    spoken = own.get("dialect")["dialects"]
    assert spoken == [{"side": "ashby", "org": None, "traits": {"latin1": 1.0, "warnings": 0.5}, "seed": 3}]
    own.post("orgs", slug="acme")
    own.post("dialect", side="justifacts", org="acme", traits=["utf8_bom"])
    own.session.post(f"{own.url}/dialects/difficult-day", timeout=5)
    assert {one["org"] for one in own.get("dialect")["dialects"]} == {None}
    assert {one["side"] for one in own.get("dialect")["dialects"]} == {"ashby", "justifacts"}
    own.session.post(f"{own.url}/dialects/off", timeout=5)
    assert own.get("dialect")["dialects"] == []
    refused = own.session.post(f"{own.url}/dialects", data={**form, "seed": "three"}, timeout=5)
    assert (refused.status_code, "a whole number" in refused.text) == (400, True)
