"""Faults outside any view still answer a partner in the protocol's envelope."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.db import connection as database

from assessments.models import Order
from integrations.models import Connection
from tests.fixtures.world import World


def test_a_partner_call_to_an_unknown_host_gets_the_envelope(world: World) -> None:
    """Somebody configured Ashby with a host name that the portal does not have."""
    answer = world.call("/ashby/assessment.list", {}, HTTP_HOST="stranger.test")
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert answer.json()["errorInfo"]["code"] == "bad_request"


def test_a_browser_at_an_unknown_host_gets_a_page(world: World) -> None:
    """Only partners get the envelope."""
    answer = world.client.get("/admin/", HTTP_HOST="stranger.test")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/html")


def FailingDatabase(at: str) -> Callable[..., Any]:
    """A database that fails from the first statement with this beginning."""
    gone = False

    def execute(run: Any, sql: str, *more: Any) -> Any:
        nonlocal gone
        gone = gone or sql.startswith(at)
        if gone:
            raise OperationalError("gone")
        return run(sql, *more)

    return execute


NOBODYS = {"assessment_id": "c0ffee00-0000-4000-8000-000000000000"}


@pytest.mark.parametrize("name", ["start", "cancel", "list"])
@pytest.mark.parametrize(
    "at", ["SELECT", 'UPDATE "integrations_connection"', 'INSERT INTO "assessments_inboundrequest"']
)
def test_a_database_failure_at_any_point_is_answered_with_503(world: World, name, at) -> None:
    """The failure may come while the key is looked up, the call recorded, or its refusal recorded."""
    world.call("/ashby/assessment.list", {})
    body = {"start": world.start_body(), "cancel": NOBODYS, "list": {}}[name]
    Connection.objects.update(last_inbound_call_at=None)
    with transaction.atomic(), database.execute_wrapper(FailingDatabase(at)):
        answer = world.call(f"/ashby/assessment.{name}", body)
    assert answer.status_code == 503, answer.content
    assert answer.json()["errorInfo"]["code"] == "temporarily_unavailable"
    assert not Order.objects.exists()
