"""Words for the history of an order and for the wire: plain English, whatever the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import override


def plain(text: str | Promise) -> str:
    """The text as it stands in the program."""
    with override(None):
        return str(text)
