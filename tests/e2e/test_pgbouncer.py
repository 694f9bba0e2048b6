"""The whole portal behind a real PgBouncer in transaction mode, with fewer connections than threads."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.e2e.portal.browser import Browser
from tests.e2e.portal.processes import Employer, Portal, eventually
from tests.fixtures.servers.portals import fresh_database, fresh_redis
from tests.fixtures.servers.postgresql_servers import own_pgbouncer

pytestmark = [pytest.mark.journey, pytest.mark.services, pytest.mark.xdist_group("services")]

CHECKS = 12


def test_orders_run_to_completion_behind_pgbouncer(tmp_path) -> None:
    """All processes place, track and deliver orders concurrently; exports and commands read many rows. A
    transaction has the same time limits as without PgBouncer."""
    with (
        fresh_database() as database_url,
        own_pgbouncer(database_url, connections=3) as pooled_url,
        fresh_redis(tmp_path) as (broker, cache),
        Portal(
            tmp_path, DATABASE_URL=pooled_url, CELERY_BROKER_URL=broker, CACHE_URL=cache, WEB_WORKERS="1"
        ) as portal,
    ):
        employer = Employer(portal)
        with ThreadPoolExecutor(CHECKS) as recruiters:
            checks = list(recruiters.map(lambda _: employer.start(), range(CHECKS)))
        for check in checks:
            eventually(lambda c=check: employer.justifacts_orders(c), "Justifacts has the order")
            employer.step(check, status="Complete", result="Clear")
        for check in checks:
            eventually(lambda c=check: employer.delivered(c)[-1:] == ["Complete"], "Ashby gets the end")
        assert employer.seen("ledger")["placed_twice"] == 0
        browser = Browser(portal.url, portal.sign_in_operator("ada"))
        assert browser.get("/admin/assessments/order/export/").text.count("Clear") == CHECKS
        limits = portal.run_inside("read_time_limits").decode()
        assert limits == "10s 20s", "waiting for a lock, and being idle"
        portal.manage("verify_audit")
        portal.manage("reconcile", employer.slug)
        with psycopg.connect(database_url) as connection:
            (connections,) = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            ).fetchone()
        assert connections <= 3 + 1, "PgBouncer's, and this one"
