"""The card that Ashby shows, computed from delivered updates."""

from typing import Any

from assessments.outbox.card import build_card
from tests.fixtures.world import data


def update(at: int, **slots: Any) -> dict[str, Any]:
    return {"assessment_id": "a", "timestamp": at * 1000, **slots}


def test_the_card_shows_the_last_status() -> None:
    card = build_card(
        [
            update(1, assessment_status=data("status", "Sending to Justifacts")),
            update(2, assessment_status=data("status", "Justifacts Received")),
        ]
    )
    assert card.status == "Justifacts Received"
    assert card.changed_at
    assert card.changed_at.timestamp() == 2
    assert not card.has_ended


def test_a_completed_check_has_a_result_a_report_and_a_turnaround() -> None:
    card = build_card(
        [
            update(
                1,
                assessment_status=data("status", "Complete"),
                assessment_result=data("result", "Clear"),
                assessment_profile_url=data("report", "https://justifacts.test/r/1", "url"),
                metadata=[
                    data("package", "Basic"),
                    data("turnaround", 3 * 24 * 60 + 125, "numeric_duration_minutes"),
                ],
            )
        ]
    )
    assert (card.result, card.report_url) == ("Clear", "https://justifacts.test/r/1")
    assert card.metadata == (("Package", "Basic"), ("Turnaround", "3 d 2 h 5 min"))
    assert card.has_ended


def test_metadata_stays_until_an_update_replaces_it() -> None:
    card = build_card([update(1, metadata=[data("package", "Basic")]), update(2)])
    assert card.metadata == (("Package", "Basic"),)


def test_a_cancelled_check_shows_the_reason() -> None:
    assert build_card([update(1, cancelled_reason=data("reason", "Withdrew"))]).cancelled == "Withdrew"


def test_only_a_safe_url_becomes_a_link() -> None:
    card = build_card([update(1, assessment_profile_url=data("report", "javascript:alert(1)", "url"))])
    assert card.report_url == ""
