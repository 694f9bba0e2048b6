"""Connections that break, close, are shared and are never repeated on."""

import socket
from collections.abc import Iterator

import pytest
import requests
import responses

from integrations.http.errors import (
    NotSent,
    Unknown,
)
from tests.integrations.http.calling import KEY, OK, URL, post


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
