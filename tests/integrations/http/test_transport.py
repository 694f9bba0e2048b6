"""Connections: hosts that resolve to private addresses, slow and endless answers, compression bombs."""

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from integrations.http import client
from integrations.http.errors import NotSent, Unknown
from tests.integrations.http.sockets import read_request

Send = Callable[[socket.socket], None]


@pytest.fixture
def server(settings) -> Iterator[Callable[[Send], str]]:
    """Starts a server that reads one request and then runs ``send``. Returns its URL."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with contextlib.ExitStack() as stack:

        def start(send: Send) -> str:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=_answer, args=(listener, send))
            thread.start()
            stack.callback(thread.join, 20)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/x"

        yield start


def _answer(listener: socket.socket, send: Send) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        read_request(connection)
        send(connection)


def drip(before: bytes, byte: bytes) -> Send:
    def send(connection: socket.socket) -> None:
        connection.sendall(before)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            connection.sendall(byte)
            time.sleep(0.02)

    return send


def call(url: str) -> None:
    client.post(client.OutboundCall(url, {"a": 1}), key="key-0123456789")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("before", "byte"),
    [
        (b"", b"H"),
        (HEAD + b"X-Slow: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (HEAD + b"\r\n", b" "),
    ],
    ids=["status line", "header", "continue", "body", "chunks", "body without an end"],
)
def test_an_answer_that_arrives_byte_by_byte_times_out(server, settings, before: bytes, byte: bytes) -> None:
    """Each byte arrives within the read timeout, but the whole answer never does."""
    settings.OUTBOUND_ANSWER_SECONDS = 0.2
    url = server(drip(before, byte))
    began = time.monotonic()
    with pytest.raises(Unknown):
        call(url)
    assert time.monotonic() - began < 3


def test_a_webhooks_answer_that_arrives_byte_by_byte_times_out(server, settings) -> None:
    settings.OUTBOUND_ANSWER_SECONDS = 0.2
    with pytest.raises(Unknown):
        client.post_to_webhook(server(drip(HEAD + b"Content-Length: 100000\r\n\r\n", b" ")), {"a": 1})


def repeated(before: bytes, more: bytes) -> Send:
    """Sends without a pause and without an end, until the connection is closed."""

    def send(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(more)

    return send


@pytest.mark.parametrize(
    ("before", "more"),
    [
        (HEAD, b"X-More: 1\r\n"),
        (HEAD + b"X-Long: ", b"a" * 65536),
        (b"", b"HTTP/1.1 " * 1000),
        (HEAD + b"\r\n", b" " * 65536),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b" " * 4096 + b"\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: 1\r\n"),
    ],
    ids=["headers", "one header", "status line", "body", "chunks", "length of a chunk", "trailers"],
)
def test_an_endless_answer_is_unknown(server, settings, before: bytes, more: bytes) -> None:
    settings.OUTBOUND_ANSWER_SECONDS = 0.4
    began = time.monotonic()
    with pytest.raises(Unknown):
        call(server(repeated(before, more)))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_even_to_an_allowed_host(server, status: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.settimeout(0.05)
        target = b"http://127.0.0.1:%d/" % inside.getsockname()[1]
        body = b'{"success": true}'
        head = b"HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: %d\r\n\r\n"
        answer = head % (status, target, len(body)) + body
        with pytest.raises(Unknown, match=str(status)):
            call(server(lambda connection: connection.sendall(answer)))
        with pytest.raises(TimeoutError):
            inside.accept()


def test_a_gzip_bomb_is_unknown(server) -> None:
    packed = gzip.compress(b" " * 200_000_000, compresslevel=9)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with pytest.raises(Unknown, match="more than 1048576 bytes"):
        call(server(lambda connection: connection.sendall(head + packed)))


def test_a_gzip_bomb_in_several_layers_is_unknown(server) -> None:
    packed = b" " * 20_000_000
    for _ in range(3):
        packed = gzip.compress(packed)
    head = HEAD + b"Content-Encoding: gzip, gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with pytest.raises(Unknown, match="more than 1048576 bytes"):
        call(server(lambda connection: connection.sendall(head + packed)))


INSIDE = """
    0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1
    192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::a00:1 64:ff9b:1::a00:1 100::1
    2001::1 2001:db8::1 2002:7f00:1:: 2002:a00:1:: fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1
