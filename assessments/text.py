"""Words for the history of an order and for the wire: plain English, whatever the reader's language."""

from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import override


def in_words(moment: datetime) -> str:
    """A time for people: minutes are enough."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def untranslated(text: str | Promise) -> str:
    """The text as it stands in the program."""
    with override(None):
        return str(text)
