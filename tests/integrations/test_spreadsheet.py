"""No text becomes a formula, in whatever way a spreadsheet splits the line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.spreadsheet import harmless

SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1", "'+49 30 1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("＝1", "'＝1"),
        (" \u200b=1", "' \u200b=1"),
        ("\t=1", "'\t'=1"),
        ("\nx", "'\nx"),
        ("=1;=2", "'=1;'=2"),
        (";=1", ";'=1"),
        ("Ann; =HYPERLINK(1)", "Ann; '=HYPERLINK(1)"),
        ('x";"=1', 'x";"\'=1'),
        ("two\n=1", "two\n'=1"),
    ],
)
def test_a_formula_is_marked_as_text(text: str, cell: str) -> None:
    assert harmless(text) == cell


@pytest.mark.parametrize(
    "text", ["", "O'Neil", "Zoë", "a-b", "1 = 1", "x; y", "2026-03-02T09:00:00+00:00", "https://a.test/?b=c"]
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@given(st.lists(st.text("=+-@|%;,\t\r\n\"' xé＝", max_size=12), min_size=1, max_size=4))
@pytest.mark.parametrize("splits_at", [",", ";", "\t"])
def test_no_cell_begins_with_a_formula(splits_at: str, texts: list[str]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([harmless(text) for text in texts])
    file.seek(0)
    for row in csv.reader(file, delimiter=splits_at):
        assert not [cell for cell in row if cell.lstrip(' \t\r\n"').startswith(SIGNS)]
