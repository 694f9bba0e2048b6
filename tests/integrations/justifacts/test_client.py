"""Calls to Justifacts, and how their answers are read."""

import base64
import json
from typing import Any

import pytest
import responses

from integrations.http.errors import (
    NotTheProtocol,
    NotUnderstood,
    Refused,
    ServerError,
    Unauthorized,
    UnclearRefusal,
    Unknown,
)
from integrations.justifacts.client import JustifactsClient, OrderNotFound, SoldPackage, address
from integrations.partner_protocol.starts import Candidate, StartRequest

BASE = "https://justifacts.test/jfacts/servlet/application_ashby/"
KEY = "verify-ü-key"


@pytest.fixture
def client() -> JustifactsClient:
    return JustifactsClient(BASE, KEY)


def answers(wire: responses.RequestsMock, name: str, body: Any, status: int = 200) -> None:
    wire.add(responses.POST, f"{BASE}{name}", json=body, status=status)


def request() -> StartRequest:
    return StartRequest(
        "pkg/7 é", Candidate("Zoë", "O'Neil", "zoe@example.com"), {"ashby_id": "a"}, {"ashby_id": "j"}, {}
    )


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://j.test/servlet/application_ashby/", "https://j.test/servlet/application_ashby/NAME"),
        ("https://j.test/servlet/application_ashby", "https://j.test/servlet/application_ashby/NAME"),
        ("https://j.test/servlet/application_ashby///", "https://j.test/servlet/application_ashby/NAME"),
        ("https://j.test/servlet/application?ashby/", "https://j.test/servlet/application?ashby/NAME"),
        ("https://j.test/servlet/application?ashby", "https://j.test/servlet/application?ashby/NAME"),
        ("https://j.test/a?b=1&c=d/", "https://j.test/a?b=1&c=d/NAME"),
        ("https://j.test:8443", "https://j.test:8443/NAME"),
        ("https://j.test/a//b/../c/", "https://j.test/a//b/../c/NAME"),
    ],
)
def test_the_base_url_and_the_name_are_joined_as_text(base: str, url: str) -> None:
    assert address(base, "assessment.list") == url.replace("NAME", "assessment.list")


@pytest.mark.parametrize("base", ["https://j.test/application?ashby/", "https://j.test/application_ashby"])
def test_the_joined_url_is_called_unchanged(wire, base: str) -> None:
    url = f"{base.rstrip('/')}/assessment.list"
    wire.add(responses.POST, url, json={"success": True, "results": []})
    assert not JustifactsClient(base, KEY).packages().entries
    assert wire.calls[0].request.url == url


def test_the_key_is_the_basic_user_name_with_a_blank_password(client, wire) -> None:
    answers(wire, "assessment.list", {"success": True, "results": []})
    client.packages()
    headers = wire.calls[0].request.headers
    kind, credentials = headers["Authorization"].split()
    assert (kind, base64.b64decode(credentials).decode()) == ("Basic", f"{KEY}:")
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("AssessmentPortal/")
    assert json.loads(wire.calls[0].request.body) == {}
    assert KEY not in repr(client)


def test_packages_without_a_name_or_description_are_read(client, wire) -> None:
    answers(
        wire,
        "assessment.list",
        {
            "success": True,
            "results": [
                {"assessment_type_id": "P-1", "name": "Basic", "description": "The basic one"},
                {"assessment_type_id": 22, "name": None},
                {"name": "no id"},
                "what?",
                None,
            ],
        },
    )
    listing = client.packages()
    assert list(listing.entries.values()) == [
        SoldPackage("P-1", "Basic", "The basic one"),
        SoldPackage("22", "22", ""),
    ]
    assert "cannot be read (3 of 5)" in listing.problem


@pytest.mark.parametrize("results", [None, {}, "none", 3])
def test_results_that_are_no_list_are_unknown_and_not_an_empty_list(client, wire, results) -> None:
    answers(wire, "assessment.list", {"success": True, "results": results})
    with pytest.raises(Unknown):
        client.packages()


