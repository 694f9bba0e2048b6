"""``manage.py replace_secret_key [--json]``"""

from collections.abc import Iterable
from typing import Any

from integrations.management.base import PortalCommand
from integrations.models import SecretFingerprint


class Command(PortalCommand):
    help = (
        "Accepts this host's SECRET_KEY in place of the one that hosts have started with and that is lost or "
        "compromised. Every host needs it then, and everybody signs in again."
    )

    def execute_command(self, **options: Any) -> dict[str, Any]:
        SecretFingerprint.replace_secret_key()
        return {"replaced": True}

    def format_lines(self, result: dict[str, Any]) -> Iterable[str]:
        yield "From now on every host needs this SECRET_KEY to start."
