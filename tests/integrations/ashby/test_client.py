"""The outcomes of calls to Ashby."""

import json

import pytest
import requests

from integrations.ashby.client import (
    AshbyClient,
    AshbyJob,
    AssessmentNotFound,
    InvalidUpdate,
    warnings_of,
)
from integrations.http.errors import (
    Answer,
    CallFailed,
    NotSent,
    NotTheProtocol,
    ServerError,
    Unauthorized,
    UnclearRefusal,
    Unknown,
)
from tests.fixtures.world import basic

URL = "https://ashby.test"
UPDATE = {"assessment_id": "a", "timestamp": 1}


@pytest.fixture
def ashby() -> AshbyClient:
    return AshbyClient(URL, "key-of-acme")


def no(code: str, message: str = "") -> dict:
    return {"success": False, "errors": [code], "errorInfo": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (401, no("unauthorized"), Unauthorized),
        (403, no("forbidden"), Unauthorized),
        (403, no("never_seen"), Unauthorized),
        (403, {"message": "Forbidden"}, Unauthorized),
        (400, no("invalid_api_key"), Unauthorized),
        *[
            (status, page, NotTheProtocol)
            for status in (400, 401, 403, 404, 413, 422)
            for page in ({}, "error code: 1010", "<html>", "")
        ],
        (403, no("rate_limited"), ServerError),
        (200, no("generic_internal_error"), ServerError),
        (200, no("never_seen"), UnclearRefusal),
        (200, no("OrderNotFound"), AssessmentNotFound),
        (201, no("invalid_input"), InvalidUpdate),
        (200, no("missing_endpoint_permission"), Unauthorized),
        (200, no("unauthorized"), Unauthorized),
        (200, no("assessment_not_found"), AssessmentNotFound),
        (404, no("assessment_not_found"), AssessmentNotFound),
        (200, no("invalid_input"), InvalidUpdate),
        (200, {"success": False, "errors": ["invalid_input"]}, InvalidUpdate),
        (200, {"success": False, "errors": [{"message": "Bad", "parameter": "timestamp"}]}, InvalidUpdate),
        (400, {"success": False}, InvalidUpdate),
        (422, {"message": "Bad"}, InvalidUpdate),
        (429, {}, NotSent),
        (503, {}, NotSent),
        (408, {}, Unknown),
        (409, {}, Unknown),
        (425, {}, Unknown),
        (500, {}, Unknown),
        (502, "<html>", Unknown),
        (200, "<html>", Unknown),
        (200, no("internal_error"), Unknown),
        (200, {"success": False}, Unknown),
        (200, {"success": False, "errors": None, "errorInfo": None}, Unknown),
        (200, {"success": False, "errors": [7], "errorInfo": "text"}, Unknown),
        (200, {"success": 1}, Unknown),
        (200, {"results": {}}, Unknown),
        (200, requests.ReadTimeout(), Unknown),
        (200, requests.ConnectTimeout(), NotSent),
    ],
    ids=str,
)
def test_each_answer_of_ashby_has_its_outcome(ashby, wire, status, body, outcome) -> None:
    content = json.dumps(body) if isinstance(body, dict) else body
    wire.post(f"{URL}/assessment.update", body=content, status=status)
    with pytest.raises(CallFailed) as caught:
        ashby.update(UPDATE)
    assert isinstance(caught.value, outcome)
    assert caught.value.message
    assert "key-of-acme" not in caught.value.message


def test_a_failure_keeps_the_request_id_and_the_message(ashby, wire) -> None:
    headers = {"x-ashby-request-id": "01HZX"}
    wire.post(f"{URL}/assessment.update", json=no("invalid_input", "Too long."), headers=headers)
    with pytest.raises(InvalidUpdate) as caught:
        ashby.update(UPDATE)
    assert caught.value.answer.request_id == "01HZX"
    assert caught.value.code == "invalid_input"
    assert "Too long." in caught.value.message


def test_an_answer_that_quotes_the_key_and_the_candidate_is_masked(ashby, wire) -> None:
    echo = no("invalid_input", "Refused for zoe@example.com with key-of-acme.")
    wire.post(f"{URL}/assessment.update", json=echo)
    with pytest.raises(InvalidUpdate) as caught:
        ashby.update(UPDATE, hide=["zoe@example.com"])
    for text in (caught.value.message, caught.value.answer.excerpt):
        assert "zoe@example.com" not in text
        assert "key-of-acme" not in text
    assert "key-of-acme" not in repr(ashby)


def test_a_redirect_is_not_followed(ashby, wire) -> None:
    wire.post(f"{URL}/assessment.update", status=307, headers={"Location": "https://elsewhere.test/"})
    with pytest.raises(Unknown):
        ashby.update(UPDATE)
    assert len(wire.calls) == 1


