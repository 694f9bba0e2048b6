"""The portal before and after a restore: each stage runs in a process of the portal.

The fake partners keep their state in a file, so that it survives the restore of the portal's database.
"""

import json
from pathlib import Path
from typing import Any

import responses
from django.conf import settings
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment

from assessments.models import Order
from assessments.reconciliation.run import reconcile_now
from integrations.models import Connection
from tests.fixtures.fake_partners import Ashby, Justifacts
from tests.fixtures.world import World


def run(stage: str, file: str) -> None:
    """``stage``: ``before``, ``lost-minutes`` or ``afterwards``. ``file``: the state of the partners."""
    state_file = Path(file)
    settings.ASHBY_API_BASE_URL = "https://ashby.test"
    known: dict[str, Any] = json.loads(state_file.read_text()) if state_file.exists() else {}
    setup_test_environment()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        if stage == "before":
            world = World(Client(raise_request_exception=True), wire)
        else:
            world = _reopened_world(World, Client(), wire)
        justifacts, ashby = Justifacts(), Ashby()
        justifacts.orders, justifacts.starts = known.get("orders", {}), known.get("starts", [])
        ashby.stories = known.get("stories", {})
        justifacts.register(wire)
        ashby.register(wire)
        state = known.get("state", {})
        {"before": _before, "lost-minutes": _after_backup, "afterwards": _after_restore}[stage](
            world, justifacts, ashby, state
        )
        state_file.write_text(
            json.dumps(
                {
                    "orders": justifacts.orders,
                    "starts": justifacts.starts,
                    "stories": ashby.stories,
                    "state": state,
                }
            )
        )
    teardown_test_environment()


def _reopened_world(kind: Any, client: Any, wire: Any) -> Any:
    """A ``World`` on the present database, without connecting the organizations again."""
    world = kind.__new__(kind)
    world.client, world.wire = client, wire
    connection = Connection.objects.get(organization__slug="acme")
    packages = connection.organization.packages.order_by("pk")
    world.acme = type("Tenant", (), {})()
    world.acme.connection, world.acme.organization = connection, connection.organization
    world.acme.verification_key = connection.verification_key.reveal()
    world.acme.basic = packages[0]
    return world


def _start(world: Any, application: str) -> str:
    body = world.start_body(application={"ashby_id": application})
    answer = world.call("/ashby/assessment.start", body)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["results"]["assessment_id"])


def _before(world: Any, justifacts: Any, ashby: Any, state: dict[str, Any]) -> None:
    """Starts one order that is placed, and one that is not placed yet."""
    state["placed"] = _start(world, "a-placed")
    world.work()
    state["to place"] = _start(world, "a-to-place")


def _after_backup(world: Any, justifacts: Any, ashby: Any, state: dict[str, Any]) -> None:
    """The work after the backup: places the second order, moves the first, and starts two more, one of which
    ends."""
    state["missing"], state["ended"] = _start(world, "a-missing"), _start(world, "a-ended")
    world.work()
    justifacts.move(state["placed"], "Applicant Started", "")
    _push(world, justifacts, state["placed"])
    justifacts.move(state["ended"], "Complete", "Clear")
    _push(world, justifacts, state["ended"])
    world.work()
    assert len(justifacts.starts) == 4


def _push(world: Any, justifacts: Any, reference: str) -> None:
    assert world.call("/justifacts/assessment.update", justifacts.update_of(reference)).status_code == 200


def _after_restore(world: Any, justifacts: Any, ashby: Any, state: dict[str, Any]) -> None:
    # The recruiter repeats a start that the restored database lacks.
    assert _start(world, "a-missing") == state["missing"]
    world.work()
    reconcile_now(world.acme.organization, "Ada")
    world.work()
    assert sorted(justifacts.starts) == sorted(set(justifacts.starts)), "placed twice"
    orders = {str(order.pk): order for order in Order.objects.all()}
    references = {state[name] for name in ("placed", "to place", "missing", "ended")}
    assert orders.keys() == references, "lost"
    for reference, order in orders.items():
        assert order.justifacts_order_id == justifacts.orders[reference]["number"]
        stamps = [body["timestamp"] for body in ashby.stories[reference]]
        assert stamps == sorted(set(stamps)), "out of order"
    assert orders[state["placed"]].status == "applicant_started"
    assert (orders[state["ended"]].status, orders[state["ended"]].result) == ("complete", "Clear")
    last = ashby.stories[state["ended"]][-1]
    assert last["assessment_result"]["value"] == "Clear"
