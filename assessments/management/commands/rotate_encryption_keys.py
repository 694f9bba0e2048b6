"""``manage.py rotate_encryption_keys [--check] [--clear-unreadable]``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management import CommandError

from assessments import search
from assessments.recovery_log import log as recovery_log
from assessments.recovery_log.store import Unavailable
from integrations.encryption import rotation
from integrations.management.base import PortalCommand
from integrations.models import SecretFingerprint


class Command(PortalCommand):
    help = (
        "Encrypts all encrypted data with the first of FIELD_ENCRYPTION_KEYS while the portal runs. It may "
        "be stopped and run again. The exit status is 0 once every other key may be removed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--check", action="store_true", help="only report whether the other keys may be removed"
        )
        parser.add_argument(
            "--clear-unreadable",
            action="store_true",
            help="empty values that no key can decrypt, because their key is lost",
        )

    def execute_command(self, **options: Any) -> dict[str, Any]:
        try:
            return self._rotate(options)
        except Unavailable as error:
            raise CommandError(f"The recovery log is unavailable, so the other keys stay: {error}.") from None

    def _rotate(self, options: dict[str, Any]) -> dict[str, Any]:
        cleared = dict(rotation.clear_unreadable()) if options["clear_unreadable"] else {}
        renewed = {}
        if not options["check"]:
            renewed = {
                **rotation.rotate(),
                "recovery log": recovery_log.reencrypt(),
                "search terms": search.rebuild(),
            }
        unreadable = rotation.unreadable()
        pending = {**rotation.count_pending(), "recovery log": recovery_log.count_pending()}
        if not unreadable:
            pending["search terms"] = search.count_pending()
        if not options["check"] and not any(pending.values()):
            SecretFingerprint.drop_replaced_keys()
        return {
            "encrypted_anew": {name: number for name, number in renewed.items() if number},
            "cleared": cleared,
            "left": {name: number for name, number in pending.items() if number},
            "unreadable": dict(unreadable),
        }

    def format_lines(self, found: dict[str, Any]) -> Iterable[str]:
        for name, number in found["cleared"].items():
            yield f"{name}: {number} emptied; enter the values again"
        for name, number in found["encrypted_anew"].items():
            yield f"{name}: {number} encrypted with the first key"
        if not found["left"]:
            yield "All data uses the first key: the others may be removed from FIELD_ENCRYPTION_KEYS."

    def after_output(self, found: dict[str, Any]) -> None:
        if found["left"]:
            left = ", ".join(f"{name}: {number}" for name, number in found["left"].items())
            step = "Restart every process with the new key first, then run this again."
            if found["unreadable"]:
                step = "No key can decrypt some of it: add the missing key again, or see --clear-unreadable."
            raise CommandError(f"The other keys are still needed ({left}). {step}")
