"""An upgrade on PostgreSQL with 100,000 orders blocks nobody for long."""

import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.fixtures.servers.migrated import empty_postgresql_database

_VERSION_0_2 = Path(__file__).parent / "fixtures" / "version_0_2.sql"
#: ``UPGRADE_ORDERS=100000`` takes minutes, most of them for search terms; the locks are the same.
_ORDERS = int(os.environ.get("UPGRADE_ORDERS", "500"))
_BAR_SECONDS = 2.0
#: Between two calls of the other client: it shall find a lock, and leave the processor to the upgrade.
_PAUSE_SECONDS = 0.05

_FILL = """
INSERT INTO integrations_organization (id, name, slug, created_at)
    SELECT n, 'Org ' || n, 'org-' || n, now() FROM generate_series(1, 20) n;
INSERT INTO integrations_package (id, organization_id, assessment_type_id, justifacts_id, name, description,
        ashby_name, is_active, is_default)
    SELECT n, n, gen_random_uuid(), 'P', 'Basic', '', '', true, false FROM generate_series(1, 20) n;
INSERT INTO assessments_order (assessment_id, organization_id, package_id, by_job_mapping, application_id,
        job_id, job_name, candidate_id, candidate_first_name, candidate_last_name, candidate_email,
        candidate_profile_url, application, job, additional_fields, status, status_since, justifacts_status,
        status_is_unknown, justifacts_timestamp, justifacts_order_id, result, report_url, end_reason,
        attention_concern, needs_attention, attention_reason, created_at, completed_at, turnaround_minutes,
        next_call, call_failures, call_error, not_found_count, last_timestamp, last_sequence)
    SELECT gen_random_uuid(), 1 + n % 20, 1 + n % 20, false, 'a-' || n, 'job', 'Engineer', 'c',
        'First' || n % 100, 'Last' || n % 1000, 'c' || n || '@example.com', '', '{}', '{}', '{}',
        CASE WHEN n % 10 = 0 THEN 'in_process' ELSE 'complete' END, now() - n * interval '1 minute',
        'Complete', false, n, 'JF-' || n, 'Clear', '', '', '', false, '', now() - n * interval '1 minute',
        CASE WHEN n % 10 = 0 THEN NULL ELSE now() END, 60, '', 0, '', 0, n, 3
    FROM generate_series(1, {orders}) n;
-- Not placed yet: a tenth.
UPDATE assessments_order SET status = 'accepted', next_call = 'look_up', justifacts_order_id = '',
        justifacts_status = '', result = '' WHERE status = 'in_process';
INSERT INTO assessments_event (order_id, at, source, kind, summary)
    SELECT assessment_id, now(), 'portal',
        CASE WHEN n = 8 AND next_call = 'look_up' THEN 'placing_unknown' ELSE 'status' END, 'In process'
    FROM assessments_order, generate_series(1, 8) n;
ANALYZE;
"""


_IN_CLEAR = """
SELECT count(*) FROM assessments_order
    WHERE candidate_email NOT LIKE 'gAAAA%' OR candidate_last_name NOT LIKE 'gAAAA%'
"""

_NOT_VALIDATED = "SELECT count(*) FROM pg_constraint WHERE NOT convalidated"
_MAY_BE_PLACED_BLINDLY = "SELECT count(*) FROM assessments_order WHERE NOT may_have_been_sent"


_CALLS = (
    "UPDATE assessments_order SET last_sequence = last_sequence + 1 "
    "WHERE justifacts_order_id = %(number)s AND organization_id = %(organization)s",
    "SELECT 1 FROM integrations_organization JOIN integrations_connection "
    "ON organization_id = integrations_organization.id WHERE integrations_organization.id = %(organization)s",
)


class Passer:
    """Reads and writes one order after the other, and records the longest wait."""

    def __init__(self, url: str) -> None:
        self._url, self._end, self.longest, self.calls = url, threading.Event(), 0.0, 0
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Passer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(30)

    def _work(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._end.wait(_PAUSE_SECONDS):
                order = 1 + self.calls % _ORDERS
                for call in _CALLS:
                    began = time.monotonic()
                    connection.execute(call, {"number": f"JF-{order}", "organization": 1 + order % 20})
                    self.longest = max(self.longest, time.monotonic() - began)
                self.calls += 1


@pytest.mark.services
@pytest.mark.xdist_group("services")
def test_an_upgrade_with_many_orders_blocks_nobody_for_long(tmp_path: Path) -> None:
    with empty_postgresql_database("portal_upgrade") as url:
        _fill(url)
        with Passer(url) as passer:
            _migrate(url, tmp_path)
        print(f"longest wait {passer.longest:.2f} s, {passer.calls} calls")
        assert passer.calls > 50
        assert passer.longest < _BAR_SECONDS, f"{passer.longest:.1f} s"
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute(_IN_CLEAR).fetchone() == (0,)
            assert connection.execute(_NOT_VALIDATED).fetchone() == (0,)
            assert connection.execute(_MAY_BE_PLACED_BLINDLY).fetchone() == (0,)


def _fill(url: str) -> None:
    """Load the database of version 0.2. A commit in it does not wait for the disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_VERSION_0_2.read_bytes())
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_FILL.replace("{orders}", str(_ORDERS)).encode())


def _migrate(url: str, folder: Path) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    environment = {**os.environ, "DATABASE_URL": url, "VAR_DIR": str(folder / "var")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # nosec B603 # noqa: S603 - our own command, no shell
    assert done.returncode == 0, done.stderr[-3000:]
