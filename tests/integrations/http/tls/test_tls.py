"""TLS certificates are verified: real handshakes with a local server, whose host name resolves to a public
address."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests.adapters
from urllib3.util import connection as urllib3_connection

from integrations.http import client
from integrations.http.errors import NotSent
from tests.integrations.http.sockets import read_request
from tests.integrations.http.tls.certificates import Certificate, certificate, pem, server_context

NAME = "other.test"
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"success":true}'

Serve = Callable[[Certificate], list[bytes]]


@pytest.fixture(scope="module")
def authority() -> Certificate:
    return certificate("The authority")


@pytest.fixture
def serve(authority: Certificate, tmp_path: Path, monkeypatch) -> Iterator[Serve]:
    """Starts a server for every host name, with this certificate. Returns the requests that it receives."""
    bundle = tmp_path / "authorities.pem"
    bundle.write_bytes(pem(authority))
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(bundle))
    connect = urllib3_connection.create_connection
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.settimeout(10)
        here = listener.getsockname()[:2]

        def resolve(host: str, port: int, *args: object, **kwargs: object) -> list:
            address = host if host == here[0] else "8.8.8.8"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        def connect_here(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
            assert address == ("8.8.8.8", 443)
            return connect(here, timeout=5)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(urllib3_connection, "create_connection", connect_here)

        def start(shown: Certificate) -> list[bytes]:
            got: list[bytes] = []
            context = server_context(shown, tmp_path)
            thread = threading.Thread(target=_answer, args=(listener, context, got))
            thread.start()
            stack.callback(thread.join, 10)
            return got

        yield start


def _answer(listener: socket.socket, context: ssl.SSLContext, got: list[bytes]) -> None:
    plain, _ = listener.accept()
    with plain, contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
        got.append(read_request(connection))
        connection.sendall(OK)


def test_a_server_with_a_valid_certificate_is_called(serve: Serve, authority: Certificate) -> None:
    got = serve(certificate(NAME, authority))
    answer = client.post(client.OutboundCall(f"https://{NAME}/x", {"a": 1}), key="key-0123456789")
    assert answer.body == {"success": True}
    assert f"Host: {NAME}\r\n".encode() in got[0]


def test_the_certificate_is_verified_at_the_second_address_too(
    serve: Serve, authority: Certificate, monkeypatch
) -> None:
    """The certificate is verified against the host name, not the IP address."""
    got = serve(certificate(NAME, authority))
    connect_here, called = urllib3_connection.create_connection, []

    def resolve(host: str, port: int, *args: object, **kwargs: object) -> list:
        if host != NAME:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        both = ("8.8.4.4", "8.8.8.8")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in both]

    def connect(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
        called.append(address[0])
        if address[0] == "8.8.4.4":
            raise TimeoutError
        return connect_here(address)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(urllib3_connection, "create_connection", connect)
    answer = client.post(client.OutboundCall(f"https://{NAME}/x", {"a": 1}), key="key-0123456789")
    assert answer.body == {"success": True}
    assert called == ["8.8.4.4", "8.8.8.8"]
    assert f"Host: {NAME}\r\n".encode() in got[0]


@pytest.mark.parametrize("wrong", ["self-signed", "for another host", "expired", "of an unknown authority"])
def test_nothing_is_sent_to_a_server_with_an_invalid_certificate(
    serve: Serve, authority: Certificate, wrong: str
) -> None:
    shown = {
        "self-signed": lambda: certificate(NAME),
        "for another host": lambda: certificate(f"evil.{NAME}", authority),
        "expired": lambda: certificate(NAME, authority, days=-1),
        "of an unknown authority": lambda: certificate(NAME, certificate("Another authority")),
    }[wrong]
    got = serve(shown())
    with pytest.raises(NotSent, match="No secure connection to other"):
        client.post_to_webhook(f"https://{NAME}/x", {"a": 1})
    assert got == []


def test_an_allowed_host_needs_a_valid_certificate_too(
    serve: Serve, authority: Certificate, settings
) -> None:
    """``OUTBOUND_ALLOWED_HOSTS`` allows private hosts; it does not switch off verification."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["8.8.8.8"]
    got = serve(certificate(NAME, authority))
    with pytest.raises(NotSent, match="No secure connection"):
        client.post(client.OutboundCall("https://8.8.8.8/x", {"a": 1}), key="key-0123456789")
    assert got == []
