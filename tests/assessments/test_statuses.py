"""The table of statuses: Justifacts' texts, our statuses and the labels for Ashby."""

import pytest

from assessments.statuses import (
    ASHBY_LABELS,
    ENDED,
    Status,
    may_follow,
    normalised,
    result_of,
    status_of,
)

ORDER = [Status.ACCEPTED, Status.RECEIVED, Status.APPLICANT_STARTED, Status.IN_PROCESS]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Justifacts Received", Status.RECEIVED),
        ("Initiated", Status.RECEIVED),
        ("Applicant Started", Status.APPLICANT_STARTED),
        ("In Process: Justifacts", Status.IN_PROCESS),
        ("Complete", Status.COMPLETE),
        ("Completed", Status.COMPLETE),
        ("Cancelled", Status.CANCELLED),
        ("Canceled", Status.CANCELLED),
    ],
)
@pytest.mark.parametrize(
    "spelt",
    [
        str,
        str.upper,
        str.lower,
        lambda text: text.replace(" ", "_").replace(":", ""),
        lambda text: f"  {text.replace(' ', '  ')}.\n",
        lambda text: text.replace(" ", "-"),
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace(":", "\uff1a"),
        lambda text: text.title().replace(" ", ""),
        lambda text: "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in text),
        lambda text: f"\ufeff{text[:4]}\u200b{text[4:]}...",
    ],
    ids=[
        *("as is", "upper", "lower", "underscores", "spaces", "hyphens", "no-break"),
        *("full-width colon", "camel case", "full width", "invisible"),
    ],
)
def test_a_status_of_justifacts_is_recognized_in_any_spelling(text: str, status: Status, spelt) -> None:
    assert status_of(spelt(text)) == status


@pytest.mark.parametrize(
    "text",
    ["", "...", "Started", "In Process", "InProcess", "Not complete", "Completely", "Complet", "Rejected"],
)
def test_an_unknown_status_is_not_guessed(text: str) -> None:
    assert status_of(text) is None


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Clear", "Clear"),
        (" CLEAR ", "Clear"),
        ("review.", "Review"),
        ("aDverse", "Adverse"),
        ("Clear (amended)", "Clear (amended)"),
        (" Eligible For Hire ", "Eligible For Hire"),
        ("Not clear", "Not clear"),
    ],
)
def test_a_result_keeps_its_wording(text: str, result: str) -> None:
    assert result_of(text) == result


@pytest.mark.parametrize("current", Status)
@pytest.mark.parametrize("new", Status)
def test_only_a_later_status_may_follow_and_none_follows_an_end(current: Status, new: Status) -> None:
    forward = current not in ENDED and (new in ENDED or ORDER.index(new) > ORDER.index(current))
    assert may_follow(current, new) == forward


def test_every_status_of_justifacts_has_labels() -> None:
    assert ASHBY_LABELS[Status.APPLICANT_STARTED] == ("Started", "Applicant Started")
    for status, labels in ASHBY_LABELS.items():
        assert status_of(labels[-1]) == status


def test_letters_of_other_scripts_are_kept() -> None:
    assert normalised("Überprüfung:  läuft!") == "überprüfungläuft"
