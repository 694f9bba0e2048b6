"""``manage.py orders [--org SLUG] [--status S]``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from assessments.explanation.serialize import order_summary
from assessments.models import Order
from assessments.statuses import Status
from integrations.management.base import PortalCommand, connection_of, in_columns, one_line


class Command(PortalCommand):
    help = "Lists orders, newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--org", default="", metavar="SLUG")
        parser.add_argument(
            "--status", choices=Status.values, metavar="STATUS", help=", ".join(Status.values)
        )
        parser.add_argument("--needs-attention", action="store_true", help="only orders that need attention")
        parser.add_argument("--limit", type=int, default=200, help="the most orders to list (default: 200)")

    def execute_command(self, **options: Any) -> list[dict[str, Any]]:
        orders = Order.objects.select_related("organization", "package")
        if options["org"]:
            orders = orders.filter(organization=connection_of(options["org"]).organization)
        if options["status"]:
            orders = orders.filter(status=options["status"])
        if options["needs_attention"]:
            orders = orders.filter(needs_attention=True)
        return [order_summary(order) for order in orders[: max(options["limit"], 0)]]

    def format_lines(self, found: list[dict[str, Any]]) -> Iterable[str]:
        yield from in_columns(
            (
                order["assessment_id"],
                order["created_at"][:16].replace("T", " "),
                one_line(order["organization"]),
                one_line(order["package"]),
                order["status"],
                one_line(order["result"] or ""),
                "NEEDS ATTENTION" if order["needs_attention"] else "",
                "STALLED" if order["stalled"] else "",
            )
            for order in found
        )
        yield "1 order" if len(found) == 1 else f"{len(found)} orders"
