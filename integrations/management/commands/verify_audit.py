"""``manage.py verify_audit [SLUG] [--json]``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.management import CommandError

from integrations.audit import log
from integrations.management.base import PortalCommand
from integrations.models import Organization


class Command(PortalCommand):
    help = (
        "Verifies the chains of hashes of the audit log, of every organization or of one, and reports where "
        "an entry was changed, removed or added."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", nargs="?", default="")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        chain = ""
        if slug := options["slug"]:
            organization = Organization.objects.filter(slug=slug).first()
            if organization is None:
                raise CommandError(f"There is no organization “{slug}”.")
            chain = log.chain_of(organization.pk)
        chains = list(log.verify(chain))
        return {"ok": not any(one.problem for one in chains), "chains": [asdict(one) for one in chains]}

    def format_lines(self, result: dict[str, Any]) -> Iterable[str]:
        for chain in result["chains"]:
            yield f"{chain['name']}: {chain['lines']} lines, {chain['problem'] or 'whole'}"

    def after_output(self, result: dict[str, Any]) -> None:
        broken = [f"{one['name']}: {one['problem']}" for one in result["chains"] if one["problem"]]
        if broken:
            raise CommandError(f"The audit log was changed ({'; '.join(broken)}).")
