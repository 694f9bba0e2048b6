"""Cells of files that people open in a spreadsheet."""

import re

#: What a spreadsheet takes for the beginning of a formula, also written in full width.
_FORMULA = r"[=+\-@|%＝＋－＠]"
#: What may stand before it unseen.
_UNSEEN = r"[\s\u00a0\u200b-\u200d\u2060\ufeff\"']*"
_AT_THE_BEGINNING = re.compile(rf"{_UNSEEN}{_FORMULA}|[\t\r\n]")
# Where people write 1,5 for one and a half, a spreadsheet splits lines at semicolons or tabs: then a
# formula can begin inside a cell, too.
_INSIDE = re.compile(rf"([;\t\r\n]{_UNSEEN})(?={_FORMULA})")


def harmless(value: str) -> str:
    """The text, marked as text where a spreadsheet would calculate it. (OWASP, "CSV injection")"""
    marked = f"'{value}" if _AT_THE_BEGINNING.match(value) else value
    return _INSIDE.sub(r"\1'", marked)
