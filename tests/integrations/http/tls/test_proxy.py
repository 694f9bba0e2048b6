"""Calls through a company's proxy (``OUTBOUND_PROXY_URL``), which shows certificates of a private authority
(``CA_BUNDLE``). Host names are resolved by the proxy alone: the one here is in no DNS."""

import base64
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integrations.http import client
from integrations.http.errors import NotSent, Unknown
from tests.integrations.http.calling import OK, post
from tests.integrations.http.sockets import read_request
from tests.integrations.http.tls.certificates import certificate, pem, server_context

CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"
#: A proxy that loses the server writes its own error into the tunnel, and a server may fail with an alert.
OUTSIDE_TLS = (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x50")
CREDENTIALS = base64.b64encode(b"portal:hidden").decode()

Proxy = Callable[..., list[bytes]]


@pytest.fixture
def proxy(settings, tmp_path: Path) -> Iterator[Proxy]:
    """Starts a proxy that answers CONNECT, and is then the server itself. Returns what it receives."""
    authority = certificate("The authority of the company")
    bundle = tmp_path / "authority.pem"
    bundle.write_bytes(pem(authority))
    settings.CA_BUNDLE = str(bundle)
    context = server_context(certificate("other.test", authority), tmp_path)
    # An earlier test's session of this thread has no proxy.
    client._sessions.__dict__.clear()
    with contextlib.ExitStack() as stack:

        def start(connect: bytes = CONNECTED, answer: bytes = OK) -> list[bytes]:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(10)
            settings.OUTBOUND_PROXY_URL = f"http://portal:hidden@127.0.0.1:{listener.getsockname()[1]}"
            received: list[bytes] = []
            arguments = (listener, connect, context, answer, received)
            thread = threading.Thread(target=_serve, args=arguments)
            thread.start()
            stack.callback(thread.join, 10)
            # Before the thread is joined: it may still wait for a connection.
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return received

        yield start
    client._sessions.__dict__.clear()


def _serve(
    listener: socket.socket, connect: bytes, context: ssl.SSLContext, answer: bytes, received: list[bytes]
) -> None:
    with contextlib.suppress(OSError):
        plain, _ = listener.accept()
        with plain:
            received.append(plain.recv(65536))
            plain.sendall(connect)
            if connect == CONNECTED:
                connection = context.wrap_socket(plain, server_side=True)
                received.append(read_request(connection))
                if answer in OUTSIDE_TLS:
                    os.write(connection.fileno(), answer)
                else:
                    connection.sendall(answer)
                connection.close()


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_call_goes_through_the_proxy_and_trusts_the_private_authority(
    proxy: Proxy, repeatable: bool
) -> None:
    received = proxy()
    assert post(repeatable=repeatable).body == {"success": True}
    connect, request = received
    assert connect.startswith(b"CONNECT other.test:443 HTTP/1.")
    assert f"Proxy-Authorization: Basic {CREDENTIALS}".encode() in connect
    assert request.startswith(b"POST /call HTTP/1.1")
    assert CREDENTIALS.encode() not in request, "the server is not to see the proxy's password"


def test_without_the_private_authority_nothing_is_sent(proxy: Proxy, settings) -> None:
    received = proxy()
    settings.CA_BUNDLE = ""
    with pytest.raises(NotSent, match="No secure connection to other"):
        post()
    assert len(received) == 1


def test_when_the_proxy_refuses_nothing_is_sent_and_its_password_is_not_shown(proxy: Proxy) -> None:
    received = proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(NotSent, match="The outbound proxy did not connect to other") as refused:
        post(repeatable=False)
    assert "hidden" not in str(refused.value)
    assert len(received) == 1


def test_when_the_proxy_is_down_nothing_is_sent(settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        settings.OUTBOUND_PROXY_URL = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(NotSent, match="No connection to other"):
        post(repeatable=False)


@pytest.mark.parametrize("answer", [b"", *OUTSIDE_TLS])
def test_a_connection_that_breaks_after_the_call_was_sent_leaves_its_outcome_unknown(
    proxy: Proxy, answer: bytes
) -> None:
    """Otherwise a placement that Justifacts has accepted would be sent again."""
    received = proxy(answer=answer)
    with pytest.raises(Unknown):
        post(repeatable=False)
    assert len(received) == 2


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[::1]", "2130706433", "portal.internal"])
def test_the_proxy_is_not_asked_for_a_private_address(proxy: Proxy, host: str) -> None:
    received = proxy()
    with pytest.raises(NotSent, match="is at a private address"):
        post(f"https://{host}/x")
    assert received == []


def test_an_allowed_host_is_called_without_the_proxy(proxy: Proxy, serve) -> None:
    received = proxy()
    url, requests = serve([OK])
    assert post(url, repeatable=False).body == {"success": True}
    assert (len(requests), received) == (1, [])
