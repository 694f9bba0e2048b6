"""Cells of files that people open in a spreadsheet."""

import re

from integrations.text import INVISIBLE, JOINERS

#: What a spreadsheet takes for the beginning of a formula, also written in full width.
_FORMULA = r"[=+\-@|%＝＋－＠]"
#: What may stand before it unseen.
_UNSEEN = rf"[\s{INVISIBLE}{JOINERS}\"']*"
_AT_THE_BEGINNING = re.compile(rf"{_UNSEEN}{_FORMULA}|[\t\r\n]")
# Where people write 1,5 for one and a half, a spreadsheet splits lines at semicolons or tabs: then a
# formula can begin inside a cell, too.
_INSIDE = re.compile(rf"([;\t\r\n]{_UNSEEN})(?={_FORMULA})")


def escape_csv_cell(value: str) -> str:
    """The text, marked as text where a spreadsheet would calculate it. (OWASP, "CSV injection")"""
    marked = f"'{value}" if _AT_THE_BEGINNING.match(value) else value
    return _INSIDE.sub(r"\1'", marked)


# The months as Excel and LibreOffice read them in the languages of most of their users: "SEP-1" is a date.
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
    """An id, marked as text if a spreadsheet would take it for a number or a date and change it: drop its
    leading zeros, round it to 15 digits, or write 1E5 as 100000. The mark is an apostrophe at the beginning,
    as in ``escape_csv_cell``: programs that read the file drop one from the beginning of any cell."""
    return f"'{value}" if _LIKE_A_VALUE.fullmatch(value) and escape_csv_cell(value) == value else value
