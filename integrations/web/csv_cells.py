"""Escapes cells of files that people open in a spreadsheet."""

import re

from integrations.text import INVISIBLE, JOINERS

#: Characters with which a spreadsheet begins a formula, also in full width.
_FORMULA = r"[=+\-@|%＝＋－＠]"
#: Characters that may precede it without being visible.
_UNSEEN = rf"[\s{INVISIBLE}{JOINERS}\"']*"
_AT_THE_BEGINNING = re.compile(rf"{_UNSEEN}{_FORMULA}|[\t\r\n]")
# In locales with a decimal comma, a spreadsheet splits lines at semicolons or tabs, so a formula can begin
# inside a cell.
_INSIDE = re.compile(rf"([;\t\r\n]{_UNSEEN})(?={_FORMULA})")


def escape_csv_cell(value: str) -> str:
    """Return the value with an apostrophe wherever a spreadsheet would begin a formula. [OWASP, "CSV
    Injection"]"""
    marked = f"'{value}" if _AT_THE_BEGINNING.match(value) else value
    return _INSIDE.sub(r"\1'", marked)


# Month names that Excel and LibreOffice recognize in common languages: "SEP-1" is a date.
_MONTH = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mrz|mai|okt|dez|ene|abr|ago|dic|"
    "fév|fev|avr|jui|aoû|déc|gen|mag|giu|lug|set|ott|out"
)
_LIKE_A_VALUE = re.compile(
    rf"[\d\s.,:/+\-%()$€£¥]*\d[\d\s.,:/+\-%()$€£¥]*"  # 00123, 1-2, 3/4, 1.5.26, 12:30, 10%
    rf"|\s*[\d.,\s]+[ed]\s*[+-]?\d+\s*"  # 1E5
    rf"|\d[\d:.]*\s+[ap]\.?(?:m\.?)?"  # 5 PM
    rf"|[\d\s.,/\-]*(?:{_MONTH})[^\W\d_]*[\d\s.,/\-]*\d[\d\s.,/\-]*|\d[\d\s.,/\-]*(?:{_MONTH})[^\W\d_]*\.?"
    rf"|true|false",
    re.IGNORECASE,
)


def identifier(value: str) -> str:
    """Return an ID, with a leading apostrophe if a spreadsheet would read it as a number or a date and change
    it: drop leading zeros, round it to 15 digits, or write 1E5 as 100000. Programs that read the file remove
    an apostrophe at the beginning of a cell, as for ``escape_csv_cell``."""
    return f"'{value}" if _LIKE_A_VALUE.fullmatch(value) and escape_csv_cell(value) == value else value