def test_a_start_carries_our_reference_in_the_body_and_as_idempotency_key(client, wire) -> None:
    answers(wire, "assessment.start", {"success": True, "results": {"assessment_id": " JF-1 "}})
    placed = client.start(request(), "our-id")
    assert (placed.justifacts_order_id, placed.update) == ("JF-1", None)
    sent = wire.calls[0].request
    assert sent.headers["Idempotency-Key"] == "our-id"
    assert json.loads(sent.body) == {
        "assessment_type_id": "pkg/7 é",
        "candidate": {"first_name": "Zoë", "last_name": "O'Neil", "email": "zoe@example.com"},
        "application": {"ashby_id": "a"},
        "job": {"ashby_id": "j"},
        "reference_id": "our-id",
    }


def test_an_unreadable_update_in_the_answer_does_not_lose_the_order(client, wire) -> None:
    results = {"assessment_id": "JF-1", "update_request": {"timestamp": "yesterday"}}
    answers(wire, "assessment.start", {"success": True, "results": results})
    placed = client.start(request(), "our-id")
    assert (placed.justifacts_order_id, placed.update) == ("JF-1", None)
    assert placed.not_understood is not None


STATUS = {"assessment_status": {"value": "Complete"}}


@pytest.mark.parametrize(
    "answered",
    [
        {"results": {"assessment_id": 7, **STATUS}},
        {"results": {"assessment_id": 7.0, **STATUS}},
        {"results": {"assessment_id": " 7 ", "assessment_status": "Complete"}},
        {"results": {**STATUS}},
        {"results": {"assessment_id": None, "reference_id": None, **STATUS}},
        {"results": [{"assessment_id": 7, **STATUS}]},
        {"results": {"update_request": {"assessment_id": 7, **STATUS}}},
        {"results": {"assessment_id": 7, "update": STATUS}},
        {"results": {"assessment": {"assessment_id": "7", **STATUS}}},
        {"assessment_id": 7, **STATUS},
    ],
)
def test_an_update_is_read_from_every_place_it_may_be_in(client, wire, answered) -> None:
    answers(wire, "assessment.status", {"success": True, **answered})
    found = client.status(justifacts_order_id="7")
    assert (found.justifacts_order_id, found.not_understood) == ("7", None)
    assert found.update is not None
    assert (found.update.assessment_id, found.update.status.value) == ("7", "Complete")


REFERENCE = "3f2b8c1e-0d6a-4a35-9a7e-5b1c2d3e4f50"


@pytest.mark.parametrize(
    "written",
    [
        REFERENCE.upper(),
        f"{{{REFERENCE.upper()}}}",
        f"urn:uuid:{REFERENCE}",
        REFERENCE.replace("-", ""),
        f" {REFERENCE} ",
        None,
        "",
        {},
        ...,
    ],
)
def test_our_reference_is_recognized_in_any_spelling(client, wire, written) -> None:
    results = {"assessment_id": 48213, **STATUS} | ({} if written is ... else {"reference_id": written})
    answers(wire, "assessment.status", {"success": True, "results": results})
    assert client.status(reference_id=REFERENCE).justifacts_order_id == "48213"


@pytest.mark.parametrize("written", [REFERENCE[:-1] + "1", "JF-1", 5, "x" * 300])
def test_an_answer_with_another_reference_is_not_understood(client, wire, written) -> None:
    results = {"assessment_id": 48213, "reference_id": written, **STATUS}
    answers(wire, "assessment.status", {"success": True, "results": results})
    with pytest.raises(NotUnderstood):
        client.status(reference_id=REFERENCE)


