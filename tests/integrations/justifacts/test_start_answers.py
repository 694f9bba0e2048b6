"""Answers to a start: which leave the outcome of the placement unknown, and which refuse the order."""

import json

import pytest
import requests
from urllib3.exceptions import ProtocolError

from integrations.http.errors import Refused, ServerError, Unauthorized, UnclearRefusal, Unknown
from integrations.justifacts.client import JustifactsClient
from integrations.partner_protocol.starts import Candidate, StartRequest

BASE = "https://justifacts.test/"
START = StartRequest("P-1", Candidate("Zoë", "O'Neil", "zoe@example.com"), {}, {}, {})
RESET = requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")))
ENVELOPE = {"success": True, "results": {"assessment_id": "JF-1"}}

UNKNOWN = [
    pytest.param({"body": requests.ReadTimeout("read timed out")}, id="read time-out"),
    pytest.param({"body": RESET}, id="reset"),
    pytest.param({"body": requests.exceptions.ChunkedEncodingError("broken")}, id="broken off"),
    *[pytest.param({"body": ENVELOPE, "status": s}, id=f"{s}") for s in (408, 425, 500, 502, 599)],
    *[pytest.param({"body": ENVELOPE, "status": s}, id=f"{s}") for s in (204, 304)],
    pytest.param(
        {"body": "", "status": 307, "headers": {"Location": "https://justifacts.test/x"}}, id="redirect"
    ),
    pytest.param({"body": "<html>Welcome</html>"}, id="a page"),
    *[
        pytest.param({"body": body, "status": s, "content_type": "text/html"}, id=f"{s} {body[:12]}")
        for s, body in (
            *(
                (s, "<!doctype html><title>HTTP Status 404 – Not Found</title>")
                for s in (400, 404, 405, 410, 422)
            ),
            *((s, body) for s in (401, 403, 404) for body in ("", "error code: 1010")),
        )
    ],
    *[
        pytest.param({"body": body, "status": 404}, id=body)
        for body in ('{"error": "Not Found"}', "[]", '["assessment_not_found"]', '"no"', '{"success": true}')
    ],
    *[
        pytest.param({"body": {"success": False, "errors": [code]}, "status": s}, id=f"{s} {code}")
        for s, code in (
            *((200, code) for code in ("generic_internal_error", "temporarily_unavailable", "TIMEOUT")),
            *((400, code) for code in ("generic_internal_error", "temporarily_unavailable")),
            (422, "too-many-requests"),
        )
    ],
    pytest.param({"body": {"success": False, "errors": ["err_5012"]}}, id="code never seen"),
    pytest.param({"body": {"success": False}}, id="no code"),
    pytest.param({"body": {"success": False, "errors": ["duplicate_reference"]}, "status": 409}, id="409"),
    pytest.param({"body": b"\xff\xfe\x00"}, id="garbage"),
    pytest.param({"body": ""}, id="empty"),
    pytest.param({"body": "[" * 100_000}, id="deep"),
    pytest.param({"body": "[1]"}, id="a list"),
    pytest.param({"body": {"success": "true", "results": {"assessment_id": "JF-1"}}}, id="success as text"),
    pytest.param({"body": {"success": True, "results": {}}}, id="no order number"),
    pytest.param({"body": {"success": True, "results": {"assessment_id": "  "}}}, id="blank number"),
    pytest.param({"body": {"success": True, "results": {"assessment_id": None}}}, id="null number"),
    pytest.param({"body": {"success": True, "results": {"assessment_id": True}}}, id="true as number"),
    pytest.param({"body": {"success": True, "results": [1]}}, id="results as a list"),
    pytest.param({"body": b'{"success": true, "x": "' + b"x" * 1024 * 1024 + b'"}'}, id="more than 1 MB"),
]


@pytest.mark.parametrize("answer", UNKNOWN)
def test_the_outcome_is_unknown(wire, answer) -> None:
    body = answer["body"]
    if isinstance(body, dict | list):
        answer = answer | {"body": json.dumps(body), "content_type": "application/json"}
    wire.post(f"{BASE}assessment.start", **answer)
    with pytest.raises(Unknown):
        JustifactsClient(BASE, "verify-key").start(START, "our-id")
    assert len(wire.calls) == 1, "the start is not repeated"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"success": False, "errors": ["invalid_package"]}, 200, Refused),
        ({"success": False, "errors": [{"parameter": "email", "message": "bad"}]}, 200, Refused),
        ({"success": False, "errors": ["never_seen"]}, 422, Refused),
        ({"success": False, "errors": ["never_seen"]}, 200, UnclearRefusal),
        ({"success": False}, 200, UnclearRefusal),
        ({"success": False, "message": "Closed on Sundays"}, 200, UnclearRefusal),
        ({"success": False, "errors": ["GENERIC_INTERNAL_ERROR"]}, 200, ServerError),
        ({"success": False, "error": "timeout"}, 200, ServerError),
        ({"success": False, "errors": ["generic-internal-error"]}, 400, ServerError),
        ({"success": False, "errors": ["duplicate_reference"]}, 409, UnclearRefusal),
        ({"success": False, "errors": ["duplicate_reference"]}, 200, UnclearRefusal),
        ({"success": False, "errors": ["forbidden"]}, 200, Unauthorized),
    ],
    ids=str,
)
def test_a_start_without_success_is_refused_or_unclear_by_its_code(wire, body, status, error) -> None:
    wire.post(f"{BASE}assessment.start", json=body, status=status)
    with pytest.raises(error) as raised:
        JustifactsClient(BASE, "verify-key").start(START, "our-id")
    assert type(raised.value) is error
