"""An upgrade encrypts what is stored of candidates, going on where it was stopped; and can be taken back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.portal.processes import Portal

_BEFORE, _AFTER = "0012_key_rotation_for_people", "0013_candidates_encrypted"
#: More than two batches, of which the first is complete when the upgrade is stopped.
_ORDERS = 210
_FILL = """
INSERT INTO integrations_organization (id, name, slug, created_at) VALUES (1, 'Acme', 'acme', '2026-01-01');
INSERT INTO integrations_package (id, organization_id, assessment_type_id, justifacts_id, name, description,
        ashby_name, is_active, is_default)
    VALUES (1, 1, '0123456789abcdef0123456789abcdef', 'P', 'Basic', '', '', 1, 0);
INSERT INTO assessments_order (assessment_id, organization_id, package_id, by_job_mapping, application_id,
        job_id, job_name, candidate_id, candidate_first_name, candidate_last_name, candidate_email,
        candidate_profile_url, application, job, additional_fields, status, status_since, justifacts_status,
        status_is_unknown, justifacts_timestamp, justifacts_order_id, result, report_url, end_reason,
        attention_concern, needs_attention, attention_reason, created_at, completed_at, next_call,
        call_failures, call_error, not_found_count, last_timestamp, last_sequence, still_reason, still_told)
    SELECT printf('%032x', value), 1, 1, 0, 'a-' || value, 'job', 'Cook', 'c', 'Zoë', 'Canaryson' || value,
        'canary' || value || '@mail.test', 'https://ashby.test/canary', '{"ashby_id": "a"}', '{}',
        '{"city": "Canaryville"}', 'complete', '2026-01-02', 'Complete', 0, 1, 'JF-' || value, 'Clear',
        'https://reports.test/canary', '', '', 0, '', '2026-01-01', '2026-01-02', '', 0, '', 0, 1, 1, '', ''
    FROM series;
INSERT INTO assessments_update (order_id, sequence, timestamp, payload, summary, state, created_at, due_at,
        attempt_count, delivered_at, last_error, warnings)
    SELECT assessment_id, 1, 1, '{"link": "https://reports.test/canary"}', 'Complete', 'delivered',
        '2026-01-01', '2026-01-01', 1, '2026-01-01', '', '[]' FROM assessments_order;
"""
_SHOW = """
from django.core.management import call_command
from assessments.models import Order
from assessments.search import matches
order = Order.objects.get(matches("canary7@mail.test", Order.objects.all()))
with open("{file}", "w") as file:
    print(order.candidate_name, order.report_url, file=file)
    call_command("rotate_encryption_keys", "--check", stdout=file)
"""
_SHOWN = (
    *("candidate_last_name", "candidate_email", "candidate_profile_url", "application", "job"),
    *("additional_fields", "report_url", "end_reason"),
)


class Upgraded(Portal):
    """A portal of which only commands run, on a database file."""

    @property
    def file(self) -> Path:
        return self.folder / "var" / "portal.sqlite3"

    def migrate(self, *to: str) -> None:
        self.manage("migrate", "--verbosity", "0", *to)

    def execute(self, script: str) -> None:
        with closing(sqlite3.connect(self.file)) as database:
            _make_series(database)
            database.executescript(script)

    def rows(self, columns: tuple[str, ...] = _SHOWN, table: str = "assessments_order") -> list[Any]:
        with closing(sqlite3.connect(self.file)) as database:
            return database.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1").fetchall()  # nosec B608 # noqa: S608 - names of our own tables

    def files_that_hold(self, text: str) -> list[str]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [path.name for path in files if text.lower().encode() in path.read_bytes().lower()]


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Upgraded]:
    portal = Upgraded(tmp_path)
    yield portal
    portal.end_all()


@pytest.mark.xdist_group("long")
def test_an_upgrade_encrypts_every_candidate_and_can_be_taken_back(portal: Upgraded) -> None:
    portal.migrate("assessments", _BEFORE)
    portal.execute(_FILL)
    before = portal.rows()
    assert portal.files_that_hold("canary")

    portal.execute(
        "CREATE TRIGGER stop BEFORE UPDATE ON assessments_order "
        "WHEN OLD.candidate_last_name = 'Canaryson150' BEGIN SELECT RAISE(ABORT, 'stopped'); END"
    )
    with pytest.raises(AssertionError, match="stopped"):
        portal.migrate()
    assert {row[0][:5] for row in portal.rows(("candidate_last_name",))} == {"gAAAA", "Canar"}, "halfway"
    portal.execute("DROP TRIGGER stop")

    portal.migrate("assessments", _AFTER)
    assert portal.files_that_hold("canary") == []
    assert len(portal.rows(("order_id",), "assessments_candidatesearchterm")) > _ORDERS * 8
    portal.migrate("assessments", _BEFORE)
    assert portal.rows() == before

    portal.migrate()
    assert portal.files_that_hold("canary") == []
    shown = portal.folder / "shown"
    portal.manage("shell", "--verbosity", "0", "-c", _SHOW.format(file=shown))
    assert "Zoë Canaryson7 https://reports.test/canary" in shown.read_text()
    assert "All data uses the first key" in shown.read_text()


def _make_series(database: sqlite3.Connection) -> None:
    database.execute("CREATE TEMP TABLE series (value INTEGER)")
    database.executemany("INSERT INTO series VALUES (?)", [(number,) for number in range(1, _ORDERS + 1)])
