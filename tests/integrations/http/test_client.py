"""Outbound calls: where they may go, what is read of an answer, and which outcome each answer has."""

import base64
import json
from typing import Any

import pytest
import responses

from integrations.http import client
from integrations.http.errors import (
    NotSent,
    Refused,
    Unauthorized,
    Unknown,
)
from tests.integrations.http.calling import KEY, OK, PRIVATE_OR_INVALID, URL, post


@pytest.mark.parametrize("url", [*PRIVATE_OR_INVALID, f"https://{'a' * 70}.test/x", ""])
@pytest.mark.parametrize("repeatable", [True, False])
def test_nothing_is_sent_to_a_private_or_invalid_url(url: str, repeatable: bool) -> None:
    with pytest.raises(NotSent) as raised:
        post(url, repeatable=repeatable)
    assert raised.value.message.endswith(".")
    assert raised.value.answer.status is None


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.1:{port}"])
def test_an_allowed_host_may_be_private_and_plain_http(serve, settings, entry: str) -> None:
    url, got = serve([OK])
    settings.OUTBOUND_ALLOWED_HOSTS = [entry.format(port=url.split(":")[2][:-2])]
    assert post(url, repeatable=False).body == {"success": True}
    assert got[0].startswith(b"POST /x HTTP/1.1\r\n")
    assert got[0].endswith('{"a": "é"}'.encode())


@pytest.mark.parametrize("entry", ["127.0.0.1:1", "other.test", "localhost", "27.0.0.1", "", "*"])
def test_an_allowed_host_allows_no_other_host_or_port(serve, settings, entry: str) -> None:
    url, _ = serve()
    settings.OUTBOUND_ALLOWED_HOSTS = [entry]
    with pytest.raises(NotSent):
        post(url)


def test_an_allowed_host_matches_in_any_case_and_at_its_default_port(wire, settings) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["Inside.Test:80"]
    wire.add(responses.POST, "http://inside.test/x", json={"success": True})
    assert post("http://INSIDE.test/x").body == {"success": True}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(wire, status: int) -> None:
    wire.add(responses.POST, URL, status=status, headers={"Location": "https://elsewhere.test/"})
    with pytest.raises(Unknown) as raised:
        post()
    assert raised.value.answer.status == status
    assert len(wire.calls) == 1


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_an_answer_of_one_megabyte_is_read_and_a_larger_one_is_unknown(wire, more: int, fits: bool) -> None:
    body = b'{"x": "' + b"x" * (client.ANSWER_BYTES - 9 + more) + b'"}'
    wire.add(responses.POST, URL, body=body)
    if fits:
        assert len(str(post().body["x"])) == client.ANSWER_BYTES - 9
    else:
        with pytest.raises(Unknown, match="more than 1048576 bytes"):
            post()


@pytest.mark.parametrize("body", ["", "<p>", "[]", "7", "null", "{}", b"\xff", "[" * 100_000, '{"a": NaN'])
def test_a_200_without_a_json_object_is_unknown(wire, body: Any) -> None:
    wire.add(responses.POST, URL, body=body)
    with pytest.raises(Unknown, match="unreadable"):
        post()


@pytest.mark.parametrize("escaped", [False, True])
def test_the_excerpt_contains_neither_the_key_nor_the_candidate(wire, escaped: bool) -> None:
    words = "Zoë O'NEIL, zoe@example.com, ann@elsewhere.example, " + KEY
    if escaped:
        words = words.encode("ascii", "backslashreplace").decode().replace("\\xeb", "\\u00eb")
    wire.add(responses.POST, URL, body=f'{{"success": false, "message": "{words}"}}', status=422)
    with pytest.raises(Refused) as raised:
        post(hide=("zoe@example.com", "Zoë", "O'Neil"))
    excerpt = raised.value.answer.excerpt
    for secret in ("Zoë", "neil", "@", KEY, "\\u00eb"):
        assert secret.lower() not in excerpt.lower()
    assert KEY not in raised.value.message
    assert "zoe@example.com" not in raised.value.message


@pytest.mark.parametrize("quoted", [f"{KEY}:", KEY, f"{KEY}:x", f"{KEY}0"])
def test_the_key_is_masked_when_an_answer_quotes_the_authorization_header(wire, quoted: str) -> None:
    header = "Basic " + base64.b64encode(quoted.encode()).decode()
    said = json.dumps({"success": False, "message": f"What is {header}?"})
    wire.add(responses.POST, URL, body=said, status=403, headers={"x-ashby-request-id": f"{header} {KEY}"})
    with pytest.raises(Unauthorized) as raised:
        post()
    answer = raised.value.answer
    for kept in (answer.excerpt, answer.request_id, raised.value.message, str(answer.body)):
        assert base64.b64encode(KEY.encode())[:12].decode() not in kept
        assert KEY not in kept


def test_an_excerpt_is_redacted_before_it_is_cut(wire) -> None:
    wire.add(responses.POST, URL, body="x" * (client.EXCERPT_CHARACTERS - 5) + KEY, status=500)
    with pytest.raises(Unknown) as raised:
        post()
    assert "key" not in raised.value.answer.excerpt
    assert len(raised.value.answer.excerpt) <= client.EXCERPT_CHARACTERS
