"""The state of the whole portal, as ``/health/status`` shows it."""

from datetime import datetime

from assessments.insights.health import (
    Part,
    Process,
    clocks_part,
    database_part,
    oldest_due_work,
    processes,
    processes_part,
)
from assessments.recovery_log import log as recovery_log
from integrations.background import broker_is_reachable
from integrations.host_clock import host_clock


def all_parts(now: datetime) -> tuple[dict[str, Part], list[Process]]:
    """The state of each part of the portal by name, and each worker and scheduler process."""
    parts = {"database": database_part()}
    found: list[Process] = []
    if parts["database"].ok:
        found = processes(now)
        parts["worker"] = processes_part("worker", found, now)
        parts["scheduler"] = processes_part("scheduler", found, now)
        parts["clocks"] = clocks_part(host_clock.check(), found)
        parts["oldest_due_work"] = oldest_due_work(now)
    is_writable = recovery_log.is_writable()
    detail = (
        "can be written" if is_writable else "cannot be written; a restore would miss starts (docs/backup.md)"
    )
    parts["recovery_log"] = Part(is_writable, detail)
    answers = broker_is_reachable()
    parts["broker"] = Part(answers, "answers" if answers else "does not answer; work waits for the sweep")
    return parts, found
