"""``manage.py order UUID``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.management import CommandError

from assessments.explanation.serialize import order_as_json
from assessments.models import Order
from integrations.management.base import PortalCommand, in_columns, one_line


def order_of(text: str) -> Order:
    """The order with this assessment id. Raises ``CommandError``."""
    try:
        order = Order.objects.select_related("organization__connection", "package").get(pk=UUID(text))
    except ValueError:
        raise CommandError(f"“{text}” is not an assessment id.") from None
    except Order.DoesNotExist:
        raise CommandError(f"There is no order {text}.") from None
    return order


class Command(PortalCommand):
    help = "Shows one order: its status summary, events, updates and their attempts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("uuid")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        return order_as_json(order_of(options["uuid"]))

    def format_lines(self, found: dict[str, Any]) -> Iterable[str]:
        head = ("assessment_id", "organization", "package", "status", "result")
        yield one_line("  ".join(found[name] for name in head if found[name]))
        yield one_line(found["where_it_stands"])
        yield ""
        yield from in_columns(
            (_time(event["at"]), event["source"], one_line(event["summary"])) for event in found["events"]
        )
        for update in found["updates"]:
            error = f": {update['last_error']}" if update["last_error"] else ""
            yield ""
            yield one_line(f"update {update['sequence']} ({update['state']}): {update['summary']}{error}")
            yield from map(_attempt, update["attempts"])
        if found["attempts"]:
            yield ""
            yield "calls to Justifacts"
            yield from map(_attempt, found["attempts"])


def _attempt(attempt: dict[str, Any]) -> str:
    status = f"HTTP {attempt['http_status']}" if attempt["http_status"] else ""
    time = f"{attempt['milliseconds']} ms"
    message = one_line(attempt["message"] or "")
    parts = (_time(attempt["at"]), attempt["call"], attempt["outcome"], status, time)
    return "  " + "  ".join(part for part in (*parts, attempt["request_id"], message) if part)


def _time(text: str) -> str:
    return text[:19].replace("T", " ")
