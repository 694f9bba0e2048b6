"""Ashby gets Justifacts' refusal reason verbatim, even if it contains the candidate's name."""

from typing import Any

import pytest

from assessments.models import CallAttempt, Order
from assessments.placement.next_call import make_next_call
from tests.fixtures.world import World


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"success": False, "errorInfo": {"code": "invalid_input", "message": "No county, KEY"}}),
        (422, {"message": "No county, KEY"}),
    ],
)
def test_a_refusal_reason_is_sent_verbatim_without_our_key(world: World, status: int, body: Any) -> None:
    world.ashby_takes_everything()
    order = world.start(
        candidate=world.start_body()["candidate"] | {"first_name": "Ann", "last_name": "County"}
    )
    key = world.acme.verification_key
    answer = {name: _with_key(value, key) for name, value in body.items()}
    world.justifacts("assessment.start", answer, status)
    make_next_call(order.pk)
    assert Order.objects.get().status == "rejected"
    world.work()
    delivered = [update["cancelled_reason"]["value"] for update in world.sent("assessment.update")]
    assert delivered == ["No county, •••"]
    assert CallAttempt.objects.get(order=order, call="place").message == "No •••, •••"
    assert not order.events.filter(summary__icontains="county").exists()
    assert not order.updates.filter(summary__icontains="county").exists()


def _with_key(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _with_key(item, key) for name, item in value.items()}
    return value.replace("KEY", key) if isinstance(value, str) else value
