"""Invisible characters: one list, for everything that reads text from outside."""

import re
import sys
import time
import unicodedata

import pytest

from integrations.text import INVISIBLE, JOINERS, remove_invisible, strip_invisible


def test_every_format_character_of_unicode_is_removed_except_joiners() -> None:
    """The list is written out, because asking Unicode for it would slow down each start of a process."""
    characters = map(chr, range(sys.maxunicode + 1))
    formatting = "".join(one for one in characters if unicodedata.category(one) == "Cf")
    assert remove_invisible(formatting) == JOINERS


def test_no_invisible_character_is_printable() -> None:
    """Printable texts are left as they are without a further look."""
    assert [text for text in map(chr, range(sys.maxunicode + 1)) if _is_skipped_wrongly(text)] == []


def _is_skipped_wrongly(text: str) -> bool:
    return text.isprintable() and (
        re.search(f"[{INVISIBLE}]", text) or unicodedata.category(text) in ("Cc", "Cs")
    )


@pytest.mark.parametrize("text", ["Zoë", "نام‌خانوادگی", "a b\n", "=1+1", "王小明", "🙂"])
def test_letters_blanks_and_joiners_stay(text: str) -> None:
    assert remove_invisible(text) == text


def test_invisible_characters_are_stripped_from_the_edges_only() -> None:
    unseen = "\t\u200b \u00a0\u200d\r\n\ufeff"
    assert strip_invisible(f"{unseen}a{unseen}b{unseen}") == f"a{unseen}b"


def test_a_long_run_of_blanks_is_stripped_in_linear_time() -> None:
    """An anchored pattern takes half a minute for this."""
    text = f"a{' ' * 100_000}b"
    began = time.perf_counter()
    assert strip_invisible(text) == text
    assert time.perf_counter() - began < 1
