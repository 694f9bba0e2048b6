"""Outbound calls: where they may go, what is read of an answer, and which outcome each answer has."""

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses

from config.logs import logging_config
from integrations.http import client, transport
from integrations.http.errors import (
    Answer,
    NoAnswer,
    NotSent,
    NotTheProtocol,
    Refused,
    ServerError,
    Unauthorized,
    Unknown,
)
from integrations.http.outcomes import error_of
from tests.integrations.http.sockets import read_request

KEY = "key-0123456789"
URL = "https://other.test/call"
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"success":true}'


def post(url: str = URL, *, repeatable: bool = True, hide: tuple[str, ...] = ()) -> Answer:
    return client.post(client.OutboundCall(url, {"a": "é"}, is_repeatable=repeatable, hide=hide), key=KEY)


@pytest.fixture
def serve(settings) -> Iterator[Callable[..., tuple[str, list[bytes]]]]:
    """Starts a server with one script a connection: a list of answers, after which it closes the connection.
    Returns the server's URL and the requests that it receives."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with contextlib.ExitStack() as stack:

        def start(*scripts: list[bytes]) -> tuple[str, list[bytes]]:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(10)
            got: list[bytes] = []
            thread = threading.Thread(target=_serve, args=(listener, scripts, got))
            thread.start()
            stack.callback(thread.join, 10)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/x", got

        yield start
    client._sessions.__dict__.clear()


def _serve(listener: socket.socket, scripts: tuple[list[bytes], ...], got: list[bytes]) -> None:
    for script in scripts:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(ConnectionError):
            connection.settimeout(10)
            for answer in script:
                got.append(read_request(connection))
                connection.sendall(answer)


PRIVATE_OR_INVALID = """
    https://127.0.0.1/x https://127.1.2.3:8443/x https://localhost/x https://0.0.0.0/x https://10.0.0.1/x
    https://[::1]/x https://[::ffff:127.0.0.1]/x https://[fe80::1]/x https://[fd00:ec2::254]/x
    https://172.16.0.1/x https://192.168.1.1/x https://100.64.0.1/x https://224.0.0.1/x
    https://169.254.169.254/latest/meta-data/ https://2130706433/x https://0x7f000001/x
    http://8.8.8.8/x http://127.0.0.1/x ftp://8.8.8.8/x file:///etc/passwd
    https:///x https://other.test:99999/x https://other.test:port/x https://[bad/x https://a..b/x
