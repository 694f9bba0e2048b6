"""The base class of the commands that fetch a list."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management import CommandError

from integrations.catalog.sync import SyncResult
from integrations.models import Connection

from .base import PortalCommand, connection_of, one_line


class SyncCommand(PortalCommand):
    """Prints what changed. Ends with 1 if the list is doubtful, so that a script can react."""

    #: What the total counts, for the last line.
    counted = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        synced = self.sync(connection_of(options["slug"]), options)
        if synced.doubt:
            counts = f"{len(synced.added)} added, {len(synced.changed)} changed."
            raise CommandError(one_line(f"{synced.doubt} {self.advice(synced)} {counts}"))
        changes = {"added": synced.added, "changed": synced.changed, "withdrawn": synced.withdrawn}
        return changes | {"total": synced.total}

    def sync(self, connection: Connection, options: dict[str, Any]) -> SyncResult:
        raise NotImplementedError

    def advice(self, synced: SyncResult) -> str:
        """Return what to do about a doubtful list."""
        raise NotImplementedError

    def format_lines(self, result: dict[str, Any]) -> Iterable[str]:
        for change in ("added", "changed", "withdrawn"):
            for name in result[change]:
                yield f"{change}: {name}"
        yield f"{result['total']} {self.counted}"
