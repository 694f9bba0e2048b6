"""A restore of the database to an earlier snapshot, and the three records of a run after it."""

from pathlib import Path
from typing import Any

from tests.e2e.portal.processes import eventually

from ..audit import Ledgers
from ..driver import Driver
from ..settle import read_snapshot, sandbox_assessments
from .hosts import HOSTS, Hosts

Story = list[dict[str, Any]]


def restore(hosts: Hosts, driver: Driver, snapshot: Path) -> dict[str, tuple[int, Story]]:
    """Stop every host, restore the snapshot, run the recovery command as ``docs/backup.md`` says, and start
    the hosts. Returns, for each order, how many updates Ashby had accepted by then, and those that the
    restored database says it has delivered."""
    for name in HOSTS:
        hosts.end_gently(name)
    hosts.use_code(hosts.code)  # The console has a connection to the database.
    at_ashby = stories(hosts, driver)
    hosts.services.restore(snapshot)
    hosts.migrate()
    print(f"  restored: {hosts.manage('recover_after_restore').strip()}", flush=True)
    restored = {order["assessment_id"]: _delivered(order) for order in read_snapshot(hosts)["orders"]}
    for name in HOSTS:
        hosts.start(name)
    for name in HOSTS:
        eventually(lambda name=name: hosts.is_up(name), f"{name} is up", 120)
    return {
        key: (len(at_ashby.get(key, ())), restored.get(key, [])) for key in at_ashby.keys() | restored.keys()
    }


def stories(hosts: Hosts, driver: Driver) -> dict[str, Story]:
    """The updates that Ashby has accepted, by order."""
    return {
        one["id"]: [update["body"] for update in one["updates"] if update["source"] == "update"]
        for tenant in driver.tenants
        for one in sandbox_assessments(hosts, tenant.slug)
    }


def as_restored(ledgers: Ledgers, marks: dict[str, tuple[int, Story]]) -> dict[str, Story]:
    """The stories as the restored database knows them. Updates that Ashby accepted between the snapshot and
    the restore are left out, unless the portal has repeated them unchanged: it repeats their content
    (docs/backup.md)."""
    known = dict(ledgers.stories)
    for key, (count, restored) in marks.items():
        if key in known:
            before, after = known[key][:count], known[key][count:]
            delivered = _delivered(ledgers.orders[key]) if key in ledgers.orders else []
            repeated = [update for update in before if update in delivered and update not in restored]
            known[key] = [*restored, *repeated, *after]
    return known


def late_updates(found: dict[str, Story], marks: dict[str, tuple[int, Story]]) -> list[str]:
    """Orders with an update after the restore that Ashby would sort before an earlier one."""
    late = []
    for key, story in found.items():
        before = [body["timestamp"] for body in story[: marks.get(key, (0, []))[0]]]
        after = [body["timestamp"] for body in story[len(before) :]]
        if before and after and min(after) <= max(before):
            late.append(key)
    return late


def _delivered(order: dict[str, Any]) -> Story:
    return [update["payload"] for update in order["updates"] if update["state"] == "delivered"]