""".split()  # noqa: SIM905


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


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_connection_that_breaks_within_the_answer_is_unknown(serve, repeatable: bool) -> None:
    url, got = serve([OK[:-4]])
    with pytest.raises(Unknown):
        post(url, repeatable=repeatable)
    assert len(got) == 1


@pytest.mark.parametrize(
    "broken",
    [
        requests.exceptions.SSLError("bad record mac"),
        requests.ConnectionError("HTTPSConnectionPool(host='resolve.test'): Read timed out."),
        requests.exceptions.ContentDecodingError("not gzip"),
        requests.exceptions.ChunkedEncodingError("IncompleteRead"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_after_the_answer_has_begun_is_unknown_and_not_repeated(
    wire, monkeypatch, broken: Exception
) -> None:
    """A placement that was answered in part may have been accepted."""

    def breaks(*args: object) -> Iterator[bytes]:
        yield b'{"success": '
        raise broken

    monkeypatch.setattr(requests.Response, "iter_content", breaks)
    wire.add(responses.POST, URL, json={"success": True})
    with pytest.raises(Unknown):
        post(repeatable=False)
    with pytest.raises(Unknown):
        post()
    assert len(wire.calls) == 2, "a call that was answered in part is not repeated"


def test_a_refused_connection_is_not_sent(settings) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSent, match="No connection"):
        post(f"http://127.0.0.1:{port}/x", repeatable=False)


def test_a_repeatable_call_is_repeated_when_its_kept_alive_connection_was_closed(serve) -> None:
    url, got = serve([OK], [OK])
    for _ in range(2):
        assert post(url).status == 200
    assert len(got) == 2


def test_repeatable_calls_share_a_connection(serve) -> None:
    url, got = serve([OK, OK, OK])
    for _ in range(3):
        assert post(url).status == 200
    assert len(got) == 3


def test_a_repeatable_call_is_made_at_most_twice(serve) -> None:
    url, got = serve([b""], [b""], [OK])
    with pytest.raises(Unknown, match="closed the connection without an answer"):
        post(url)
    assert len(got) == 2
    assert post(url).status == 200


def test_a_call_that_is_not_repeatable_opens_its_own_connection_and_is_made_once(serve) -> None:
    url, got = serve([OK], [b""], [OK])
    assert post(url, repeatable=False).status == 200
    with pytest.raises(Unknown, match="closed the connection without an answer"):
        post(url, repeatable=False)
    assert len(got) == 2
    assert post(url, repeatable=False).status == 200


def test_the_machines_proxies_and_netrc_are_ignored(serve, monkeypatch, tmp_path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login stranger password stranger\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    url, got = serve([OK])
    assert post(url, repeatable=False).status == 200
    assert requests.auth._basic_auth_str(KEY, "").encode() in got[0]


HOOK = "https://hooks.test/services/T000/very-secret-path?token=very-secret"


class TestWebhooks:
    @pytest.mark.parametrize(("status", "body"), [(200, "ok"), (200, ""), (204, ""), (201, "[]")])
    def test_any_2xx_is_a_success_whatever_its_body(self, wire, status: int, body: str) -> None:
        wire.add(responses.POST, HOOK, body=body, status=status)
        client.post_to_webhook(HOOK, {"text": "é"})
        (call,) = wire.calls
        assert call.request.body == '{"text": "é"}'.encode()
        assert "Authorization" not in call.request.headers
        assert call.request.headers["User-Agent"] == transport.USER_AGENT

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ('{"message": "no very-secret-path here"}', 404, Refused),
            ("very-secret-path", 403, Unauthorized),
            ("very-secret-path", 429, NotSent),
            ("very-secret-path", 500, Unknown),
            ("very-secret-path", 302, Unknown),
            (b"x" * (client.ANSWER_BYTES + 1), 200, Unknown),
            (requests.ConnectTimeout(HOOK), 200, NotSent),
            (requests.exceptions.SSLError(HOOK), 200, NotSent),
            (requests.ReadTimeout(HOOK), 200, Unknown),
            (requests.ConnectionError(HOOK), 200, Unknown),
        ],
    )
    def test_an_error_names_the_host_and_nothing_else_of_the_url(
        self, wire, caplog, body: Any, status: int, error: type
    ) -> None:
        caplog.set_level("DEBUG")
        wire.add(responses.POST, HOOK, body=body, status=status)
        with pytest.raises(error) as raised:
            client.post_to_webhook(HOOK, {"text": "x"})
        assert "hooks.test" in raised.value.message
        assert "very-secret" not in raised.value.message + raised.value.answer.excerpt + caplog.text
        assert raised.value.__cause__ is None

    @pytest.mark.parametrize(
        "url",
        [
            *PRIVATE_OR_INVALID,
            "http://user:very-secret@hooks.test/very-secret",
            "hooks.test/very-secret",
            "very-secret:very-secret",
            "",
        ],
    )
    def test_nothing_is_sent_to_a_private_or_plain_http_webhook(self, url: str) -> None:
        with pytest.raises(NotSent) as raised:
            client.post_to_webhook(url, {"text": "x"})
        assert "very-secret" not in raised.value.message

    def test_urllib3_does_not_log_the_path_of_a_webhook(self, serve, caplog) -> None:
        """At level DEBUG urllib3 logs the path of every call."""
        assert logging_config("DEBUG", as_json=False)["loggers"]["urllib3"]["level"] == "INFO"
        url, got = serve([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
        client.post_to_webhook(url, {"text": "x"})
        assert got[0].startswith(b"POST /x HTTP/1.1\r\n")
