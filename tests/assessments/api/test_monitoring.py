"""Health checks and metrics for the operator's monitoring."""

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError
from prometheus_client.parser import text_string_to_metric_families

from assessments import tasks
from assessments.models import Heartbeat, Order, ProcessHeartbeat
from config.celery import app
from tests.fixtures.statements import before_statement, fails
from tests.fixtures.world import World

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def heartbeats(db) -> None:
    for name in ("worker", "scheduler"):
        Heartbeat.beat(name, NINE)


def failing_checks(client) -> set[str]:
    """The failing checks of /health/status, which answers 503 exactly if there are any."""
    answer = client.get("/health/status")
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/json"
    assert set(body["parts"]) == {
        *("database", "broker", "worker", "scheduler", "clocks", "oldest_due_work", "recovery_log")
    }
    names = {name for name, part in body["parts"].items() if not part["ok"]}
    assert answer.status_code == (503 if names else 200)
    assert body["status"] == ("unavailable" if names else "ok")
    assert all(part["detail"] for part in body["parts"].values())
    return names


def test_live_reports_that_the_web_process_answers(client) -> None:
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_the_status_is_ok_if_everything_works(client, heartbeats) -> None:
    assert failing_checks(client) == set()


def test_a_new_portal_without_heartbeats_is_unavailable(client, db) -> None:
    assert failing_checks(client) == {"worker", "scheduler"}


@pytest.mark.parametrize("late", ["worker", "scheduler"])
def test_a_process_without_a_recent_heartbeat_is_named(client, heartbeats, clock, late: str) -> None:
    clock.shift(29)
    assert failing_checks(client) == set()
    other = {"worker": "scheduler", "scheduler": "worker"}[late]
    clock.shift(1)
    Heartbeat.beat(other, datetime.now(UTC))
    assert failing_checks(client) == {late}


def test_the_sweep_writes_the_heartbeat(client, heartbeats, clock) -> None:
    clock.shift(60)
    Heartbeat.beat("scheduler", datetime.now(UTC))
    tasks.sweep()
    assert failing_checks(client) == set()


@pytest.mark.parametrize("what", ["a placing", "an update", "a poll"])
def test_overdue_work_is_named(world: World, client, clock, what: str) -> None:
    if what == "a placing":
        world.start()
    else:
        order = world.placed()
    if what == "a poll":
        world.ashby_takes_everything()
        world.work()
        order.refresh_from_db()
        clock.move_to(order.next_attempt_at)
    clock.shift(timedelta(minutes=2))
    for name in ("worker", "scheduler"):
        Heartbeat.beat(name, datetime.now(UTC))
    assert failing_checks(client) == {"oldest_due_work"}


@pytest.mark.parametrize("why", ["paused", "switched off", "refused", "not yet"])
def test_work_that_is_blocked_on_purpose_is_not_overdue(world: World, client, clock, why: str) -> None:
    answers = {"paused": 403, "refused": 422, "not yet": 500, "switched off": 500}
    world.ashby("assessment.update", {"success": False}, answers[why])
    world.justifacts("assessment.status", {}, 503)
    world.placed()
    world.work()
    world.acme.connection.refresh_from_db()
    assert bool(world.acme.connection.paused_at) == (why == "paused")
    if why == "switched off":
        world.acme.connection.is_enabled = False
        world.acme.connection.save()
    if why == "not yet":
        clock.shift(4)
    else:
        clock.shift(timedelta(hours=1))
        Order.objects.update(next_attempt_at=datetime.now(UTC))
    for name in ("worker", "scheduler"):
        Heartbeat.beat(name, datetime.now(UTC))
    assert failing_checks(client) == set()


def test_metrics_hold_no_candidate_data(world: World, client, clock, heartbeats) -> None:
    world.ashby("assessment.update", {"success": False}, 403)
    order = world.placed()
    world.work()
    clock.shift(10)
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    text = answer.content.decode()
    for personal in (
        *(order.candidate_email, order.candidate_last_name, order.candidate_first_name, str(order.pk)),
        *(order.justifacts_order_id, "Acme", world.acme.ashby_key, world.acme.verification_key),
    ):
        assert personal not in text
    figures = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert figures["portal_orders", "received"] == 1
    assert figures["portal_orders", "complete"] == 0
    assert figures["portal_updates", "waiting"] == 1
    assert figures["portal_heartbeat_age_seconds", "worker"] == 10
    assert figures["portal_paused_organizations",] == 1
    assert figures["portal_orders_needing_attention",] == 0
    assert figures["portal_orders_needing_a_human",] == 0, "the old name, for one version"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/health/status", "/metrics"])
