"""The dialects of Ashby, as seen in raw HTTP, and switching dialects on and off."""

from __future__ import annotations

import json

import pytest


def test_an_id_always_becomes_the_same_number(org, use_dialect, portal):
    use_dialect("ashby", "numeric_ids")
    first = org.start(candidate={"email": "a@example.com"})
    org.start(application_id=first["application_id"])
    bodies = [json.loads(call["raw"]) for call in portal.calls(org.slug, "assessment.start")]
    for part in ("candidate", "application", "job"):
        ids = [body[part]["ashby_id"] for body in bodies]
        assert type(ids[0]) is int
        assert ids[0] == ids[1] or part == "candidate"
    jobs = {row["id"] for row in org.ashby("job.list", {"limit": 100}).json()["results"]}
    assert bodies[0]["job"]["ashby_id"] in jobs


def test_names_have_invisible_characters(org, use_dialect, portal):
    use_dialect("ashby", "dirty_names")
    org.start()
    candidate = json.loads(portal.calls(org.slug, "assessment.start")[0]["raw"])["candidate"]
    assert candidate["first_name"] != "Robin"
    assert "Robin" in candidate["first_name"]
    assert "@example.com" in candidate["email"]


def test_containers_statuses_and_job_names_have_unusual_values(org, use_dialect, portal):
    use_dialect("ashby", "empty_containers", "odd_statuses", "long_job_names")
    for _ in range(6):
        org.start()
    bodies = [json.loads(call["raw"]) for call in portal.calls(org.slug, "assessment.start")]
    assert all(body["job"]["hiringTeam"] in ("", None, [], {}, [None], "none") for body in bodies)
    assert all(body["additional_fields"] in ([], "", None, {}, [None]) for body in bodies)
    assert all(body["application"]["status"] != "Active" for body in bodies)
    assert all(len(body["job"]["name"]) >= 3000 for body in bodies)


def test_ids_of_the_portal_are_returned_in_capitals(org, use_dialect, portal, sandbox):
    use_dialect("ashby", "capital_ids")
    identifier = org.start()["assessment_id"]
    sandbox.post("ashby/cancel", org=org.slug, assessment_id=identifier)
    started, cancelled = (
        json.loads(portal.calls(org.slug, f"assessment.{name}")[0]["raw"]) for name in ("start", "cancel")
    )
    assert started["assessment_type_id"].isupper()
    assert cancelled["assessment_id"] == identifier.upper()


def test_a_call_lacks_a_content_type(org, use_dialect, portal):
    use_dialect("ashby", "no_content_type")
    org.start()
    assert "Content-Type" not in portal.calls(org.slug, "assessment.start")[0]["headers"]


def test_a_start_is_in_latin1_as_declared(org, use_dialect, portal):
    use_dialect("ashby", "latin1")
    org.start(candidate={"first_name": "Zoë", "last_name": "王"})
    call = portal.calls(org.slug, "assessment.start")[0]
    assert call["headers"]["Content-Type"] == "application/json;charset=ISO-8859-1"
    assert b"Zo\xeb" in call["raw"]
    assert rb"\u738b" in call["raw"]


def test_the_edge_answers_403_and_successes_have_warnings(org, use_dialect):
    use_dialect("ashby", "edge_403")
    answer = org.ashby("apiKey.info")
    assert (answer.status_code, answer.text) == (403, "error code: 1010")
    use_dialect("ashby", "warnings", "created_statuses")
    answer = org.ashby("apiKey.info")
    assert answer.status_code in (201, 202)
    assert answer.json()["warnings"]


def test_a_dialect_applies_to_its_organization_only(org, new_org, use_dialect, order):
    other_org = new_org()
    use_dialect("justifacts", "numeric_ids")
    assert type(org.place().json()["results"]["assessment_id"]) is int
    assert isinstance(other_org.place().json()["results"]["assessment_id"], str)


def test_equal_seeds_draw_equal_messages(org, use_dialect):
    def draw(seed: int) -> list[int]:
        use_dialect("justifacts", seed=seed, proxy_pages=0.5)
        return [org.justifacts("assessment.list").text.startswith("<") for _ in range(30)]

    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_ending_faults_leaves_the_other_traits(org, use_dialect, sandbox):
    use_dialect("justifacts", "proxy_pages", "unknown_codes_after", "numeric_ids")
    sandbox.post("dialect/end-faults")
    assert type(org.place().json()["results"]["assessment_id"]) is int


def test_the_record_of_a_call_names_the_fault(org, use_dialect, sandbox):
    use_dialect("justifacts", "proxy_pages")
    org.place()
    assert sandbox.get("calls", org=org.slug, limit=1)["calls"][0]["note"] == "dialect: proxy_pages"


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
def test_an_invalid_dialect_is_refused_with_the_field(sandbox, body, field):
    answer = sandbox.session.post(f"{sandbox.url}/control/dialect", json=body, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(field)


def test_the_dialects_page_explains_each_trait(org, sandbox):
    page = sandbox.session.get(f"{sandbox.url}/dialects", timeout=5).text
    for side, traits in sandbox.get("dialect")["traits"].items():
        for name, explanation in traits.items():
            assert f'value="{name}"' in page, side
            assert explanation in page.replace("&#39;", "'")


def test_the_dialects_page_switches_dialects_on_and_off(new_sandbox):
    sandbox = new_sandbox()
    form = {"side": "ashby", "trait": ["latin1", "warnings"], "seed": "3"}
    page = sandbox.session.post(f"{sandbox.url}/dialects", data=form, timeout=5)
    assert "Dialects on:" in page.text
    active = sandbox.get("dialect")["dialects"]
    assert active == [{"side": "ashby", "org": None, "traits": {"latin1": 1.0, "warnings": 0.5}, "seed": 3}]
    sandbox.post("orgs", slug="acme")
    sandbox.post("dialect", side="justifacts", org="acme", traits=["utf8_bom"])
    sandbox.session.post(f"{sandbox.url}/dialects/difficult-day", timeout=5)
    assert {one["org"] for one in sandbox.get("dialect")["dialects"]} == {None}
    assert {one["side"] for one in sandbox.get("dialect")["dialects"]} == {"ashby", "justifacts"}
    sandbox.session.post(f"{sandbox.url}/dialects/off", timeout=5)
    assert sandbox.get("dialect")["dialects"] == []
    invalid = sandbox.session.post(f"{sandbox.url}/dialects", data={**form, "seed": "three"}, timeout=5)
    assert (invalid.status_code, "a whole number" in invalid.text) == (400, True)
