"""The connections under ``client.py``: SSRF guard, connect timeouts, and a deadline for the whole answer.

A connection resolves its host name once, drops the IP addresses that are not public, and tries the others in
turn. It connects to the addresses that were checked, so DNS rebinding changes nothing. The certificate is
still verified against the host name.

With ``OUTBOUND_PROXY_URL`` the proxy resolves the host names and connects, so only the text of a URL is
checked.
"""

import io
import ipaddress
import socket
import ssl
import time
from functools import cache, partial
from http.client import HTTPException, HTTPResponse
from itertools import chain, zip_longest
from typing import Any

import requests
from django.conf import settings
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from requests_hardened import Config, HTTPSession
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import connection as urllib3_connection

from integrations.http.urls import is_public

CONNECT_SECONDS, READ_SECONDS = 3, 10
# Ashby's edge refuses empty and default user agents (error 1010).
USER_AGENT = "AssessmentPortal/1.0 (Ashby-Justifacts)"


def new_session(*, filtered: bool) -> requests.Session:
    """A session that follows no redirect and ignores the machine's proxy settings and .netrc, whose entries
    would replace the key. ``filtered``: it connects to public IP addresses only, or through the proxy of
    ``OUTBOUND_PROXY_URL``."""
    proxy = settings.OUTBOUND_PROXY_URL if filtered else ""
    session: requests.Session = HTTPSession(
        Config(
            ip_filter_enable=False,
            ip_filter_allow_loopback_ips=False,
            never_redirect=True,
            default_timeout=(CONNECT_SECONDS, READ_SECONDS),
            user_agent_override=USER_AGENT,
        )
    )
    session.trust_env = False
    session.proxies = {"https": proxy} if proxy else {}
    # No compressed answers: a few bytes may decompress into gigabytes.
    session.headers["Accept-Encoding"] = "identity"
    for scheme in ("http", "https"):
        session.mount(f"{scheme}://", _Adapter(public_only=filtered))
    return session


class _DeadlineResponse(HTTPResponse):
    """A response that must be complete, headers included, within ``OUTBOUND_ANSWER_SECONDS``. (The socket
    timeout alone starts again with every byte.)"""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        until = time.monotonic() + settings.OUTBOUND_ANSWER_SECONDS
        self.fp = io.BufferedReader(_DeadlineReader(raw, sock, until))


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until a deadline on ``time.monotonic``, then raises ``TimeoutError``."""

    def __init__(self, raw: Any, sock: Any, until: float) -> None:
        self._raw, self._sock, self._until = raw, sock, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        usual = self._sock.gettimeout()
        self._sock.settimeout(left if usual is None else min(usual, left))
        read: int | None = self._raw.readinto(buffer)
        self._sock.settimeout(usual)
        return read

    def close(self) -> None:
        self._raw.close()
        super().close()


class NotPublic(NewConnectionError):
    """The host name resolves to private IP addresses only. No connection was attempted."""


class NotConnectedByProxy(NewConnectionError):
    """The proxy did not connect to the host, so nothing was sent. (urllib3's own ``ProxyError`` does not say
    this: it is raised for a connection that broke off after the call was sent, too.)"""


class NoSecureConnection(NewConnectionError):
    """The TLS handshake failed, with the host or with the proxy, so nothing was sent. (An ``SSLError`` alone
    does not say this: it is also raised for a connection that broke off after the call was sent.)"""


class _EveryAddress(HTTPConnection):
    """Connects to the first IP address of the host that accepts, so that a dead one does not fail the
    call."""

    response_class = _DeadlineResponse

    def __init__(self, *args: Any, public_only: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._public_only = public_only

    def _new_conn(self) -> socket.socket:
        until = time.monotonic() + settings.OUTBOUND_ALL_ADDRESSES_SECONDS
        addresses = self._addresses()
        failure: OSError = OSError("the host has no address")
        for tried, address in enumerate(addresses):
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                connected = urllib3_connection.create_connection(
                    (address, self.port),
                    timeout=min(CONNECT_SECONDS, max(1, left / (len(addresses) - tried)), left),
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )
            except OSError as error:
                failure = error
            else:
                # The TLS handshake has a timeout of its own.
                connected.settimeout(CONNECT_SECONDS)
                return connected
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, f"no address of {self.host} answered in time") from failure
        raise NewConnectionError(self, str(failure)) from failure

    def _tunnel(self) -> None:
        try:
            super()._tunnel()  # of http.client: it sends CONNECT and reads the answer
        except (OSError, HTTPException) as error:
            raise NotConnectedByProxy(self, type(error).__name__) from error

    def _addresses(self) -> list[str]:
        """The IP addresses to try, IPv6 and IPv4 in turn, so that a machine without a route for one family
        soon tries the other."""
        try:
            found = socket.getaddrinfo(
                self.host.strip("[]"), self.port, urllib3_connection.allowed_gai_family(), socket.SOCK_STREAM
            )
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from error
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
        if self._public_only:
            addresses = [each for each in addresses if is_public(ipaddress.ip_address(each))]
        if not addresses:
            raise NotPublic(self, "no public address")
        first = [each for each in addresses if (":" in each) == (":" in addresses[0])]
        other = [each for each in addresses if each not in first]
        return [each for each in chain.from_iterable(zip_longest(first, other)) if each]


class _EveryAddressSecurely(_EveryAddress, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLError as error:
            raise NoSecureConnection(self, type(error).__name__) from error


class _Pool(HTTPConnectionPool):
    ConnectionCls = _EveryAddress


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _EveryAddressSecurely


class _Adapter(HTTPAdapter):
    def __init__(self, *, public_only: bool) -> None:
        self._public_only = public_only
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=_trusted_authorities(settings.CA_BUNDLE))
        self.poolmanager.pool_classes_by_scheme = _pool_classes(public_only=self._public_only)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(
            proxy, **kwargs, ssl_context=_trusted_authorities(settings.CA_BUNDLE)
        )
        # The pool's connections go to the proxy, whose address the operator has chosen.
        manager.pool_classes_by_scheme = _pool_classes(public_only=False)
        return manager


def _pool_classes(*, public_only: bool) -> dict[str, Any]:
    return {
        "http": partial(_Pool, public_only=public_only),
        "https": partial(_SecurePool, public_only=public_only),
    }


@cache
def _trusted_authorities(bundle: str) -> ssl.SSLContext | None:
    """The public authorities and those of ``CA_BUNDLE``; None, which means the public ones, without it."""
    if not bundle:
        return None
    context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
    context.load_verify_locations(cafile=bundle)
    return context