def test_an_update_is_repeated_unchanged_when_the_connection_was_closed(ashby, wire) -> None:
    """An update is safe to repeat: same body, same timestamp."""
    wire.post(f"{URL}/assessment.update", body=requests.ConnectionError("reset"))
    wire.post(f"{URL}/assessment.update", json={"success": True})
    ashby.update(UPDATE)
    assert len({call.request.body for call in wire.calls}) == 1


@pytest.mark.parametrize(
    ("status", "warned"), [("current", 0), ("", 0), ("Deprecated", 1), ("sunset-soon", 1)], ids=str
)
def test_a_deprecated_version_warns_the_operator(ashby, wire, caplog, status, warned) -> None:
    headers = {"Ashby-Version": "1", "Ashby-Version-Status": status}
    wire.post(f"{URL}/assessment.update", json={"success": True}, headers=headers)
    ashby.update(UPDATE)
    assert len([r for r in caplog.records if "API version" in r.getMessage()]) == warned


def test_the_scopes_of_a_key_are_read(ashby, wire) -> None:
    results = {"title": "Justifacts", "createdAt": "2026-01-01", "scopes": ["candidates:write", "jobs:read"]}
    wire.post(f"{URL}/apiKey.info", json={"success": True, "results": results})
    info = ashby.key_info()
    assert (info.title, info.scopes) == ("Justifacts", ("candidates:write", "jobs:read"))
    assert info.may_update_candidates
    request = wire.calls[0].request
    assert request.headers["Authorization"] == basic("key-of-acme")
    assert json.loads(request.body) == {}


@pytest.mark.parametrize("results", [None, [], "text", {"scopes": "candidates:write"}, {"scopes": [None]}])
def test_a_key_without_readable_scopes_may_not_update_candidates(ashby, wire, results) -> None:
    wire.post(f"{URL}/apiKey.info", json={"success": True, "results": results})
    assert not ashby.key_info().may_update_candidates


def page(ids: list[str], cursor: str | None = None, **more: object) -> dict:
    jobs = [{"id": job_id, "title": f"Job {job_id}", "status": "Open"} for job_id in ids]
    following = {"moreDataAvailable": True, "nextCursor": cursor} if cursor else {"moreDataAvailable": False}
    return {"success": True, "results": jobs, **following, **more}


def test_jobs_are_read_from_all_pages(ashby, wire) -> None:
    for body in (page(["1", "2"], "c1"), page(["3"], "c2"), page(["4"])):
        wire.post(f"{URL}/job.list", json=body)
    listing = ashby.jobs()
    assert list(listing.entries) == ["1", "2", "3", "4"]
    assert listing.problem == ""
    assert [json.loads(call.request.body).get("cursor") for call in wire.calls] == [None, "c1", "c2"]


def test_a_repeated_cursor_makes_the_list_incomplete(ashby, wire) -> None:
    wire.post(f"{URL}/job.list", json=page(["1"], "c1"))
    listing = ashby.jobs()
    assert list(listing.entries) == ["1"]
    assert "does not say where it is" in listing.problem
    assert len(wire.calls) == 2


def test_a_cycle_of_cursors_makes_the_list_incomplete(ashby, wire) -> None:
    def answer(request) -> tuple[int, dict, str]:
        following = {"c1": "c2"}.get(json.loads(request.body).get("cursor"), "c1")
        return 200, {}, json.dumps(page(["1"], following))

    wire.add_callback("POST", f"{URL}/job.list", callback=answer)
    assert "does not say where it is" in ashby.jobs().problem


def test_a_job_with_empty_parts_has_empty_texts(ashby, wire) -> None:
    job = {"id": 7, "title": None, "status": ["Open"], "customRequisitionId": None}
    wire.post(f"{URL}/job.list", json={"success": True, "results": [job]})
    listing = ashby.jobs()
    assert listing.entries == {"7": AshbyJob("7", "", "", "")}
    assert listing.problem == ""


@pytest.mark.parametrize("results", [None, "text", {"id": "1"}, 7])
def test_results_that_are_no_list_fail_the_call(ashby, wire, results) -> None:
    wire.post(f"{URL}/job.list", json={"success": True, "results": results})
    with pytest.raises(Unknown):
        ashby.jobs()


@pytest.mark.parametrize("results", [[None], [7], [{"title": "no id"}], [{"id": " "}], [{"id": "x" * 201}]])
def test_an_entry_that_cannot_be_read_makes_the_list_incomplete(ashby, wire, results) -> None:
    wire.post(f"{URL}/job.list", json={"success": True, "results": [*results, {"id": "1"}]})
    listing = ashby.jobs()
    assert list(listing.entries) == ["1"]
    assert "cannot be read (1 of 2)" in listing.problem


@pytest.mark.parametrize(
    ("warnings", "kept"),
    [(["one", "two"], ["one", "two"]), (None, []), ("one", []), ([1], ["1"]), (["x" * 900], ["x" * 500])],
)
def test_warnings_are_read_and_cut(warnings, kept) -> None:
    assert warnings_of(Answer(body={"success": True, "warnings": warnings})) == kept
