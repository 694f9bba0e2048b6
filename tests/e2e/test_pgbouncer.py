"""The whole portal behind a real PgBouncer in transaction mode, with fewer connections than threads."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.e2e.browser import Browser
from tests.e2e.processes import Employer, Portal, eventually
from tests.fixtures.portals import fresh_database, fresh_redis
from tests.fixtures.postgresql_servers import own_pgbouncer

pytestmark = [pytest.mark.journey, pytest.mark.services, pytest.mark.xdist_group("foreground")]

PASSWORD = "a long password of the tests"  # nosec B105 # noqa: S105 - of nobody
CHECKS = 12


def test_orders_run_to_completion_behind_pgbouncer(tmp_path) -> None:
    """All processes place, track and deliver orders concurrently; exports and commands read many rows. A
    transaction has the same time limits as without PgBouncer."""
    with (
        fresh_database() as database_url,
        own_pgbouncer(database_url, connections=3) as pooled_url,
        fresh_redis(tmp_path) as (broker, cache),
        Portal(tmp_path, DATABASE_URL=pooled_url, CELERY_BROKER_URL=broker, CACHE_URL=cache) as portal,
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
        assert _exported(portal).count("Clear") == CHECKS
        assert _time_limits(portal) == "10s 20s"
        portal.manage("verify_audit")
        portal.manage("reconcile", employer.slug)
        with psycopg.connect(database_url) as connection:
            (connections,) = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            ).fetchone()
        assert connections <= 3 + 1, "PgBouncer's, and this one"


def _time_limits(portal: Portal) -> str:
    """The time limits of a transaction: waiting for a lock, and being idle."""
    file = portal.folder / "limits"
    code = f"from tests.e2e import console_commands; console_commands.read_time_limits({str(file)!r})"
    portal.manage("shell", "--verbosity", "0", "-c", code)
    return file.read_text()


def _exported(portal: Portal) -> str:
    portal.manage(
        *("createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.com"),
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    browser = Browser(portal.url)
    browser.submit("/admin/login/", username="ada", password=PASSWORD)
    return browser.get("/admin/assessments/order/export/").text
