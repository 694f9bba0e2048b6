"""What the portal's commands share: JSON on request, and one clear line for an expected failure."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError

from integrations.errors import CallFailed
from integrations.models import Connection


class PortalCommand(BaseCommand):
    """``act`` does the work and returns what ``--json`` prints; ``lines`` says it to a person.

    Exit status 0, or 1 with one line on stderr.
    """

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON, and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = self.act(**options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except CallFailed as error:
            raise CommandError(error.message) from None
        if options["json"]:
            self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2))
        else:
            for line in self.lines(found):
                self.stdout.write(line)
        self.finish(found)

    def act(self, **options: Any) -> Any:
        raise NotImplementedError

    def lines(self, found: Any) -> Iterable[str]:
        raise NotImplementedError

    def finish(self, found: Any) -> None:
        """Where a command that could say everything ends with 1 all the same."""


def connection_of(slug: str) -> Connection:
    """The connection of the organization with this slug. Raises ``CommandError``."""
    connection = Connection.objects.select_related("organization").filter(organization__slug=slug).first()
    if connection is None:
        raise CommandError(f"There is no connected organization “{slug}”. `connect_org` makes one.")
    return connection
