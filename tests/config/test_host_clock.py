"""A host whose clock differs from the database's."""

from pathlib import Path

import psycopg
import pytest
import requests

from tests.e2e.portal.processes import ROOT, eventually
from tests.fixtures.servers.hosts import Host


def rows(host: Host, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(host.environment["DATABASE_URL"]) as connection:
        return connection.execute(query.encode()).fetchall()


def move(clock: Path, seconds: int) -> None:
    """At once, so that a process never reads half of it."""
    fresh = clock.with_suffix(".new")
    fresh.write_text(str(seconds))
    fresh.replace(clock)


@pytest.mark.services
@pytest.mark.xdist_group("services")
def test_a_host_whose_clock_is_off_says_so_and_takes_no_work_until_it_is_corrected(
    hosts: tuple[Host, Host], tmp_path: Path
) -> None:
    host, web = hosts
    clock = tmp_path / "clock"
    move(clock, 30)
    moved = {"PYTHONPATH": str(ROOT / "tests" / "chaos" / "clock"), "CHAOS_CLOCK": str(clock)}
    host.start("worker", MIGRATE="off", **moved)
    host.start("scheduler", MIGRATE="off", **moved)
    web.start("web", MIGRATE="off", **moved)
    far_ahead = "SELECT kind FROM assessments_processheartbeat WHERE clock_offset > 10"
    both = {("scheduler",), ("worker",)}
    eventually(lambda: set(rows(host, far_ahead)) == both, "both processes record it", 60)
    for role in ("worker", "scheduler"):
        text = "s ahead of the database's: its workers and schedulers take no work until it is corrected"
        assert text in host.log(role).read_text()
    eventually(lambda: web.status("live") == 200, "the web process answers", 60)
    parts = requests.get(f"http://127.0.0.1:{web.port}/health/status", timeout=10).json()["parts"]
    assert not parts["clocks"]["ok"]
    assert "s ahead of the database's" in parts["clocks"]["detail"]
    assert "the clock of this host is" in web.log("web").read_text(), "a web process logs it too"
    beats = "SELECT name FROM assessments_heartbeat"
    assert rows(host, beats) == [], "no tick was sent or taken"
    move(clock, 0)
    eventually(lambda: both <= set(rows(host, beats)), "both take work again", 60)
