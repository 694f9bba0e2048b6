"""``assessment.list`` and ``assessment.start``, compared with those of the reference in turns."""

import base64
import json
import subprocess  # nosec B404 # starts this project's own commands
import sys
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from .load import PLACEHOLDER
from .stack import ROOT, VERIFICATION_KEY, Stack

CLIENTS = 16


@dataclass(frozen=True)
class Speed:
    """All rounds of one target. Latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float
    failures: int


@dataclass(frozen=True)
class Comparison:
    """The portal and the reference, and the median, lowest and highest ratio of a round."""

    portal: Speed
    reference: Speed
    ratio: float
    lowest: float
    highest: float


def compare_list(stack: Stack, rounds: int, seconds: float) -> Comparison:
    """Compare ``assessment.list``; ``seconds`` per target and round."""
    return _compared(_load(stack, _both(stack, "list", {}), rounds, seconds))


def compare_start(stack: Stack, package: str, rounds: int, seconds: float) -> Comparison:
    """Compare ``assessment.start``; ``seconds`` per target and round."""
    return _compared(_load(stack, _both(stack, "start", start_body(package)), rounds, seconds))


def start_alone(stack: Stack, package: str, seconds: float) -> Speed:
    """Measure ``assessment.start`` of the portal alone, while its workers process the orders."""
    portal, _ = _both(stack, "start", start_body(package))
    return _speed(_load(stack, [portal], 1, seconds, warm_up=0.2))


def start_body(package: str) -> dict[str, Any]:
    """The body of a start, for a new application each time."""
    return {
        "assessment_type_id": package,
        "candidate": {
            "ashby_id": PLACEHOLDER,
            "first_name": "Zoë",
            "last_name": "O'Neil-van der Berg",
            "email": "zoe.oneil@example.com",
            "ashby_profile_url": "https://app.ashbyhq.com/candidates/1",
        },
        "application": {"ashby_id": PLACEHOLDER, "status": "Active"},
        "job": {
            "ashby_id": "0b6a1d9c-5f0e-4a53-9d8f-3f6f1b0f3d11",
            "name": "Senior Backend Engineer",
            "req_id": "ENG-104",
            "ashby_job_url": "https://app.ashbyhq.com/jobs/1",
            "hiringTeam": [_member("Priya", "Raman", "Recruiter"), _member("Tomás", "Herrera", "Manager")],
        },
        "additional_fields": {"7b0e4f5e-2f3d-4a52-8a4c-6f1de3a8c001": "Illinois"},
    }


def _member(first: str, last: str, role: str) -> dict[str, str]:
    email = f"{first.lower()}@example.com"
    return {"userId": f"u-{first}", "firstName": first, "lastName": last, "email": email, "role": role}


def _both(stack: Stack, call: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    portal = {"name": "portal", "port": stack.port, "path": f"/ashby/assessment.{call}"}
    reference = {"name": "reference", "port": stack.reference_port, "path": f"/reference/{call}"}
    return [target | {"body": body} for target in (portal, reference)]


def _load(
    stack: Stack, targets: list[dict[str, Any]], rounds: int, seconds: float, warm_up: float = 1.0
) -> list[dict[str, Any]]:
    credentials = base64.b64encode(f"{VERIFICATION_KEY}:".encode()).decode()
    job = {
        "clients": CLIENTS,
        "rounds": rounds,
        "seconds": seconds,
        "warm_up_seconds": warm_up,
        "authorization": f"Basic {credentials}",
        "targets": targets,
    }
    done = subprocess.run(  # nosec B603 # our own command, no shell
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT,
        input=json.dumps(job),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=180,
    )
    measured: list[dict[str, Any]] = json.loads(done.stdout)
    for one in measured:
        if one["failures"]:
            print(f"  {one['failures']} answers of {one['name']} were not 200: {one['first_failure']}")
    return measured


def _compared(measured: list[dict[str, Any]]) -> Comparison:
    portal = [one for one in measured if one["name"] == "portal"]
    reference = [one for one in measured if one["name"] == "reference"]
    ratios = [_rate([a]) / _rate([b]) for a, b in zip(portal, reference, strict=True)]
    return Comparison(_speed(portal), _speed(reference), median(ratios), min(ratios), max(ratios))


def _rate(rounds: list[dict[str, Any]]) -> float:
    return sum(len(one["latencies"]) for one in rounds) / sum(one["seconds"] for one in rounds)


def _speed(rounds: list[dict[str, Any]]) -> Speed:
    latencies = [latency for one in rounds for latency in one["latencies"]]
    cuts = quantiles(latencies, n=100)
    return Speed(_rate(rounds), cuts[49], cuts[98], sum(one["failures"] for one in rounds))