@pytest.mark.parametrize(
    ("charset", "encoding"), [("ISO-8859-1", "latin-1"), ("utf-16", "utf-16"), ("", "utf-8-sig")]
)
def test_an_answer_is_decoded_in_its_declared_charset(client, wire, charset, encoding) -> None:
    body = json.dumps({"success": True, "results": {"assessment_status": "Prüfung"}}, ensure_ascii=False)
    kind = f"application/json;charset={charset}" if charset else "application/json"
    wire.add(
        responses.POST, f"{BASE}assessment.status", body=body.encode(encoding), headers={"Content-Type": kind}
    )
    found = client.status(justifacts_order_id="7")
    assert found.update is not None
    assert found.update.status.value == "Prüfung"


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize(
    "code", ["assessment_not_found", "ASSESSMENT-NOT-FOUND", "assessmentNotFound", "order_not_found"]
)
def test_a_not_found_code_in_the_envelope_is_order_not_found(client, wire, status: int, code: str) -> None:
    info = {"code": code, "message": "No such order"}
    answers(wire, "assessment.status", {"success": False, "errorInfo": info}, status)
    with pytest.raises(OrderNotFound, match="No such order"):
        client.status(reference_id="our-id")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"success": False, "errors": ["something_else"]}, 200, UnclearRefusal),
        ({"success": False, "errors": ["not_found"]}, 200, Refused),
        ({"success": False, "errors": ["generic_internal_error"]}, 200, ServerError),
        ({"error": "assessment_not_found"}, 404, NotTheProtocol),
        ({"success": False, "errors": ["invalid_api_key"]}, 200, Unauthorized),
        ({"message": "Not found"}, 404, Refused),
        ({"success": False, "errors": ["assessment_not_found"]}, 500, Unknown),
        ({"success": False, "errors": ["assessment_not_found"]}, 403, Unauthorized),
        ({"success": True}, 200, NotUnderstood),
        ({"results": {"assessment_id": "JF-1"}}, 200, NotUnderstood),
    ],
)
def test_any_other_answer_to_a_look_up_is_not_order_not_found(client, wire, body, status, error) -> None:
    answers(wire, "assessment.status", body, status)
    with pytest.raises(error) as raised:
        client.status(reference_id="our-id")
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("asked", "sent", "results", "trusted"),
    [
        ({"reference_id": "r"}, {"reference_id": "r"}, {"assessment_id": "J", "reference_id": "r"}, True),
        ({"reference_id": "r"}, {"reference_id": "r"}, {"assessment_id": "J"}, True),
        ({"reference_id": "r"}, {"reference_id": "r"}, {"assessment_id": "J", "reference_id": "x"}, False),
        ({"justifacts_order_id": "J"}, {"assessment_id": "J"}, {"assessment_id": "J"}, True),
        ({"justifacts_order_id": "J"}, {"assessment_id": "J"}, {"assessment_id": "K"}, False),
        ({"justifacts_order_id": "7"}, {"assessment_id": "7"}, {"assessment_id": 7}, True),
    ],
)
def test_an_answer_about_another_order_is_unknown(client, wire, asked, sent, results, trusted) -> None:
    answers(wire, "assessment.status", {"success": True, "results": results})
    if trusted:
        assert client.status(**asked).justifacts_order_id == str(results["assessment_id"])
    else:
        with pytest.raises(Unknown):
            client.status(**asked)
    assert json.loads(wire.calls[0].request.body) == sent


def test_a_cancel_sends_the_order_number_and_may_be_refused(client, wire) -> None:
    answers(wire, "assessment.cancel", {"success": True})
    client.cancel("JF-1")
    assert json.loads(wire.calls[0].request.body) == {"assessment_id": "JF-1"}
    wire.replace(responses.POST, f"{BASE}assessment.cancel", json={"success": False, "errors": ["too_late"]})
    with pytest.raises(Refused, match="too_late"):
        client.cancel("JF-1")


@pytest.mark.parametrize("status", [200, 201, 202, 203])
def test_any_2xx_with_success_true_is_a_success(client, wire, status: int) -> None:
    answers(wire, "assessment.start", {"success": True, "results": {"assessment_id": "JF-1"}}, status)
    assert client.start(request(), "our-id").justifacts_order_id == "JF-1"


@pytest.mark.parametrize(("status", "body"), [(200, ""), (200, " \n"), (202, ""), (204, "")])
def test_a_2xx_without_a_body_is_a_success_for_a_cancel_only(client, wire, status: int, body: str) -> None:
    for name in ("cancel", "start", "status"):
        wire.add(responses.POST, f"{BASE}assessment.{name}", body=body, status=status)
    assert client.cancel("JF-1").status == status
    with pytest.raises(Unknown):
        client.start(request(), "our-id")
    with pytest.raises(Unknown):
        client.status(reference_id="our-id")


@pytest.mark.parametrize("status", [200, 409])
def test_an_order_that_is_cancelled_already_counts_as_cancelled(client, wire, status: int) -> None:
    answers(wire, "assessment.cancel", {"success": False, "errors": ["Already-Cancelled"]}, status)
    assert client.cancel("JF-1").status == status
