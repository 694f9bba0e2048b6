"""The reverse proxies' files, each run by the real proxy in front of two web hosts that have one thread."""

import contextlib
import http.client
import shutil
import socket
import ssl
import subprocess  # nosec B404 # the test starts the proxies
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from integrations.web.queue_time import QueueClock
from tests.e2e.portal.processes import ROOT, eventually, free_port
from tests.fixtures.servers.services import missing
from tests.integrations.http.tls.certificates import certificate, pem, server_context

LARGE = b"x" * 500_000
START, PAGE = "/ashby/assessment.start", "/ashby/assessment.list"

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("services")]


class WebHost(HTTPServer):
    """One thread and no kept-alive connections: a caller that occupies it stops all others."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.received: list[tuple[str, dict[str, str]]] = []


class _Handler(BaseHTTPRequestHandler):
    server: WebHost

    def do_GET(self) -> None:
        if self.path == "/health/ready":
            self._answer(200, b"{}")
        else:
            self._answer(200, LARGE)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(
            (self.path, {name.lower(): value for name, value in self.headers.items()})
        )
        self._answer(self.server.status, b'{"success": true}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


class Proxy:
    """A proxy that runs, and a caller of it."""

    def __init__(self, port: int, hosts: list[WebHost]) -> None:
        self.port, self.hosts = port, hosts

    def connect(self) -> ssl.SSLSocket:
        context = ssl._create_unverified_context()  # nosec B323 # noqa: S323 - a certificate of this test
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return context.wrap_socket(plain, server_hostname="portal.example.com")

    def post(self, path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection("portal.example.com", timeout=8)
        connection.sock = self.connect()
        with contextlib.closing(connection):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST", path, b'{"a": 1}', {"Content-Type": "application/json", **named})
            return connection.getresponse().status

    @property
    def received(self) -> list[tuple[str, dict[str, str]]]:
        return [each for host in self.hosts for each in host.received]


def nginx(folder: Path, port: int, addresses: list[str]) -> list[str]:
    text = _configuration("nginx.conf", folder, port, addresses)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "all.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/log; events {{}} "
        f"http {{ access_log off; {temporary} {text} }}"
    )
    return ["nginx", "-c", str(folder / "all.conf")]


def haproxy(folder: Path, port: int, addresses: list[str]) -> list[str]:
    (folder / "haproxy.cfg").write_text(_configuration("haproxy.cfg", folder, port, addresses))
    return ["haproxy", "-f", str(folder / "haproxy.cfg")]


def caddy(folder: Path, port: int, addresses: list[str]) -> list[str]:
    text = _configuration("Caddyfile", folder, port, addresses)
    site = f"https://portal.example.com:{port} {{\n\ttls {folder}/server.pem {folder}/server.pem"
    text = text.replace("portal.example.com {", site)
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def _configuration(name: str, folder: Path, port: int, addresses: list[str]) -> str:
    text = (ROOT / "deploy" / "proxies" / name).read_text()
    for shown, address in zip(("10.0.0.1:8000", "10.0.0.2:8000"), addresses, strict=True):
        text = text.replace(shown, address)
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace(
        "bind :443", f"bind 127.0.0.1:{port}"
    )
    return text.replace("/etc/ssl/portal.pem", str(folder / "server.pem"))


Command = Callable[[Path, int, list[str]], list[str]]


@pytest.fixture(params=[nginx, haproxy, caddy], ids=lambda command: command.__name__)
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Proxy]:
    command: Command = request.param
    if shutil.which(command.__name__) is None:
        missing(f"{command.__name__} is not installed")
    authority = certificate("The authority")
    shown = certificate("portal.example.com", authority)
    server_context(shown, tmp_path)  # writes server.pem
    with (tmp_path / "server.pem").open("ab") as file:
        file.write(pem(authority))
    hosts = [WebHost(), WebHost()]
    threads = [threading.Thread(target=host.serve_forever, args=(0.05,), daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    port = free_port()
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
            command(tmp_path, port, [f"127.0.0.1:{host.server_port}" for host in hosts]),
            stdout=output,
            stderr=output,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path)},
        )
    found = Proxy(port, hosts)
    try:
        eventually(lambda: _answers(found), "the proxy answers", 20)
        for host in hosts:
            host.received.clear()
        yield found
    finally:
        process.terminate()
        process.wait(timeout=20)
        for host in hosts:
            host.shutdown()
            host.server_close()


def _answers(proxy: Proxy) -> bool:
    with contextlib.suppress(OSError):
        return proxy.post(PAGE) == 200
    return False


def test_the_portal_sees_the_callers_address_and_not_one_that_the_caller_invents(proxy: Proxy) -> None:
    assert proxy.post(PAGE, X_Forwarded_For="8.8.8.8", X_Forwarded_Proto="http") == 200
    ((_path, headers),) = proxy.received
    assert headers["x-forwarded-for"].split(", ")[-1] == "127.0.0.1"
    assert (headers["x-forwarded-proto"], headers["host"]) == ("https", "portal.example.com")


def test_the_portal_sees_how_long_a_request_waited_for_a_thread(proxy: Proxy) -> None:
    assert proxy.post(PAGE, X_Request_Start="t=1") == 200
    ((_path, headers),) = proxy.received
    clock = QueueClock()
    now = {"HTTP_X_REQUEST_START": f"t={time.time() + 30:.3f}"}
    passed_on = {"HTTP_X_REQUEST_START": headers["x-request-start"]}
    assert [clock.seconds_waited(now), round(clock.seconds_waited(passed_on), -1)] == [0, 30], headers


def test_callers_that_stall_do_not_stop_others(proxy: Proxy) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            stalled = stack.enter_context(proxy.connect())
            stalled.sendall(
                f"POST {START} HTTP/1.1\r\nHost: portal.example.com\r\nContent-Length: 100\r\n\r\n".encode()
            )
            stalled.sendall(b'{"a": ')
            slow_reader = stack.enter_context(proxy.connect())
            slow_reader.sendall(b"GET /large HTTP/1.1\r\nHost: portal.example.com\r\n\r\n")
        assert [proxy.post(PAGE) for _ in range(4)] == [200] * 4
        assert all(path == PAGE for path, _headers in proxy.received), "half a start reached a web host"


def test_a_host_that_is_down_is_not_missed(proxy: Proxy) -> None:
    proxy.hosts[0].shutdown()
    proxy.hosts[0].server_close()
    assert [proxy.post(START) for _ in range(4)] == [200] * 4
    assert len(proxy.hosts[1].received) == 4


@pytest.mark.parametrize("proxy", [nginx, haproxy], indirect=True, ids=["nginx", "haproxy"])
def test_a_start_that_one_host_refuses_with_503_goes_to_the_other(proxy: Proxy) -> None:
    proxy.hosts[0].status = 503
    assert [proxy.post(START) for _ in range(4)] == [200] * 4
    assert len(proxy.hosts[1].received) == 4


def test_another_call_that_is_refused_with_503_is_not_repeated(proxy: Proxy) -> None:
    for host in proxy.hosts:
        host.status = 503
    assert proxy.post(PAGE) == 503
    assert len(proxy.received) == 1
