"""``manage.py check_connection SLUG``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.management import CommandError

from integrations.connections.check import check
from integrations.management.base import PortalCommand, connection_of, one_line


class Command(PortalCommand):
    help = (
        "Calls Ashby and Justifacts now and prints a line for each. A working Ashby key resumes paused "
        "deliveries. Ends with 1 if one of them fails."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        findings = [f for f in check(connection_of(options["slug"])) if f.state != "advice"]
        found = [asdict(finding) | {"ok": finding.ok} for finding in findings]
        return {"ok": all(finding.ok for finding in findings), "findings": found}

    def format_lines(self, result: dict[str, Any]) -> Iterable[str]:
        for finding in result["findings"]:
            yield f"{finding['side']}: {'ok' if finding['ok'] else 'FAILS'}: {one_line(finding['text'])}"

    def after_output(self, result: dict[str, Any]) -> None:
        failing = [finding["side"] for finding in result["findings"] if not finding["ok"]]
        if failing:
            raise CommandError(f"The connection to {' and to '.join(failing)} does not work; see above.")
