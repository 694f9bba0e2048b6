"""The alert rules, and a real Prometheus that scrapes a running portal."""

import re
import shutil
import subprocess  # nosec B404 # the tests start Prometheus and its tools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.portal.processes import ROOT, Employer, Portal, eventually, free_port
from tests.fixtures.servers.portals import on_embedded
from tests.fixtures.servers.services import missing

FOLDER = ROOT / "deploy" / "prometheus"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def tool(name: str) -> str:
    found = shutil.which(name)
    return found or missing(f"{name} is not installed")


@pytest.mark.services
def test_each_alert_fires_for_what_it_is_for_and_none_while_all_is_healthy() -> None:
    for arguments in (
        ["check", "rules", str(FOLDER / "alerts.yml")],
        ["test", "rules", "tests/deploy/alerts.yml"],
    ):
        done = subprocess.run(  # nosec B603 # noqa: S603 - no shell
            [tool("promtool"), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_section_in_the_runbook() -> None:
    alerts = re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text())
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == alerts
    links = re.findall(r"runbook: docs/runbook.md#(\w+)", (FOLDER / "alerts.yml").read_text())
    assert links == [alert.lower() for alert in alerts]


@pytest.fixture
def prometheus(portal: Portal, tmp_path: Path) -> Iterator[str]:
    """Prometheus with the shipped configuration, at the addresses of ``portal``."""
    text = (FOLDER / "prometheus.yml").read_text()
    text = text.replace("portal.example.com:8000", f"127.0.0.1:{portal.port}")
    text = text.replace("worker.example.com:9101", portal.environment["WORKER_METRICS_ADDRESS"])
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n" + text
    )
    (tmp_path / "portal-token").write_text(portal.environment["METRICS_TOKEN"])
    shutil.copy(FOLDER / "alerts.yml", tmp_path)
    port = free_port()
    process = subprocess.Popen(  # nosec B603 # noqa: S603 - no shell
        [
            *(tool("prometheus"), f"--config.file={tmp_path}/prometheus.yml"),
            *(f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def query(prometheus: str, text: str) -> list[dict[str, Any]]:
    try:
        answer = requests.get(f"{prometheus}/api/v1/query", params={"query": text}, timeout=5)
    except requests.ConnectionError:
        return []
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


@on_embedded
@pytest.mark.services
def test_prometheus_sees_the_portal_at_work(portal: Portal, prometheus: str) -> None:
    employer = Employer(portal)
    employer.start()
    up = 'up{job=~"portal-.*"} == 1'
    eventually(lambda: len(query(prometheus, up)) == 2, "both jobs are scraped", 60)
    delivered = 'portal_partner_call_seconds_count{call="assessment.update", outcome="answered"} > 0'
    eventually(lambda: query(prometheus, delivered), "a delivery to Ashby is counted", 60)
    used = set(re.findall(r"\bportal_\w+", (FOLDER / "alerts.yml").read_text()))
    counted_later = {"portal_rate_limited_calls_total", "portal_lease_takeovers_total"}
    names = {each["metric"]["__name__"] for each in query(prometheus, '{__name__=~"portal_.*"}')}
    assert used - counted_later <= names
    shown = str(query(prometheus, '{__name__=~"portal_.*"}'))
    assert employer.slug not in shown
