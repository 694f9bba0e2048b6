"""``manage.py sync_packages SLUG``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from integrations.catalogue import sync_packages
from integrations.management.base import PortalCommand, connection_of


class Command(PortalCommand):
    help = "Fetches the packages that Justifacts sells to the organization, and says what changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")

    def act(self, **options: Any) -> dict[str, Any]:
        return asdict(sync_packages(connection_of(options["slug"])))

    def lines(self, found: dict[str, Any]) -> Iterable[str]:
        for change in ("added", "changed", "withdrawn"):
            for name in found[change]:
                yield f"{change}: {name}"
        yield f"{found['total']} packages at Justifacts"
