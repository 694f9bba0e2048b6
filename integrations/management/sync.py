"""What the two commands that fetch a list share."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management import CommandError

from integrations.catalog.sync import SyncResult
from integrations.models import Connection

from .base import PortalCommand, connection_of, one_line


class SyncCommand(PortalCommand):
    """Says what changed. Ends with 1 where the list was not believed in full: a script must notice."""

    #: What the total counts.
    counted = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        synced = self.sync(connection_of(options["slug"]), options)
        if synced.doubt:
            counts = f"{len(synced.added)} added, {len(synced.changed)} changed."
            raise CommandError(one_line(f"{synced.doubt} {self.advice(synced)} {counts}"))
        return {
            "added": synced.added,
            "changed": synced.changed,
            "withdrawn": synced.withdrawn,
            "total": synced.total,
        }

    def sync(self, connection: Connection, options: dict[str, Any]) -> SyncResult:
        raise NotImplementedError

    def advice(self, synced: SyncResult) -> str:
        """What to do about a list that was not believed."""
        raise NotImplementedError

    def format_lines(self, found: dict[str, Any]) -> Iterable[str]:
        for change in ("added", "changed", "withdrawn"):
            for name in found[change]:
                yield f"{change}: {name}"
        yield f"{found['total']} {self.counted}"