def test_monitoring_allows_only_reading(client, heartbeats, path: str) -> None:
    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200


def test_the_status_names_what_fails_and_ready_needs_the_database_alone(
    client, db, settings, tmp_path
) -> None:
    """Or a dead worker, broker or recovery log would take every web host out of the load balancer."""
    (tmp_path / "file").touch()
    settings.RECOVERY_LOG_DIR = tmp_path / "file" / "log"
    app.conf.broker_url = f"redis+socket://{tmp_path}/nobody.sock"
    assert failing_checks(client) == {"worker", "scheduler", "broker", "recovery_log"}
    answer = client.get("/health/ready")
    assert (answer.status_code, list(answer.json()["parts"])) == (200, ["database"])


def test_ready_fails_without_the_database(client, db) -> None:
    with before_statement("SELECT 1", fails(OperationalError())):
        answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["parts"]["database"]["ok"]) == (503, False)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/health/status"])
@pytest.mark.parametrize("host", ["10.1.2.3:8000", "evil.example.net", "a b"])
def test_health_checks_answer_whatever_the_host_header_says(client, heartbeats, path: str, host: str) -> None:
    assert client.get(path, headers={"host": host}).status_code == 200
    assert client.get("/admin/login/", headers={"host": host}).status_code == 400


def test_health_checks_answer_where_every_host_is_allowed(client, settings) -> None:
    """As in Kubernetes, whose probes restart a host that does not answer."""
    settings.ALLOWED_HOSTS = ["*", "portal.example.com"]
    found = client.get("/health/live", headers={"host": "10.1.2.3:8000"})
    assert (found.status_code, found.json()["status"]) == (200, "ok")


def test_two_dead_workers_of_three_are_named(client, heartbeats, clock) -> None:
    for host in ("one", "two", "three"):
        ProcessHeartbeat.objects.create(
            kind="worker", host=host, pid=7, version="0.5.0", started_at=NINE, at=NINE
        )
    assert failing_checks(client) == set()
    clock.shift(40)
    now = datetime.now(UTC)
    for name in ("worker", "scheduler"):
        Heartbeat.beat(name, now)
    ProcessHeartbeat.objects.filter(host="two").update(at=now)
    assert failing_checks(client) == {"worker"}
    found = client.get("/health/status").json()
    assert found["parts"]["worker"]["detail"] == (
        "2 of 3 do not run: one (pid 7, last seen 40 s ago), three (pid 7, last seen 40 s ago)"
    )
    assert [(row["host"], row["version"], row["ok"]) for row in found["processes"]] == [
        ("one", "0.5.0", False),
        ("three", "0.5.0", False),
        ("two", "0.5.0", True),
    ]
    clock.shift(timedelta(hours=1, minutes=1))
    Heartbeat.beat("worker", datetime.now(UTC))
    assert "worker" not in failing_checks(client), "dead processes are reported for an hour"


def test_a_process_that_starts_again_or_stops_in_an_orderly_way_is_not_reported(
    client, heartbeats, clock
) -> None:
    ProcessHeartbeat.objects.create(
        kind="worker", host=socket.gethostname(), pid=2**22 + 1, version="0.4.0", started_at=NINE, at=NINE
    )
    clock.shift(40)
    now = datetime.now(UTC)
    ProcessHeartbeat.beat(ProcessHeartbeat.Kind.WORKER, now)
    (row,) = client.get("/health/status").json()["processes"]
    assert (row["pid"], row["kind"], row["ok"]) == (os.getpid(), "worker", True)
    ProcessHeartbeat.leave(ProcessHeartbeat.Kind.WORKER)
    assert client.get("/health/status").json()["processes"] == []


def test_a_host_whose_clock_is_off_by_more_than_two_seconds_is_named(client, heartbeats) -> None:
    ProcessHeartbeat.beat(ProcessHeartbeat.Kind.WORKER, NINE, clock_offset=-2.0)
    assert failing_checks(client) == set()
    ProcessHeartbeat.beat(ProcessHeartbeat.Kind.WORKER, NINE - timedelta(seconds=4), clock_offset=-4.0)
    assert failing_checks(client) == {"clocks"}
    found = client.get("/health/status").json()
    assert found["processes"][0]["last_seen"] == "2026-03-02T09:00:00Z", "by the database's clock"
    assert found["parts"]["clocks"]["detail"] == f"{socket.gethostname()}: 4 s behind the database's"
