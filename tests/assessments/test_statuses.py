"""THE table: Justifacts' words, our statuses, Ashby's labels."""

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
    ("word", "status"),
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
        lambda word: word.replace(" ", "_").replace(":", ""),
        lambda word: f"  {word.replace(' ', '  ')}.\n",
        lambda word: word.replace(" ", "-"),
        lambda word: word.replace(" ", "\u00a0"),
        lambda word: word.replace(":", "\uff1a"),
        lambda word: word.title().replace(" ", ""),
        lambda word: "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in word),
        lambda word: f"\ufeff{word[:4]}\u200b{word[4:]}...",
    ],
    ids=[
        *("as is", "upper", "lower", "underscores", "spaces", "hyphens", "no-break"),
        *("full-width colon", "camel case", "full width", "invisible"),
    ],
)
def test_a_word_of_justifacts_is_known_in_any_spelling(word: str, status: Status, spelt) -> None:
    assert status_of(spelt(word)) == status


@pytest.mark.parametrize(
    "word",
    ["", "...", "Started", "In Process", "InProcess", "Not complete", "Completely", "Complet", "Rejected"],
)
def test_another_word_is_not_guessed_at(word: str) -> None:
    assert status_of(word) is None


@pytest.mark.parametrize(
    ("word", "result"),
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
def test_a_result_keeps_justifacts_own_word(word: str, result: str) -> None:
    assert result_of(word) == result


@pytest.mark.parametrize("current", Status)
@pytest.mark.parametrize("new", Status)
def test_forward_only_and_nothing_follows_an_end(current: Status, new: Status) -> None:
    forward = current not in ENDED and (new in ENDED or ORDER.index(new) > ORDER.index(current))
    assert may_follow(current, new) == forward


def test_every_status_that_justifacts_can_name_has_its_labels() -> None:
    assert ASHBY_LABELS[Status.APPLICANT_STARTED] == ("Started", "Applicant Started")
    for status, labels in ASHBY_LABELS.items():
        assert status_of(labels[-1]) == status


def test_words_in_other_scripts_are_words() -> None:
    assert normalised("Überprüfung:  läuft!") == "überprüfungläuft"
