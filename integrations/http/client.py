"""The only way to the network. Every outbound call goes through ``post`` or ``post_to_webhook``, and ends as
an ``Answer`` or as one of the exceptions of ``errors.py``.

- Calls go to public addresses over https; ``OUTBOUND_ALLOWED_HOSTS`` names the exceptions. The connection
  goes to the address that was checked (``transport.py``).
- Timeouts: 3 s to connect, 10 s to read, 15 s for the whole answer, which may have 1 MB. No redirects.
- The text of an exception never contains the key or the personal data that was sent.
"""

import base64
import json
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from integrations.http import urls
from integrations.http.errors import Answer, CallFailed, NoAnswer, NotSent, Unknown
from integrations.http.fencing import FencedRequestBody, LeaseExpired
from integrations.http.outcomes import classified, error_of
from integrations.http.strict_json import charset_of, decode, sanitize_json
from integrations.http.transport import NoSecureConnection, NotConnectedByProxy, NotPublic, new_session
from integrations.redaction import mask, redact_text
from integrations.text import remove_invisible

ANSWER_BYTES = 1024 * 1024
EXCERPT_CHARACTERS = 500

#: The parts of an answer that people read: the key and the personal data are masked in them.
_FOR_PEOPLE = frozenset({"message", "errorInfo", "error", "errors", "warnings"})

_sessions = threading.local()


@dataclass(frozen=True)
class OutboundCall:
    """A call in the partner protocol: ``body`` is POSTed to ``url`` as JSON.

    ``is_repeatable``: the call uses a kept-alive connection and is repeated once, at once, when the other
    side had closed that connection. Any other call opens a connection of its own, so that a reset means that
    the call may have been received. ``hide``: names and addresses to mask in what is kept of the answer.
    ``not_after``: nothing is sent later than this, in seconds on ``fencing.boottime()``'s clock; the call is
    then ``NotSent``.
    ``empty_is_success``: a 2xx without a body is an answer. ``to_ourselves``: the portal's own address, which
    may be private or plain http.
    """

    url: str
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_repeatable: bool = False
    hide: Iterable[str] = field(default=(), repr=False)
    not_after: float | None = None
    empty_is_success: bool = False
    to_ourselves: bool = False


class _Hidden(NamedTuple):
    """What is masked in an answer that quotes it."""

    secrets: tuple[str, ...]
    personal: tuple[str, ...] = ()


def _spellings_of(key: str) -> tuple[str, ...]:
    """The key as it is, URL-encoded, and as in the Authorization header, which a failing server may quote:
    the part of its Base64 that does not depend on what follows the key."""
    whole = len(key.encode()) // 3 * 3
    in_the_header = base64.b64encode(key.encode()[:whole]).decode()
    return (key, quote(key, safe=""), *([in_the_header] if len(in_the_header) >= 8 else []))


def post(call: OutboundCall, *, key: str) -> Answer:
    """Makes a call with ``key`` as the Basic user name.

    Raises ``NotSent``, ``Unknown``, ``Refused`` or ``Unauthorized``; ``answers.py`` has the table.
    """
    session = _session_for(call.url, fresh=not call.is_repeatable, to_ourselves=call.to_ourselves)
    hidden = _Hidden(_spellings_of(key), tuple(call.hide))
    if call.is_repeatable:
        try:
            answer = _exchange(session, call.url, _arguments(call, key), hidden)
        except _ConnectionWasClosed:
            answer = _exchange(session, call.url, _arguments(call, key), hidden)
    else:
        with session:
            answer = _exchange(session, call.url, _arguments(call, key), hidden)
    return classified(answer, urlsplit(call.url).hostname or "", empty_is_success=call.empty_is_success)


def _arguments(call: OutboundCall, key: str) -> dict[str, Any]:
    """The arguments of one ``requests`` call: a fenced body can be sent only once."""
    content = json.dumps(call.body, ensure_ascii=False).encode()
    return {
        "data": content if call.not_after is None else FencedRequestBody(content, call.not_after),
        "auth": (key.encode(), b""),
        "headers": {"Content-Type": "application/json", "Accept": "application/json", **call.headers},
    }


def post_to_webhook(url: str, body: Mapping[str, Any]) -> None:
    """POSTs ``body`` as JSON to a URL that is itself a secret: exceptions name its host only, and quote
    nothing of the answer. Any 2xx is a success, whatever its body (Slack answers ``ok``).

    Raises ``NotSent``, ``Unknown``, ``Refused`` or ``Unauthorized``.
    """
    content = json.dumps(body, ensure_ascii=False).encode()
    arguments = {"data": content, "headers": {"Content-Type": "application/json"}}
    with _session_for(url, fresh=True) as session:
        answer = replace(_exchange(session, url, arguments, _Hidden((url,))), body={}, excerpt="")
    if not 200 <= (answer.status or 0) < 300:
        # Chat servers do not speak the partner protocol, so only the status decides.
        words: dict[str, object] = {"message": f"{urlsplit(url).hostname} answered {answer.status}."}
        classified(replace(answer, body=words), urlsplit(url).hostname or "")


