"""Durations for people, timestamps for partners, and untranslated text. Pure.

``integrations.text.format_utc`` formats a point in time.
"""

from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import override


def untranslated(text: str | Promise) -> str:
    """The text in English, whatever the reader's language: for an order's history and for Ashby."""
    with override(None):
        return str(text)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, the timestamp of the partner protocol."""
    return int(moment.timestamp() * 1000)


def format_duration(length: timedelta, *, units: int = 1) -> str:
    """``3 d``, or with ``units=2`` ``3 d 2 h``: at most that many units from days to seconds, the largest
    first. The rest is dropped. A negative length is ``0 s``."""
    seconds = max(int(length.total_seconds()), 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    amounts = [
        (days, _("%(count)d d")),
        (hours, _("%(count)d h")),
        (minutes, _("%(count)d min")),
        (seconds, _("%(count)d s")),
    ]
    first = next((n for n, (amount, _text) in enumerate(amounts) if amount), len(amounts) - 1)
    shown = [text % {"count": amount} for amount, text in amounts[first : first + units] if amount]
    return " ".join(shown) or _("%(count)d s") % {"count": 0}
