"""Classifies answers: which outcome an HTTP status and a body mean.

An answer is the other side's decision only if it is in the protocol. Any other body comes from something in
between: a proxy, a server that restarts (``docs/protocol.md``, "Reading what arrives").

| status | body | outcome |
| --- | --- | --- |
| 2xx | a JSON object | an answer; the caller reads its ``success`` |
| 2xx | none | an answer to a call that needs no body back (a cancel), else ``NotTheProtocol`` |
| 2xx | any other | ``NotTheProtocol`` |
| 429, 503 | any | ``NotSent``; ``Retry-After`` is kept |
| 408, 504 | any | ``NoAnswer`` |
| 401, 403 | the protocol's JSON | ``Unauthorized`` |
| other 4xx, not 425 | the protocol's JSON | ``Refused``; ``Unauthorized`` for a code about the key |
| 4xx, not 425 | ... with a code about the server | ``ServerError`` |
| 4xx, not 425 | any other | ``NotTheProtocol``; ``Retry-After`` is kept |
| 1xx, 3xx, 425, other 5xx, beyond | any | ``Unknown`` |
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from integrations.http import errors
from integrations.http.error_codes import DECISION_CODES, KEY_CODES, SERVER_CODES, read_code
from integrations.http.errors import Answer, CallFailed

#: The keys of Spring's default error page, which mostly has a "message" and sometimes "errors" as well.
_SPRINGS = frozenset({"timestamp", "status", "error"})


def classified(answer: Answer, host: str, *, empty_is_success: bool = False) -> Answer:
    """The answer, if the table above calls it one; otherwise raises the exception that the table names."""
    status = answer.status or 0
    if 200 <= status < 300:
        if answer.body or (empty_is_success and not answer.excerpt):
            return answer
        raise errors.NotTheProtocol(f"{host} answered {status} with something unreadable.", answer=answer)
    code, message = error_of(answer.body)
    said = message or f"{host} answered {status}."
    failure: type[CallFailed] = errors.Unknown
    if status in (429, 503):
        failure = errors.NotSent
    elif status in (408, 504):
        failure = errors.NoAnswer
    elif 400 <= status < 500 and status != 425:
        if not is_the_protocols(answer.body):
            failure = errors.NotTheProtocol
            cause = "a proxy, or a server that is restarting."
            said = f"{host} answered {status} with a page that is not the protocol's: {cause}"
            if status in (401, 403):
                said += " If this lasts, check the key."
        elif code in SERVER_CODES:
            failure = errors.ServerError
        else:
            failure = errors.Unauthorized if status in (401, 403) or code in KEY_CODES else errors.Refused
    raise failure(said, code=code or str(status), answer=answer, retry_after=retry_after(answer))


def unsuccessful(answer: Answer, side: str, said: str) -> CallFailed:
    """The exception for a 2xx without ``success: true``. ``said``: its message for people.

    ``success: false`` is a decision only if its code is known to be about this message, this order or the
    key. With any other code, or none, the call may have been carried out.
    """
    if answer.body.get("success") is not False:
        sentence = f"{side} answered {answer.status} without saying whether the call succeeded."
        return errors.Unknown(sentence, answer=answer)
    code, _ = error_of(answer.body)
    failure: type[CallFailed] = errors.UnclearRefusal
    if code in KEY_CODES:
        failure = errors.Unauthorized
    elif code in DECISION_CODES:
        failure = errors.Refused
    elif code in SERVER_CODES:
        failure = errors.ServerError
    return failure(said, code=code, answer=answer, retry_after=retry_after(answer))


def is_the_protocols(body: Mapping[str, object]) -> bool:
    """Whether the body of an error is in the protocol: the error envelope, or a ``message`` for people."""
    if isinstance(body.get("success"), bool):
        return body["success"] is False
    if body.keys() >= _SPRINGS:
        return False
    message = body.get("message")
    has_message = isinstance(message, str) and bool(message.strip())
    return has_message or bool(body.get("errors") or body.get("errorInfo"))


def error_of(body: Mapping[str, object]) -> tuple[str, str]:
    """Code (as ``read_code`` spells it) and message of an error, in any of the shapes that have been seen.

    ``errorInfo {code, message}`` [Ashby's API reference]; ``errors: ["code"]``, ``errors: [{message,
    parameter}]``, ``errors: [{code, message}]``, ``error: "code"``, ``error: {code, message}`` [seen];
    ``{"message"}`` [Ashby's guide, 422].
    """
    listed = body.get("errors")
    first = listed[0] if isinstance(listed, list) and listed else listed
    places = [body.get("errorInfo"), first, body.get("error"), body]
    codes: list[object] = []
    messages: list[str] = []
    for place in places:
        if isinstance(place, Mapping):
            codes += [place.get("code"), place.get("errorCode")]
            codes.append("invalid_parameter" if place.get("parameter") else None)
            message = place.get("message")
            if isinstance(message, str) and message.strip():
                named = place.get("parameter") if place is first else None
                messages.append(f"{named}: {message}" if named else message)
        else:
            codes.append(place)
    written = [code for code in codes if read_code(code)]
    message = next(iter(messages), str(written[0]) if written else "")
    return (read_code(written[0]) if written else ""), message.strip()[:1000]


def retry_after(answer: Answer) -> float | None:
    """Retry-After in seconds, from a number or a date; None where it is absent or unreadable."""
    value = answer.headers.get("retry-after")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