class _ConnectionWasClosed(Unknown):
    """The connection was closed before any answer: often a kept-alive connection that had expired."""


def _session_for(url: str, *, fresh: bool, to_ourselves: bool = False) -> requests.Session:
    """A session that may call the URL: a new one, or this thread's. Raises ``NotSent`` for a URL that is not
    to be called."""
    address = urls.parse_url(url)
    if address is None:
        raise NotSent(
            "The address is not one that can be called, so nothing was sent. "
            "An admin has to correct it on the connection."
        )
    filtered = not (to_ourselves or address.is_excepted)
    if filtered and settings.OUTBOUND_PROXY_URL and urls.leads_inside(address.host):
        raise NotSent(f"{address.host} is at a private address, so nothing was sent.")
    if filtered and address.scheme != "https":
        raise NotSent(
            f"The address of {address.host} does not start with https://, so nothing was sent. "
            "An admin has to correct it on the connection."
        )
    if fresh:
        return new_session(filtered=filtered)
    sessions = cast(dict[bool, requests.Session], _sessions.__dict__.setdefault("by_filter", {}))
    if filtered not in sessions:
        sessions[filtered] = new_session(filtered=filtered)
    return sessions[filtered]


def _exchange(session: requests.Session, url: str, arguments: dict[str, Any], hidden: _Hidden) -> Answer:
    """Sends once, and returns whatever is answered. Raises ``NotSent`` or ``Unknown``."""
    host = urlsplit(url).hostname or ""
    began = time.monotonic()
    try:
        with closing(session.post(url, stream=True, **arguments)) as response:
            try:
                content = _read(response, host)
            except requests.RequestException as error:
                # The answer had begun, so the other side has received the call.
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


def _read(response: requests.Response, host: str) -> bytes:
    content = b""
    for chunk in response.iter_content(16 * 1024):
        content += chunk
        if len(content) > ANSWER_BYTES:
            raise Unknown(f"{host} answered with more than {ANSWER_BYTES} bytes.")
    return content


def _answer(response: requests.Response, content: bytes, began: float, hidden: _Hidden) -> Answer:
    try:
        text = decode(content, charset_of(response.headers.get("content-type", "")))
    except UnicodeDecodeError:
        text = content.decode("utf-8", errors="replace")
    text = remove_invisible(text.replace("\x00", "")).strip()
    try:
        body = sanitize_json(json.loads(text, strict=False))
        # Serialized again, so that an escaped name (\\u00eb) is found and masked.
        text = json.dumps(body, ensure_ascii=False)
    except (ValueError, RecursionError):
        body = {}
    body = body if isinstance(body, dict) else {}
    masked = {name: mask(body[name], hidden.personal, hidden.secrets) for name in body.keys() & _FOR_PEOPLE}
    return Answer(
        status=response.status_code,
        request_id=mask(response.headers.get("x-ashby-request-id", ""), (), hidden.secrets)[:100],
        excerpt=redact_text(text, hidden.personal, hidden.secrets)[:EXCERPT_CHARACTERS],
        milliseconds=round((time.monotonic() - began) * 1000),
        body=body | masked,
        headers={name.lower(): value for name, value in response.headers.items()},
        reason=mask(error_of(body)[1], (), hidden.secrets),
    )


def _transport_failure(error: requests.RequestException, host: str, answer: Answer) -> CallFailed:
    """``NotSent`` where nothing can have reached the other side, else ``Unknown``."""
    cause = _root(error)
    if isinstance(cause, NotConnectedByProxy):
        return NotSent(f"The outbound proxy did not connect to {host}, so nothing was sent.", answer=answer)
    if isinstance(cause, NoSecureConnection):
        return NotSent(f"No secure connection to {host} could be made.", answer=answer)
    if isinstance(cause, NotPublic):
        return NotSent(f"{host} is at a private address, so nothing was sent.", answer=answer)
    if isinstance(cause, NameResolutionError):
        return NotSent(f"The name {host} is not known.", answer=answer)
    if isinstance(error, requests.ConnectTimeout) or isinstance(
        cause, NewConnectionError | ConnectTimeoutError
    ):
        return NotSent(f"No connection to {host} could be made.", answer=answer)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return NotSent(f"{host or 'The address'} is not an address that can be called.", answer=answer)
    if isinstance(error, requests.ReadTimeout):
        return NoAnswer(f"{host} did not answer in time.", answer=answer)
    if isinstance(error, requests.ConnectionError):
        return _ConnectionWasClosed(f"{host} closed the connection without an answer.", answer=answer)
    return Unknown(f"The exchange with {host} broke off ({type(error).__name__}).", answer=answer)


def _root(error: BaseException) -> object:
    """The innermost of the exceptions that requests and urllib3 have wrapped."""
    reason: Any = error
    while True:
        inner = getattr(reason, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in getattr(reason, "args", ()) if isinstance(a, BaseException)), None)
        if inner is None:
            return reason
        reason = inner
