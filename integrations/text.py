"""Text that both apps read and write: invisible characters, and points in time. Pure."""

import re
from datetime import datetime

#: Two joiners show nothing either, but names in Persian and in India's languages are not spelled right
#: without them.
JOINERS = "\u200c\u200d"
#: Every other character that shows nothing, or only turns the letters around it: Unicode's format characters
#: (category Cf) and the unassigned ones of their blocks. Ranges, for use in a character class.
INVISIBLE = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e007f"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_SHOWS_NOTHING = re.compile(rf"[\s{INVISIBLE}{JOINERS}]")


def remove_invisible(text: str) -> str:
    """The text without ``INVISIBLE``; joiners stay."""
    # To Python, no invisible character is printable. Nearly every text is.
    if text.isprintable():
        return text
    return _INVISIBLE.sub("", text)


def strip_invisible(text: str) -> str:
    """The text without white space, ``INVISIBLE`` and joiners at its edges: what a paste, an editor or a
    secrets manager leaves around a value and nobody sees."""
    # str.strip() takes linear time; an anchored pattern takes quadratic time on many blanks in the middle.
    return text.strip("".join(filter(_SHOWS_NOTHING.match, set(text))))


def format_utc(moment: datetime, *, seconds: bool = False) -> str:
    """``2026-03-02 09:00 UTC``, for an aware ``moment`` in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if seconds else f"{moment:%Y-%m-%d %H:%M} UTC"
