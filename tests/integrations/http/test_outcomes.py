"""The outcome of a call, by the status and body of its answer."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
import time_machine

from integrations.http import client
from integrations.http.errors import (
    NoAnswer,
    NotSent,
    NotTheProtocol,
    Refused,
    ServerError,
    Unauthorized,
    Unknown,
)
from integrations.http.outcomes import error_of
from tests.integrations.http.calling import KEY, URL, post

NO = {"success": False}
REFUSALS = (400, 402, 404, 405, 409, 410, 413, 415, 422, 451, 499)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *[(status, Refused) for status in REFUSALS],
        *[(status, Unauthorized) for status in (401, 403)],
        *[(status, NotSent) for status in (429, 503)],
        *[(status, Unknown) for status in (300, 304, 425, 500, 501, 502, 505, 520, 599, 600, 999)],
        *[(status, NoAnswer) for status in (408, 504)],
    ],
)
def test_each_http_status_has_its_outcome(wire, status: int, error: type) -> None:
    wire.add(responses.POST, URL, json=NO, status=status)
    with pytest.raises(error) as raised:
        post()
    assert type(raised.value) is error
    assert raised.value.answer.status == status


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206, 299])
def test_any_2xx_with_an_object_is_an_answer(wire, status: int) -> None:
    wire.add(responses.POST, URL, json={"success": True}, status=status)
    assert post().body == {"success": True}


@pytest.mark.parametrize(
    "body",
    [
        {"success": False},
        {"success": False, "results": None},
        {"errors": ["no"]},
        {"errors": [{"message": "no"}]},
        {"errorInfo": {"code": "no"}},
        {"message": "No."},
    ],
    ids=str,
)
@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_4xx_in_the_protocols_json_is_a_refusal(wire, status: int, body: dict[str, Any]) -> None:
    wire.add(responses.POST, URL, json=body, status=status)
    with pytest.raises(Refused):
        post()


TOMCAT = "<!doctype html><html><head><title>HTTP Status 404 – Not Found</title></head></html>"
SPRING = {"timestamp": "2026-03-02T09:00:00Z", "status": 404, "error": "Not Found", "message": ""}
CLOUDFLARE = {"type": "https://developers.cloudflare.com/", "title": "Error 1010", "detail": "Denied"}
NOT_THE_PROTOCOL = [
    *("", "   ", TOMCAT, "error code: 1010", "Not Found", "null", "7", "[]", '["no"]', "{}", '"no"'),
    *('{"error": "no"}', '{"success": true}', '{"message": " "}', '{"message": null}', '{"errors": []}'),
    *(json.dumps(SPRING), json.dumps(SPRING | {"message": "No message available", "path": "/a"})),
    *(
        json.dumps(SPRING | {"errors": [{"message": "bad"}]}),
        json.dumps(CLOUDFLARE),
        '{"success": fal',
        b"\xff\xfe",
    ),
]


@pytest.mark.parametrize("body", NOT_THE_PROTOCOL)
@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_4xx_with_any_other_body_is_not_the_protocol(wire, status: int, body: str | bytes) -> None:
    wire.add(responses.POST, URL, body=body, status=status, headers={"Retry-After": "7"})
    with pytest.raises(NotTheProtocol) as raised:
        post()
    assert raised.value.message.startswith(
        f"other.test answered {status} with a page that is not the protocol"
    )
    assert raised.value.retry_after == 7


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
@pytest.mark.parametrize("code", ["generic_internal_error", "TOO_MANY_REQUESTS", "temporarily-unavailable"])
def test_a_4xx_with_a_server_code_is_a_server_error(wire, status: int, code: str) -> None:
    wire.add(responses.POST, URL, json={"success": False, "errors": [code]}, status=status)
    with pytest.raises(ServerError):
        post()


@pytest.mark.parametrize(
    ("status", "body"), [(200, ""), (200, " \r\n"), (200, b"\xef\xbb\xbf"), (202, " "), (204, "")]
)
def test_a_2xx_without_a_body_is_an_answer_only_to_a_call_that_needs_none(wire, status: int, body) -> None:
    wire.add(responses.POST, URL, body=body, status=status)
    answer = client.post(client.OutboundCall(URL, {}, empty_is_success=True), key=KEY)
    assert (answer.status, answer.body) == (status, {})
    with pytest.raises(NotTheProtocol):
        post()


@pytest.mark.parametrize("body", ["<p>OK</p>", "OK", "[]", "null", "{}"])
def test_a_2xx_without_a_json_object_is_never_an_answer(wire, body: str) -> None:
    wire.add(responses.POST, URL, body=body)
    with pytest.raises(NotTheProtocol):
        client.post(client.OutboundCall(URL, {}, empty_is_success=True), key=KEY)


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("application/json;charset=ISO-8859-1", "latin-1"),
        ('application/json; charset="utf-16"', "utf-16"),
        ("application/json", "utf-8"),
        ("application/json", "utf-8-sig"),
        ("application/json; charset=UTF-8", "utf-8-sig"),
        ("text/html; charset=no-such-charset", "utf-8"),
        ("", "utf-8"),
    ],
)
def test_an_answer_is_read_in_its_declared_charset(wire, content_type: str, charset: str) -> None:
    body = '{"success": true, "name": "Zoë"}'.encode(charset)
    wire.add(responses.POST, URL, body=body, content_type=content_type)
    assert post().body == {"success": True, "name": "Zoë"}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"errorInfo": {"code": "no", "message": "Never."}, "errors": ["other"]}, "no", "Never."),
        ({"errors": ["Not-Now"]}, "not_now", "Not-Now"),
        ({"errors": [{"code": "NOT_NOW", "message": "Later."}]}, "not_now", "Later."),
        ({"errors": [{"message": "is bad", "parameter": "email"}]}, "invalid_parameter", "email: is bad"),
        ({"errors": {"code": "notNow"}}, "not_now", "notNow"),
        ({"error": "not now"}, "not_now", "not now"),
        ({"error": {"code": 17, "message": "Later."}}, "17", "Later."),
        ({"code": "orderNotFound"}, "assessment_not_found", "orderNotFound"),
        ({"message": " Later. "}, "", "Later."),
        ({"errors": [None], "errorInfo": [], "error": True, "message": 7}, "", ""),
        ({}, "", ""),
    ],
    ids=str,
)
def test_code_and_message_are_read_from_every_shape_of_error(
    body: dict[str, Any], code: str, message: str
) -> None:
    assert error_of(body) == (code, message)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("7.5", 7.5),
        ("0", 0),
        ("-5", 0),
        ("nan", 0),
        ("999999999", 999999999),
        ("inf", math.inf),
        ("Mon, 02 Mar 2026 09:02:00 GMT", 120),
        ("Mon, 02 Mar 2026 09:02:00 -0000", 120),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(wire, status: int, header: str, seconds: float | None) -> None:
    wire.add(responses.POST, URL, json={}, status=status, headers={"Retry-After": header})
    with (
        time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False),
        pytest.raises(NotSent) as raised,
    ):
        post()
    assert raised.value.retry_after == seconds
