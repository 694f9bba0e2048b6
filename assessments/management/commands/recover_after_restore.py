"""``manage.py recover_after_restore``"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.management import CommandError
from django.utils import timezone

from assessments.recovery import recover_after_restore
from assessments.recovery_log.store import Unavailable
from integrations.management.base import PortalCommand


class Command(PortalCommand):
    help = (
        "Run this after a restore and before the portal starts. It rebuilds missing orders from the recovery "
        "log, has every order looked up at Justifacts before it is placed, and repeats erasure requests."
    )

    def execute_command(self, **options: Any) -> dict[str, Any]:
        try:
            return asdict(recover_after_restore(timezone.now()))
        except Unavailable as error:
            raise CommandError(f"The recovery log cannot be read, so nothing is complete: {error}.") from None

    def format_lines(self, found: dict[str, Any]) -> Iterable[str]:
        yield f"{found['made_again']} orders were rebuilt from the recovery log"
        yield f"{found['looked_up']} orders are looked up at Justifacts before they are placed"
        yield f"{found['polled']} orders are polled at once"
        yield f"{found['erased_again']} orders were erased again"
        yield "Start the portal now, then run for each organization: manage.py reconcile SLUG"
