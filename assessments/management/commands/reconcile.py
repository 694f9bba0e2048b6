"""``manage.py reconcile SLUG``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management import CommandError

from assessments.explanation.serialize import reconciliation_as_json
from assessments.models import Discrepancy
from assessments.reconciliation.run import AlreadyRunning, NotNow, reconcile_now
from integrations.management.base import PortalCommand, connection_of, one_line

_HEADINGS = {
    Discrepancy.Outcome.RESOLVED: "resolved",
    Discrepancy.Outcome.NEEDS_REVIEW: "needs review",
    Discrepancy.Outcome.NOT_CHECKED: "not checked",
}


class Command(PortalCommand):
    help = (
        "Compares the organization's orders with Justifacts and the last update that Ashby accepted, "
        "and its packages and mapped jobs with both catalogs. Fixes what it can and lists the rest."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        try:
            report = reconcile_now(connection_of(options["slug"]).organization, "the command")
        except AlreadyRunning as error:
            raise CommandError(f"{error} Wait until it ends.") from None
        except NotNow as error:
            raise CommandError(str(error)) from None
        if report.error:
            raise CommandError(f"The reconciliation of {report.organization} failed. {report.error}")
        return reconciliation_as_json(report)

    def format_lines(self, found: dict[str, Any]) -> Iterable[str]:
        for outcome, heading in _HEADINGS.items():
            for line in found[outcome.value]:
                order = f"{line['order']}: " if line["order"] else ""
                yield f"{heading}: {order}{one_line(line['text'])}"
        counts = ", ".join(f"{len(found[outcome.value])} {heading}" for outcome, heading in _HEADINGS.items())
        yield f"{found['orders_checked']} orders checked: {counts}"
