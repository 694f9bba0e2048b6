"""``manage.py version [--json]``"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from integrations.management.base import PortalCommand


class Command(PortalCommand):
    help = "Prints the portal's version. It needs no database."
    is_audited = False

    def execute_command(self, **options: Any) -> dict[str, Any]:
        return {"version": settings.PORTAL_VERSION}

    def format_lines(self, result: dict[str, Any]) -> Iterable[str]:
        yield result["version"]
