"""Quotes a message that could not be read, so that people can find out why."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from integrations.redaction import redact

EXCERPT_CHARACTERS = 500
#: Names of parts that may describe the state of a check. Any other part may contain anything.
_MEANINGFUL = re.compile(
    r"^(success|assessment|assessment_id|reference_id|identifier|label|type|value|update|update_request"
    r"|state|stage|phase|message|(error_?)?code|errors?|errorInfo)$|status|result|outcome|reason",
    re.IGNORECASE,
)
#: Parts that differ each time although the message says the same.
_VOLATILE = re.compile(r"^(time|timestamp|date|request_?id|metadata)$|(_at|_date|_time|At)$")


def excerpt(message: Mapping[str, Any], hide: Iterable[str] = (), secrets: Iterable[str] = ()) -> str:
    """The message as JSON of at most ``EXCERPT_CHARACTERS`` characters, redacted as in ``redact``.

    A part whose name is not about the state of the check is quoted by name only. Times are left out, so that
    the same content gives the same excerpt.
    """
    quoted = json.dumps(redact(_meaningful(message), hide, secrets), ensure_ascii=False, sort_keys=True)
    return quoted if len(quoted) <= EXCERPT_CHARACTERS else f"{quoted[: EXCERPT_CHARACTERS - 1]}…"


def _meaningful(value: Any) -> Any:
    if isinstance(value, list):
        return [_meaningful(part) for part in value[:3]]
    if not isinstance(value, dict):
        return value
    return {
        name: _meaningful(part) if _MEANINGFUL.search(name) else "…"
        for name, part in value.items()
        if not _VOLATILE.search(name)
    }
