"""Malicious requests beyond a bad body: the answer is JSON in the envelope, never a page, and nothing
changes."""

import base64
import json
from typing import Any

import pytest

from assessments.models import InboundRequest
from integrations.models import Connection
from tests.fixtures.world import World, basic

START, LIST, PUSH = "/ashby/assessment.start", "/ashby/assessment.list", "/justifacts/assessment.update"


def assert_refused(world: World, answer: Any, status: int) -> str:
    code = world.error(answer)
    assert answer.status_code == status, answer.content
    assert world.row_counts() == (0, 0, 0)
    return code


@pytest.mark.parametrize(
    "header",
    [
        "{right}, {wrong}",
        "{wrong}, {right}",
        "{right},{right}",
        "{right} {right}",
        "{right}\t",
        "Basic",
        "Basic ",
        "Basic =",
        "Basic Og==",
        "Basic Ojo6",
        "Basic 0L/RgNC40LLQtdGCOg",
        "Bearer {key}",
        "{key}",
        "Token {key}",
        "Basic {key}",
        "Digest username={key}",
        "ünïcode",
        "Basic \ud800",
        "Basic " + "A" * 100_000,
        ", " * 50_000,
    ],
)
def test_manipulated_headers_do_not_authenticate(world: World, header: str) -> None:
    key = world.acme.verification_key
    right, wrong = basic(key), basic("a-guess")
    given = (
        header.format(right=right, wrong=wrong, key=key).encode("utf-8", "surrogatepass").decode("latin-1")
    )
    for path in (START, LIST, PUSH, "/ashby/nothing"):
        answer = world.call(path, world.start_body(), HTTP_AUTHORIZATION=given)
        if given.strip() == right:
            assert answer.status_code != 401, path
        else:
            assert answer.status_code in (401, 403), path
            assert_refused(world, answer, answer.status_code)
        assert key not in answer.content.decode()


@pytest.mark.parametrize("name", ["api_key", "key", "Authorization", "access_token"])
def test_a_key_outside_the_authorization_header_is_ignored(world: World, name: str) -> None:
    """Neither in the URL, which logs would keep, nor in the body, nor in another header."""
    key = world.acme.verification_key
    inside = {name: key, **world.start_body()}
    for how in (
        {"path": f"{START}?{name}={key}", "body": inside},
        {"path": START, "body": inside, "HTTP_X_API_KEY": key},
        {"path": START, "body": inside, "HTTP_PROXY_AUTHORIZATION": basic(key)},
        {"path": START, "body": inside, "HTTP_X_AUTHORIZATION": basic(key)},
        {"path": START, "body": inside, "HTTP_COOKIE": f"{name}={key}; sessionid={key}"},
    ):
        assert assert_refused(world, world.call(key="", **how), 401) == "not_authenticated"


def test_an_admin_session_does_not_authenticate(world: World, admin_client: Any) -> None:
    world.client = admin_client
    assert_refused(world, world.call(START, world.start_body(), key=""), 401)


@pytest.mark.parametrize("header", ["X_HTTP_METHOD_OVERRIDE", "X_METHOD_OVERRIDE", "X_HTTP_METHOD"])
def test_a_header_cannot_override_the_method(world: World, header: str) -> None:
    sent = {f"HTTP_{header}": "POST", "HTTP_AUTHORIZATION": basic(world.acme.verification_key)}
    body = json.dumps(world.start_body())
    for method in ("GET", "PUT", "HEAD", "DELETE"):
        answer = world.client.generic(method, START, body, content_type="application/json", **sent)
        assert answer.status_code == 405
    assert world.row_counts() == (0, 0, 0)
    assert world.call(LIST, {}, **{f"HTTP_{header}": "DELETE"}).status_code == 200