""".split()  # noqa: SIM905


@pytest.mark.parametrize("address", INSIDE)
def test_a_host_that_resolves_to_a_private_address_is_not_called(monkeypatch, address: str) -> None:
    """The owner of a domain decides to which addresses its names resolve."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def resolve(host: str, port: int, *args: object, **kwargs: object) -> list:
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "socket", None)
    with pytest.raises(NotSent, match="private address"):
        call("https://inside.test/x")


def test_the_resolved_address_that_was_checked_is_the_one_that_is_called(monkeypatch) -> None:
    """DNS rebinding: the name resolves to a public address first and to a private one a moment later."""
    asked, called = [], []

    def resolve(host: str, port: int, *args: object, **kwargs: object) -> list:
        asked.append(host)
        address = "127.0.0.1" if host == "turns.test" and asked.count(host) > 1 else "8.8.8.8"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
        called.append(address[0])
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with pytest.raises(NotSent):
        call("https://turns.test/x")
    assert (asked, called) == (["turns.test"], ["8.8.8.8"])


@pytest.mark.parametrize("addresses", [["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"]])
def test_only_the_public_addresses_of_a_host_are_called(monkeypatch, addresses: list[str]) -> None:
    called = []

    def resolve(host: str, port: int, *args: object, **kwargs: object) -> list:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def connect(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
        called.append(address[0])
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with pytest.raises(NotSent):
        call("https://both.test/x")
    assert set(called) <= {"8.8.8.8"}


def resolves_to(monkeypatch, *addresses: str) -> list[str]:
    """Every host name under .test resolves to these addresses. Returns the names that are looked up."""
    real, asked = socket.getaddrinfo, []

    def resolve(host: str, port: int, *args: object, **kwargs: object) -> list:
        if not host.endswith(".test"):
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [found for address in addresses for found in real(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize("dead", [("127.0.0.2",), ("::1", "127.0.0.2"), ("127.0.0.2", "127.0.0.3")])
def test_the_next_address_is_called_when_the_first_ones_refuse(server, settings, monkeypatch, dead) -> None:
    url = server(lambda connection: connection.sendall(HEAD + b'Content-Length: 16\r\n\r\n{"success":true}'))
    settings.OUTBOUND_ALLOWED_HOSTS = ["dual.test"]
    asked = resolves_to(monkeypatch, *dead, "127.0.0.1")
    call(url.replace("127.0.0.1", "dual.test"))
    assert asked == ["dual.test"], "the name is resolved once, so that the checked address is called"


def test_the_next_address_is_called_when_the_first_one_does_not_answer(server, settings, monkeypatch) -> None:
    """With a full backlog the kernel drops the SYN, as a firewall would."""
    settings.OUTBOUND_ALL_ADDRESSES_SECONDS = 2
    url = server(lambda connection: connection.sendall(HEAD + b'Content-Length: 16\r\n\r\n{"success":true}'))
    settings.OUTBOUND_ALLOWED_HOSTS = ["dual.test"]
    resolves_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.socket())
        silent.bind(("127.0.0.2", int(url.split(":")[2].split("/")[0])))
        silent.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())
        began = time.monotonic()
        call(url.replace("127.0.0.1", "dual.test"))
    assert 0.5 < time.monotonic() - began < 5


def test_a_call_to_a_host_without_a_live_address_is_not_sent(settings, monkeypatch) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["dual.test"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    resolves_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    with pytest.raises(NotSent, match=r"No connection to dual\.test"):
        call(f"http://dual.test:{port}/x")


def test_a_call_to_a_host_that_does_not_resolve_is_not_sent() -> None:
    with pytest.raises(NotSent, match=r"The name nowhere\.invalid is not known"):
        call("https://nowhere.invalid/x")


def test_public_addresses_are_tried_alternating_ipv4_and_ipv6_and_private_ones_never(monkeypatch) -> None:
    called = []
    addresses = ("10.0.0.1", "8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "::1")
    resolves_to(monkeypatch, *addresses)

    def connect(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
        called.append(address[0])
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with pytest.raises(NotSent, match="No connection"):
        call("https://both.test/x")
    assert called == ["8.8.8.8", "2001:4860:4860::8888", "8.8.4.4"]
