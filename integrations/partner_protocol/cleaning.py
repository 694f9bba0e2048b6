"""Cleans the text that people typed or pasted into Ashby: names, addresses, titles.

Rules: ``docs/protocol.md``, "Reading what arrives" (Names). Pure.
"""

import re
import unicodedata
from typing import Any

from integrations.text import JOINERS, remove_invisible, strip_invisible

# Unicode calls these letters or symbols, but they show nothing: Hangul fillers and the Braille blank.
_BLANKS = re.compile("[\u115f\u1160\u2800\u3164\uffa0]")
# Joiners stay between letters, and after a virama (combining class 9) at the end of a word, where older
# Malayalam spelling needs them.
_EDGE_JOINERS = re.compile(f"(?<!\\S)[{JOINERS}]+|(\\S)[{JOINERS}]+(?!\\S)")
# The right-to-left override makes an address read differently from what is stored.
_REVERSING = "\u202e"
_VIRAMA = 9
# Marks that show nothing: the combining grapheme joiner and two Khmer vowels.
_UNSEEN_MARKS = dict.fromkeys(map(ord, "\u034f\u17b4\u17b5"))


def clean_line(text: str) -> str:
    """One line as its author sees it.

    Control, formatting and bidirectional characters go; runs of any white space become one space; nothing
    surrounds the text. Letters stay exactly as they are written: normalization (NFC) would replace the
    variant of a Chinese character that a family writes by the common one.
    """
    text = _BLANKS.sub(" ", text.translate(_UNSEEN_MARKS))
    text = " ".join("".join(filter(_is_seen, remove_invisible(text))).split())
    return " ".join(_EDGE_JOINERS.sub(_without_joiners, text).split())


def clean_address(text: str) -> str:
    """An e-mail address as its author sees it; empty where what is stored cannot be what they saw.

    White space inside it is never removed: that could join two addresses, or make another person's.
    """
    # A paste mixes what shows nothing: a tab, then a mark without width, then a line end.
    if _REVERSING in text or any(map(_is_control, strip_invisible(text))):
        return ""
    return clean_line(text)


def clean_value(value: Any) -> Any:
    """A copy of a JSON value whose texts any database takes: without control characters and halves of
    surrogate pairs. Line ends and blanks stay, because a long answer may need them."""
    if isinstance(value, dict):
        return {name: clean_value(part) for name, part in value.items()}
    if isinstance(value, list):
        return [clean_value(part) for part in value]
    return "".join(filter(_is_storable, value)) if isinstance(value, str) else value


def same_text(text: str) -> str:
    """The form in which two texts that read the same are equal: for comparing, never for sending."""
    return unicodedata.normalize("NFC", clean_line(text)).casefold()


def has_letter(text: str) -> bool:
    """Whether a cleaned text holds a letter of any script. Digits, punctuation, emoji and marks alone name
    nobody."""
    return any(unicodedata.category(character).startswith("L") for character in text)


def _is_seen(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in ("Cc", "Cs")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") and not character.isspace()


def _is_storable(character: str) -> bool:
    return character in "\t\n\r" or unicodedata.category(character) not in ("Cc", "Cs")


def _without_joiners(found: re.Match[str]) -> str:
    before = found[1] or ""
    return found[0] if before and unicodedata.combining(before) == _VIRAMA else before
