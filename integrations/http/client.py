"""The one door to the network. Every outbound call goes through ``post`` (or ``post_to_webhook``)
and ends as an ``Answer`` or as one of ``errors``.

- https to public addresses only; ``OUTBOUND_ALLOWED_HOSTS`` names the exceptions. The address
  that was checked is the address that is used (``transport.py``).
- Connect within 3 s, read within 10 s, the whole answer within 15 s and 1 MB; no redirects.
- What was sent and is secret or personal never appears in an error's text.
"""

import base64
import json
import logging
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from integrations.http import urls
from integrations.http.errors import Answer, CallFailed, NoAnswer, NotSent, Unknown
from integrations.http.fencing import FencedRequestBody, LeaseExpired
from integrations.http.outcomes import classified, error_of
from integrations.http.strict_json import charset_of, decode, sanitize_json
from integrations.http.transport import NotPublic, new_session
from integrations.redaction import mask, redact_text
from integrations.text import remove_invisible

logger = logging.getLogger(__name__)

ANSWER_BYTES = 1024 * 1024
EXCERPT_CHARACTERS = 500

_FOR_PEOPLE = frozenset({"message", "errorInfo", "error", "errors", "warnings"})

_sessions = threading.local()


class _Hidden(NamedTuple):
    """What must not be kept of an answer that quotes it."""

    secrets: tuple[str, ...]
    personal: tuple[str, ...] = ()


def _as_anybody_may_write(key: str) -> tuple[str, ...]:
    """The key as it is, as a URL holds it, and as the header holds it, which a server in trouble may quote
    back: of that the part that is the same whatever follows the key."""
    whole = len(key.encode()) // 3 * 3
    in_the_header = base64.b64encode(key.encode()[:whole]).decode()
    return (key, quote(key, safe=""), *([in_the_header] if len(in_the_header) >= 8 else []))


def post(
    url: str,
    *,
    key: str,
    body: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    repeatable: bool,
    hide: Iterable[str] = (),
    to_ourselves: bool = False,
    not_after: float | None = None,
    empty_is_success: bool = False,
) -> Answer:
    """POSTs ``body`` as JSON with ``key`` as the Basic user name and returns the parsed answer.

    A ``repeatable`` call uses a kept-alive connection and is made a second time, at once, when
    the other side had closed that connection. Any other call opens a fresh one, so that a reset
    means a reset. ``hide`` lists what must not stand in the stored excerpt of the answer.
    ``to_ourselves``: the portal's own address, which may be private or plain http. ``not_after``
    (``fence.uptime()`` seconds): later than that nothing is sent, ``NotSent``. ``empty_is_success``: any
    2xx without a body is an answer.

    Raises ``NotSent``, ``Unknown``, ``Refused`` or ``Unauthorized``; ``answers.py`` has the table.
    """
    session = _session_for(url, fresh=not repeatable, to_ourselves=to_ourselves)
    host = urlsplit(url).hostname or ""
    content = json.dumps(body, ensure_ascii=False).encode()
    arguments: dict[str, Any] = {
        "auth": (key.encode(), b""),
        "headers": {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})},
    }
    hidden = _Hidden(_as_anybody_may_write(key), tuple(hide))

    def exchange() -> Answer:
        # A fenced body is handed over once, so the second time takes a new one.
        data = content if not_after is None else FencedRequestBody(content, not_after)
        answer = _exchange(session, url, arguments | {"data": data}, hidden)
        return classified(answer, host, empty_is_success=empty_is_success)

    if not repeatable:
        with session:
            return exchange()
    try:
        return exchange()
    except _ConnectionWasClosed:
        return exchange()


def post_to_webhook(url: str, body: Mapping[str, Any]) -> None:
    """POSTs ``body`` as JSON to an address that is itself a secret: errors name its host alone, and
    nothing of the answer's words. Any 2xx is a success, whatever it says (Slack says ``ok``).

    Raises ``NotSent``, ``Unknown``, ``Refused`` or ``Unauthorized``.
    """
    arguments: dict[str, Any] = {
        "data": json.dumps(body, ensure_ascii=False).encode(),
        "headers": {"Content-Type": "application/json"},
    }
    with _session_for(url, fresh=True) as session:
        answer = replace(_exchange(session, url, arguments, _Hidden((url,))), body={}, excerpt="")
    if not 200 <= (answer.status or 0) < 300:
        # Chat servers speak no protocol of ours: the status alone decides.
        words: dict[str, object] = {"message": f"{urlsplit(url).hostname} answered {answer.status}."}
        classified(replace(answer, body=words), urlsplit(url).hostname or "")


class _ConnectionWasClosed(Unknown):
    """The connection was closed before any answer, at once: often an old kept-alive one."""