@pytest.mark.parametrize(
    "forged",
    [
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1, " * 5000},
        {"HTTP_X_FORWARDED_FOR": "\x00, ::1, [::1]:443, <script>, 1.2.3.4:99999"},
        {"HTTP_X_FORWARDED_HOST": "evil.test"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_FORWARDED": "for=127.0.0.1;host=evil.test;proto=https"},
        {"HTTP_X_REAL_IP": "127.0.0.1"},
        {"HTTP_X_ORIGINAL_URL": "/admin/", "HTTP_X_REWRITE_URL": "/admin/"},
        {"HTTP_ACCEPT_LANGUAGE": "../../etc, zz;q=9e99, " + "x" * 5000},
        {"HTTP_ACCEPT_ENCODING": "gzip;q=NaN"},
        {"HTTP_RANGE": "bytes=0-,0-,0-"},
        {"HTTP_EXPECT": "100-continue"},
        {"HTTP_CONTENT_ENCODING": "gzip"},
        {"HTTP_ORIGIN": "https://evil.test", "HTTP_REFERER": "https://evil.test/"},
        {"HTTP_IF_NONE_MATCH": "*", "HTTP_IF_MODIFIED_SINCE": "never"},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_forged_headers_neither_authenticate_nor_cause_errors(
    world: World, settings: Any, forged: dict[str, str]
) -> None:
    for hops in (0, 1, 3):
        settings.TRUSTED_PROXY_HOPS = hops
        assert_refused(world, world.call(START, world.start_body(), key="", **forged), 401)
        assert_refused(world, world.call(START, world.start_body(), key="a-guess", **forged), 403)
        answer = world.call(LIST, {}, **forged)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json"), hops
        assert b"evil" not in answer.content
        assert "Set-Cookie" not in answer.headers
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_unknown_host_is_refused_in_the_envelope(world: World) -> None:
    for host in ("evil.test", "", "a b", "[::1", "\x00", "x" * 3000, "localhost@evil.test"):
        assert_refused(world, world.call(START, world.start_body(), HTTP_HOST=host), 400)
        assert InboundRequest.objects.count() == 0, ascii(host)


def test_manipulated_paths_are_not_found(world: World) -> None:
    for path in (
        "/ashby%2fassessment.start",
        "/ashby/%2e%2e/ashby/assessment.start",
        "/ashby/assessment.start%00",
        "/ashby/assessment.start%0a",
        "/ashby/assessment.start;x=1",
        "/ashby/assessment.start%20",
        "/ashby/assessment.start%2f%2e",
        "/ashby/./assessment.start",
        "/ashby/assessment%2Estart%3Fa",
        "/ashby\\assessment.start",
        "/ASHBY/assessment.start",
        "/ashby;/assessment.start",
        "/justifacts/..;/ashby/assessment.start",
        "/ashby/%ff%fe",
        "/ashby/%c0%af",
        "/ashby/%ed%a0%80",
        "/ashby/" + "a/" * 4000,
        "/ashby/" + "%25" * 4000,
    ):
        answer = world.call(path, {})
        assert answer.status_code in (200, 400, 404), path[:40]
        assert answer.headers["Content-Type"] == "application/json", path[:40]
        assert world.row_counts() == (0, 0, 0), path[:40]
        if answer.status_code == 404:
            assert assert_refused(world, answer, 404) == "not_found", path[:40]


def test_the_answer_does_not_reveal_how_close_a_wrong_key_is(world: World) -> None:
    """One indexed look-up finds a key by its keyed hash: no comparison ends earlier for a key with the
    right beginning, and the statement contains no key."""
    key = world.acme.verification_key
    answers = [
        world.call(LIST, {}, key=guess)
        for guess in (key[:-1] + "x", "x" * len(key), key + "x", key[:5], key.upper(), key.swapcase())
    ]
    distinct = {(a.status_code, a.json()["errorInfo"]["message"]) for a in answers}
    assert len(distinct) == 1
    assert answers[0].status_code == 403
    assert not Connection.objects.exclude(last_inbound_call_at=None).exists()


def test_basic_credentials_without_a_colon_are_the_key(world: World) -> None:
    encoded = base64.b64encode(world.acme.verification_key.encode()).decode()
    answer = world.call(LIST, {}, HTTP_AUTHORIZATION=f"Basic {encoded}")
    assert (answer.status_code, len(answer.json()["results"])) == (200, 2)
