"""Reads timestamps in the forms that Ashby and Justifacts may write.

Rules: ``docs/protocol.md``, "Reading what arrives". Pure, except for the clock.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

#: The other side's clock may be a day ahead. A later time counts as absent.
FURTHEST_AHEAD = timedelta(days=1)

_NUMBER = re.compile(r"\d{1,20}([.,]\d{1,20})?", re.ASCII)
#: A date without a time is not read: as midnight it would look older than everything else on that day.
_ISO = re.compile(
    r"(\d{4}-?\d\d-?\d\d)[T ] ?(\d\d:?\d\d(?::?\d\d)?(?:[.,]\d+)?) ?"
    # Java writes the zone after the offset: [Europe/Berlin]. It is ignored.
    r"(?:(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?:\[[\w/+-]+\])?)?",
    re.ASCII,
)
_MAIL = re.compile(
    r"([A-Z]{3}, ?)?\d{1,2} [A-Z]{3} \d{4} \d\d:\d\d(:\d\d)? (GMT|UTC|UT|Z|[+-]\d{4})", re.ASCII | re.I
)


def read_time(value: Any, now: datetime | None = None) -> int | None:
    """Milliseconds since 1970; None where the time is absent or cannot be read.

    It may be a number, or its digits in a string, in milliseconds, or in seconds if it has ten digits before
    the decimal point; ISO 8601, in UTC if it has no offset; or the format of RFC 5322. Zero, negative times
    and times more than ``FURTHEST_AHEAD`` after ``now`` count as absent.
    """
    milliseconds = _milliseconds(value)
    if milliseconds is None or milliseconds <= 0:
        return None
    latest = ((now or datetime.now(UTC)) + FURTHEST_AHEAD).timestamp() * 1000
    return milliseconds if milliseconds <= latest else None


def _milliseconds(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        return _of_number(float(text.replace(",", "."))) if _NUMBER.fullmatch(text) else _of_text(text)
    return _of_number(value) if isinstance(value, int | float) else None


def _of_number(number: float) -> int | None:
    # NaN, infinities, and integers too large for a float.
    if not abs(number) < 1e18 or not math.isfinite(number):
        return None
    return round(number * 1000) if 10**9 <= number < 10**10 else round(number)


def _of_text(text: str) -> int | None:
    if len(text) > 100:
        return None
    text = text.upper()
    try:
        if parts := _ISO.fullmatch(text):
            date, time, zone = parts.groups()
            offset = {None: "+00:00", "Z": "+00:00", "UTC": "+00:00", "GMT": "+00:00"}.get(zone, zone)
            moment = datetime.fromisoformat(f"{date}T{time.replace(',', '.')}{offset}")
        elif _MAIL.fullmatch(text):
            moment = parsedate_to_datetime(text)
        else:
            return None
    except ValueError:
        return None
    return round(moment.timestamp() * 1000)
