"""Ashby's API: headers, keys, scopes, jobs and the rate limit (docs/protocol.md)."""

from __future__ import annotations

import uuid

import pytest


def test_every_answer_has_the_request_id_and_the_version(org):
    for answer in (
        org.ashby("apiKey.info"),
        org.ashby("apiKey.info", key="wrong-key"),
        org.ashby("nothing"),
    ):
        assert answer.headers["x-ashby-request-id"]
        assert answer.headers["Ashby-Version"] == "1"
        assert answer.headers["Ashby-Version-Status"] == "current"


@pytest.mark.parametrize(
    "agent", ["", "python-requests/2.32", "Python-urllib/3.11", "Python/3.11 aiohttp/3.14"]
)
def test_the_edge_refuses_an_empty_or_default_user_agent(org, agent):
    answer = org.ashby("apiKey.info", headers={"User-Agent": agent})
    assert (answer.status_code, answer.text) == (403, "error code: 1010")


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"Accept": "application/json"}, "Accept:"),
        ({"Accept": "*/*"}, "Accept:"),
        ({"Content-Type": "text/plain"}, "Content-Type:"),
    ],
)
def test_accept_and_content_type_are_required(org, headers, problem):
    answer = org.ashby("apiKey.info", headers=headers).json()
    assert answer["errors"] == ["invalid_input"]
    assert problem in answer["errorInfo"]["message"]


def test_a_missing_key_is_answered_401_and_a_wrong_or_deactivated_key_403(org):
    url = f"{org.sandbox.url}/ashby-api/apiKey.info"
    without_key = org.sandbox.session.post(url, json={}, headers={"User-Agent": "portal-test/1"}, timeout=5)
    assert (without_key.status_code, without_key.headers["WWW-Authenticate"]) == (401, 'Basic realm="Ashby"')
    assert org.ashby("apiKey.info", key="unknown-key").status_code == 403
    org.sandbox.post("orgs", slug=org.slug, ashby_keys=[{"key": org.ashby_key, "active": False}])
    assert org.ashby("apiKey.info").status_code == 403


def test_a_get_request_is_answered_405(org):
    answer = org.sandbox.session.get(
        f"{org.sandbox.url}/ashby-api/apiKey.info", headers={"User-Agent": "portal-test/1"}, timeout=5
    )
    assert answer.status_code == 405


def test_a_call_without_its_scope_is_refused(new_org):
    key = f"ashby-{uuid.uuid4().hex}"
    org = new_org(ashby_keys=[{"key": key, "title": "Few", "scopes": ["apiKeysRead"]}])
    assert org.ashby("apiKey.info", key=key).json()["results"]["scopes"] == ["apiKeys:read"]
    for name in ("assessment.update", "job.list"):
        answer = org.ashby(name, key=key)
        assert (answer.status_code, answer.json()["errors"]) == (403, ["missing_endpoint_permission"])
    org.sandbox.post("settings", org=org.slug, missing_scope_status=200)
    assert org.ashby("job.list", key=key).status_code == 200


def test_jobs_are_listed_in_pages(org):
    jobs, cursor = [], None
    while True:
        page = org.ashby("job.list", {"cursor": cursor} if cursor else {}).json()
        assert len(page["results"]) <= 3
        jobs += page["results"]
        if not page["moreDataAvailable"]:
            break
        cursor = page["nextCursor"]
    assert [job["id"] for job in jobs] == [job["id"] for job in org.info["jobs"]]
    assert len(org.ashby("job.list", {"limit": 100, "status": ["Open"]}).json()["results"]) == 5
    assert org.ashby("job.list", {"cursor": "bogus"}).json()["errors"] == ["invalid_cursor"]


def test_calls_above_the_rate_limit_are_answered_429(org):
    org.sandbox.post("settings", org=org.slug, rate_limit_per_minute=2)
    answers = [org.ashby("apiKey.info") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "5"
