"""The connections under ``http.py``: to which addresses they lead, and how long an answer may drip.

requests-hardened resolves a name once, refuses what is inside, and connects to the address that it has
looked at, so that a name that resolves differently a moment later changes nothing. What it does not
know is added here.
"""

import io
import ipaddress
import time
from http.client import HTTPResponse
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from .addresses import is_public

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 3, 10, 15
# Ashby's edge refuses empty and default user agents (error 1010).
USER_AGENT = "AssessmentPortal/1.0 (Ashby-Justifacts)"


def new_session(*, filtered: bool) -> requests.Session:
    """A session that follows no redirect, asks no proxy or .netrc of the machine's (an entry there would
    replace our key), and, where ``filtered``, leads to public addresses only."""
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
    # A few bytes that unfold into gigabytes are not asked for.
    session.headers["Accept-Encoding"] = "identity"
    for scheme in ("http", "https"):
        session.mount(
            f"{scheme}://",
            _PublicAddresses(is_https_proto=scheme == "https") if filtered else _AnyAddress(),
        )
    return session


class _TimedAnswer(HTTPResponse):
    """An answer that has to be whole, its headers too, ``TOTAL_SECONDS`` after it was waited for: the
    usual time-out begins anew with each byte."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_UntilThen(raw, sock, time.monotonic() + TOTAL_SECONDS))


class _UntilThen(io.RawIOBase):
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


class _Connection(HTTPConnection):
    response_class = _TimedAnswer


class _SecureConnection(HTTPSConnection):
    response_class = _TimedAnswer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Timed(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _AnyAddress(_Timed):
    """For those that OUTBOUND_ALLOWED_HOSTS names."""


class _PublicAddresses(IPFilterAdapter, _Timed):
    def __init__(self, *, is_https_proto: bool) -> None:
        IPFilterAdapter.__init__(self, is_https_proto)

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        address = ipaddress.ip_address(host["host"].strip("[]"))
        if not is_public(address):
            raise InvalidIPAddress(address)
        return host, pool
