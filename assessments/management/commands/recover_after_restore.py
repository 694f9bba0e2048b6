"""``manage.py recover_after_restore``"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from assessments.recovery import recover_after_restore
from integrations.management.base import PortalCommand


class Command(PortalCommand):
    help = (
        "After the database was restored from a backup, and before the portal is started again: makes "
        "the orders again that it has forgotten (from the journal), has Justifacts asked before anything is "
        "placed, and erases again what was erased on request."
    )

    def execute_command(self, **options: Any) -> dict[str, Any]:
        return asdict(recover_after_restore(timezone.now()))

    def format_lines(self, found: dict[str, Any]) -> Iterable[str]:
        yield f"{found['made_again']} orders were made again from the journal"
        yield f"{found['looked_up']} orders are asked about at Justifacts before they are placed"
        yield f"{found['polled']} orders are polled at once"
        yield f"{found['erased_again']} orders of candidates who were forgotten are erased again"
        yield "Start the portal now, then run for each organization: manage.py reconcile SLUG"
