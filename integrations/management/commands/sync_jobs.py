"""``manage.py sync_jobs SLUG``"""

from typing import Any

from integrations.catalog.sync import SyncResult, sync_jobs
from integrations.management.sync import SyncCommand
from integrations.models import Connection


class Command(SyncCommand):
    help = (
        "Fetches the organization's jobs from Ashby, all pages, and prints what changed. A list that is "
        "incomplete, or empty although jobs are known, ends with 1."
    )
    counted = "jobs at Ashby"

    def sync(self, connection: Connection, options: dict[str, Any]) -> SyncResult:
        return sync_jobs(connection)

    def advice(self, synced: SyncResult) -> str:
        return (
            "All jobs that are known here stay. Run the command again later, and check what the Ashby API "
            "key may read."
        )
