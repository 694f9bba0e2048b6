"""``manage.py retry UUID``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from assessments.management.commands.order import order_of
from assessments.support.retry import retry
from integrations.management.base import PortalCommand, who_runs


class Command(PortalCommand):
    help = "Makes an order's pending work due now, like the “Retry now” button."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("uuid")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        order = order_of(options["uuid"])
        # The next sweep, two seconds later at most, finds the work. To enqueue it, this command would have to
        # import everything that a worker does.
        done = retry(order.pk, who_runs())
        return {"assessment_id": str(order.pk), "done": done}

    def format_lines(self, found: dict[str, Any]) -> Iterable[str]:
        done = " and to ".join(found["done"])
        yield f"Asked to {done}." if done else "This order has no pending work."