def _session_for(url: str, *, fresh: bool, to_ourselves: bool = False) -> requests.Session:
    address = urls.parse_url(url)
    if address is None:
        raise NotSent(
            "The address is not one that can be called, so nothing was sent. "
            "An admin has to correct it on the connection."
        )
    allowed = to_ourselves or address.is_excepted
    if not allowed and address.scheme != "https":
        raise NotSent(
            f"The address of {address.host} does not start with https://, so nothing was sent. "
            "An admin has to correct it on the connection."
        )
    if fresh:
        return new_session(filtered=not allowed)
    filtered = not allowed
    sessions = cast(dict[bool, requests.Session], _sessions.__dict__.setdefault("by_filter", {}))
    if filtered not in sessions:
        sessions[filtered] = new_session(filtered=filtered)
    return sessions[filtered]


def _exchange(session: requests.Session, url: str, arguments: dict[str, Any], hidden: _Hidden) -> Answer:
    host = urlsplit(url).hostname or ""
    began = time.monotonic()
    try:
        with closing(session.post(url, stream=True, **arguments)) as response:
            try:
                content = _read(response)
            except requests.RequestException as error:
                # An answer had begun: the other side has the call, whatever broke then.
                status, milliseconds = response.status_code, round((time.monotonic() - began) * 1000)
                raise Unknown(
                    f"The answer of {host} broke off ({type(error).__name__}).",
                    answer=Answer(status=status, milliseconds=milliseconds),
                ) from None
            return _answer(response, content, began, hidden)
    except requests.RequestException as error:
        milliseconds = round((time.monotonic() - began) * 1000)
        raise _transport_failure(error, host, Answer(milliseconds=milliseconds)) from None
    except LeaseExpired:
        raise NotSent("The portal was held up before it could send this, so nothing was sent.") from None
    except _TooLarge:
        raise Unknown(f"{host} answered with more than {ANSWER_BYTES} bytes.") from None


class _TooLarge(Exception):
    pass


def _read(response: requests.Response) -> bytes:
    content = b""
    for chunk in response.iter_content(16 * 1024):
        content += chunk
        if len(content) > ANSWER_BYTES:
            raise _TooLarge
    return content


def _answer(response: requests.Response, content: bytes, began: float, hidden: _Hidden) -> Answer:
    text = remove_invisible(_decoded(response, content).replace("\x00", "")).strip()
    try:
        body = sanitize_json(json.loads(text, strict=False))
        # Written anew: a name that was escaped (\\u00eb) has to be found too.
        text = json.dumps(body, ensure_ascii=False)
    except (ValueError, RecursionError):
        body = {}
    return Answer(
        status=response.status_code,
        request_id=mask(response.headers.get("x-ashby-request-id", ""), (), hidden.secrets)[:100],
        excerpt=redact_text(text, hidden.personal, hidden.secrets)[:EXCERPT_CHARACTERS],
        milliseconds=round((time.monotonic() - began) * 1000),
        body=_for_people(body, hidden) if isinstance(body, dict) else {},
        headers={name.lower(): value for name, value in response.headers.items()},
        reason=mask(error_of(body)[1], (), hidden.secrets) if isinstance(body, dict) else "",
    )


def _decoded(response: requests.Response, content: bytes) -> str:
    try:
        return decode(content, charset_of(response.headers.get("content-type", "")))
    except UnicodeDecodeError:
        return content.decode("utf-8", errors="replace")


def _for_people(body: dict[str, Any], hidden: _Hidden) -> dict[str, Any]:
    """The answer, less the key and whom it is about in those parts that end up before people: the other
    side's own words."""
    return {
        name: mask(value, hidden.personal, hidden.secrets) if name in _FOR_PEOPLE else value
        for name, value in body.items()
    }


def _transport_failure(error: requests.RequestException, host: str, answer: Answer) -> CallFailed:
    """Whether anything can have reached the other side decides between the two."""
    cause = _root(error)
    if isinstance(cause, NotPublic):
        return NotSent(f"{host} is at a private address, so nothing was sent.", answer=answer)
    if isinstance(cause, NameResolutionError):
        return NotSent(f"The name {host} is not known.", answer=answer)
    if isinstance(error, requests.ConnectTimeout) or isinstance(
        cause, NewConnectionError | ConnectTimeoutError
    ):
        return NotSent(f"No connection to {host} could be made.", answer=answer)
    if isinstance(error, requests.exceptions.SSLError) and not isinstance(
        cause, ssl.SSLEOFError | ssl.SSLZeroReturnError
    ):
        return NotSent(f"No secure connection to {host} could be made.", answer=answer)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return NotSent(f"{host or 'The address'} is not an address that can be called.", answer=answer)
    if isinstance(error, requests.ReadTimeout):
        return NoAnswer(f"{host} did not answer in time.", answer=answer)
    if isinstance(error, requests.ConnectionError):
        return _ConnectionWasClosed(f"{host} closed the connection without an answer.", answer=answer)
    return Unknown(f"The exchange with {host} broke off ({type(error).__name__}).", answer=answer)


def _root(error: BaseException) -> object:
    """The deepest reason that requests and urllib3 wrapped."""
    reason: Any = error
    while True:
        inner = getattr(reason, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in getattr(reason, "args", ()) if isinstance(a, BaseException)), None)
        if inner is None:
            return reason
        reason = inner
