"""``manage.py sync_packages SLUG``"""

from argparse import ArgumentParser
from typing import Any

from integrations.catalog.sync import SyncResult, sync_packages
from integrations.catalog.withdrawals import allowed, unattended
from integrations.management.sync import SyncCommand
from integrations.models import Connection


class Command(SyncCommand):
    help = (
        "Fetches the packages that Justifacts sells to the organization, and prints what changed. A list "
        "that is incomplete, empty, or lacks more than half of the packages withdraws nothing, and the "
        "command ends with 1."
    )
    audited = (*SyncCommand.audited, "allow_withdrawals")
    counted = "packages at Justifacts"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        about = "withdraw every package that a complete list lacks"
        parser.add_argument("--allow-withdrawals", action="store_true", help=about)

    def sync(self, connection: Connection, options: dict[str, Any]) -> SyncResult:
        return sync_packages(connection, allowed if options["allow_withdrawals"] else unattended)

    def advice(self, synced: SyncResult) -> str:
        if not synced.missing:
            return "Nothing was withdrawn. Run the command again later, or ask Justifacts."
        return (
            "Nothing was withdrawn. If the list is right, press “Fetch packages” on the set-up page and "
            "confirm, or run the command with --allow-withdrawals."
        )
