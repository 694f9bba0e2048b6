"""No text becomes a formula, in whatever way a spreadsheet splits the line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.web.csv_export import escape_csv_cell, identifier

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
    assert escape_csv_cell(text) == cell


@pytest.mark.parametrize(
    "text", ["", "O'Neil", "Zoë", "a-b", "1 = 1", "x; y", "2026-03-02T09:00:00+00:00", "https://a.test/?b=c"]
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert escape_csv_cell(text) == text


@given(st.lists(st.text("=+-@|%;,\t\r\n\"' xé＝", max_size=12), min_size=1, max_size=4))
@pytest.mark.parametrize("splits_at", [",", ";", "\t"])
def test_no_cell_begins_with_a_formula(splits_at: str, texts: list[str]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([escape_csv_cell(text) for text in texts])
    file.seek(0)
    for row in csv.reader(file, delimiter=splits_at):
        assert not [cell for cell in row if cell.lstrip(' \t\r\n"').startswith(SIGNS)]


@pytest.mark.parametrize(
    "value",
    [
        *("0", "00123", "12345678901234567890", "1E5", "1e+10", "12.50", "1,5", "3-4", "1/2", "2026-03-02"),
        *("12:30", "10%", "5 PM", "9 a", "SEP-1", "1-Mar", "dec1", "3 Mai 2026", "TRUE", "false", "1.2.3"),
    ],
)
def test_an_id_that_a_spreadsheet_would_change_is_marked_as_text(value: str) -> None:
    assert identifier(value) == f"'{value}"
    assert escape_csv_cell(identifier(value)) == f"'{value}", "marked once"


@pytest.mark.parametrize(
    "value",
    [
        *("", "JF-2026-1", "ORD-00123", "job-1", "A123", "123A", "x1e5", "march-hare", "maybe"),
        *("12345678-1234-4321-8765-1234567890ab", "1e100000-0000-4000-8000-000000000000", "O'Neil"),
    ],
)
def test_any_other_id_stays_as_it_is(value: str) -> None:
    assert identifier(value) == value


@pytest.mark.parametrize("value", ["-5", "+49", "=1+1", "@x", "%1"])
def test_an_id_that_begins_like_a_formula_is_marked_once(value: str) -> None:
    assert escape_csv_cell(identifier(value)) == f"'{value}"


@given(st.text("0123456789eE-+./:, ", min_size=1, max_size=25))
def test_no_id_is_read_as_a_number(value: str) -> None:
    cell = escape_csv_cell(identifier(value))
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return
    raise AssertionError(cell)
