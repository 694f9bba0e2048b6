"""An upgrade on PostgreSQL with 100,000 orders blocks nobody for long."""

import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
import threading
import time
import uuid
from pathlib import Path

import psycopg
import pytest

from tests.fixtures.services import POSTGRESQL, missing

#: The migrations of version 0.2.
_BEFORE = (("integrations", "0003"), ("assessments", "0007"))
#: ``UPGRADE_ORDERS=100000`` takes minutes, most of them for search terms; the locks are the same.
_ORDERS = int(os.environ.get("UPGRADE_ORDERS", "2000"))
_BAR_SECONDS = 2.0

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
            while not self._end.is_set():
                began = time.monotonic()
                number = f"JF-{1 + self.calls % _ORDERS}"
                connection.execute(
                    "UPDATE assessments_order SET last_sequence = last_sequence + 1 "
                    "WHERE justifacts_order_id = %s AND organization_id = %s",
                    (number, 1 + (1 + self.calls % _ORDERS) % 20),
                )
                self.calls += 1
                self.longest = max(self.longest, time.monotonic() - began)


@pytest.mark.services
@pytest.mark.xdist_group("postgresql")
def test_an_upgrade_with_many_orders_blocks_nobody_for_long(tmp_path: Path) -> None:
    name = f"portal_upgrade_{uuid.uuid4().hex[:8]}"
    url = f"{POSTGRESQL}/{name}"
    environment = {**os.environ, "DATABASE_URL": url, "VAR_DIR": str(tmp_path / "var")}

    def migrate(*arguments: str) -> None:
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # nosec B603 # noqa: S603 - our own command, no shell
        assert done.returncode == 0, done.stderr[-3000:]

    try:
        admin = psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        missing("PostgreSQL does not answer at TEST_DATABASE_URL")
    with admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            for app, migration in _BEFORE:
                migrate(app, migration)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(_FILL.replace("{orders}", str(_ORDERS)))
            with Passer(url) as passer:
                migrate()
            print(f"longest wait {passer.longest:.2f} s, {passer.calls} calls")
            assert passer.calls > 100
            assert passer.longest < _BAR_SECONDS, f"{passer.longest:.1f} s"
            with psycopg.connect(url, autocommit=True) as connection:
                assert connection.execute(_IN_CLEAR).fetchone() == (0,)
                assert connection.execute(_NOT_VALIDATED).fetchone() == (0,)
                assert connection.execute(_MAY_BE_PLACED_BLINDLY).fetchone() == (0,)
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
