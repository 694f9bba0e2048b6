"""Helpers of the tests of paused deliveries."""

from assessments.models import Order
from tests.fixtures.world import World

NO_PERMISSION = {
    "success": False,
    "errors": ["missing_endpoint_permission"],
    "errorInfo": {
        "code": "missing_endpoint_permission",
        "message": "This key may not call assessment.update.",
        "requestId": "r-9",
    },
}


def paused(world: World) -> list[Order]:
    """Ashby refuses the key of Acme, which has two orders with updates."""
    world.ashby("assessment.update", NO_PERMISSION)
    orders = [world.placed("JF-1"), world.placed("JF-2")]
    world.push(orders[0], "Applicant Started")
    world.push(orders[0], "In Process: Justifacts")
    world.work()
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.paused_at
    return orders
