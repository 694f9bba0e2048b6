"""Cleans texts that people have typed or pasted: names, e-mail addresses, titles, answers.

Rules: ``docs/protocol.md``, "Reading what arrives" (Names). Pure.
"""

import re
import unicodedata
from typing import Any

from integrations.text import JOINERS, remove_invisible, strip_invisible

#: Characters that end a line, control a terminal, or that a database does not store.
CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: A text this long may be cut by whoever stores it. Long runs of other characters than letters and digits.
_LONG, _LONG_RUN = 200, re.compile(r"[\W_]{20,}")
# Letters and symbols to Unicode, but invisible: Hangul fillers and the Braille blank.
_BLANKS = re.compile("[\u115f\u1160\u2800\u3164\uffa0]")
# Persian and Indic spelling needs joiners between letters. Older Malayalam spelling needs one after a virama
# (combining class 9) at the end of a word.
_EDGE_JOINERS = re.compile(f"(?<!\\S)[{JOINERS}]+|(\\S)[{JOINERS}]+(?!\\S)")
# The right-to-left override makes an address read differently from what is stored.
_REVERSING = "\u202e"
_VIRAMA = 9
# Invisible marks: the combining grapheme joiner and two Khmer vowels.
_FIRST_UNSEEN = "\u034f"
_UNSEEN_MARKS = dict.fromkeys(map(ord, f"{_FIRST_UNSEEN}\u17b4\u17b5"))


def clean_line(text: str) -> str:
    """A text as one line, as its author sees it.

    Removes control, formatting and bidirectional characters and surrounding white space, and turns each run
    of white space into one space. Letters are not normalized: NFC would replace the variant of a Chinese
    character that a family uses with the common one.
    """
    if text.isprintable() and max(text, default="") < _FIRST_UNSEEN:
        return " ".join(text.split())
    text = _BLANKS.sub(" ", text.translate(_UNSEEN_MARKS))
    seen = (letter for letter in remove_invisible(text) if letter.isspace() or not _is_control(letter))
    text = " ".join("".join(seen).split())
    return " ".join(_EDGE_JOINERS.sub(_without_joiners, text).split())


def clean_text(text: str, longest: int) -> str:
    """A text without control and invisible characters, of at most ``longest`` characters. Unlike
    ``clean_line`` it keeps white space, because a status is forwarded verbatim.

    A cut never makes a known status of a longer text. Runs of 20 or more characters without a letter or digit
    become an ellipsis first, so that "Clear", a thousand dots and "except" still reads "Clear … except".
    """
    text = remove_invisible(CONTROL_CHARACTERS.sub(" ", text))
    if len(text) > _LONG:
        text = _LONG_RUN.sub(" … ", text)
    return text[:longest]


def clean_address(text: str) -> str:
    """An e-mail address as its author sees it; empty if it displays differently from what it is.

    White space inside is never removed: that could join two addresses, or make another person's.
    """
    if text.isascii() and text.isprintable():
        return clean_line(text)
    # White space and zero-width characters may alternate around a pasted address.
    inside = strip_invisible(text)
    if _REVERSING in text or any(_is_control(letter) and not letter.isspace() for letter in inside):
        return ""
    return clean_line(text)


def clean_value(value: Any) -> Any:
    """A copy of a JSON value whose texts any database accepts: without control characters and lone
    surrogates. Line ends and white space stay, because a long answer may need them."""
    if isinstance(value, dict):
        return {name: clean_value(part) for name, part in value.items()}
    if isinstance(value, list):
        return [clean_value(part) for part in value]
    if isinstance(value, str) and not value.isprintable():
        return "".join(letter for letter in value if letter in "\t\n\r" or not _is_control(letter))
    return value


def same_text(text: str) -> str:
    """A form in which two texts that read the same are equal. For comparing, never for sending."""
    return unicodedata.normalize("NFC", clean_line(text)).casefold()


def has_letter(text: str) -> bool:
    """Whether a cleaned text has a letter of any script. Digits, punctuation and emoji are not a name."""
    return any(unicodedata.category(character).startswith("L") for character in text)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")


def _without_joiners(found: re.Match[str]) -> str:
    before = found[1] or ""
    return found[0] if before and unicodedata.combining(before) == _VIRAMA else before
