"""``manage.py erase_candidate SLUG EMAIL [--also ORDER] [--by NAME] [--dry-run]``"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.core.validators import validate_email
from django.utils import timezone

from assessments.orders.staff import NotPossible
from assessments.privacy.certificates import certificate_as_json, certificate_as_text
from assessments.privacy.requests import erase_candidate, plan_erasure
from assessments.text import untranslated
from integrations.management.base import PortalCommand, who_runs
from integrations.models import Organization


class Command(PortalCommand):
    help = (
        "Erases a candidate's data, such as names, links, results and messages, in every order of the "
        "organization that has ended and is under no legal hold. Prints the certificate."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("email", help="the candidate's address; - reads it from standard input")
        parser.add_argument(
            "--also",
            action="append",
            default=[],
            type=UUID,
            metavar="ORDER",
            help="an order of the same Ashby candidate under another address, as --dry-run lists it; may be "
            "repeated",
        )
        parser.add_argument(
            "--by", default="", metavar="NAME", help="who requested the erasure (default: you)"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="list what would be erased, and erase nothing"
        )

    def execute_command(self, **options: Any) -> dict[str, Any]:
        organization = Organization.objects.filter(slug=options["slug"]).first()
        if organization is None:
            raise CommandError(f"There is no organization “{options['slug']}”.")
        email = _address(options["email"])
        if options["dry_run"]:
            found = plan_erasure(organization, email)
            return {
                "dry_run": True,
                "orders": [str(order.pk) for order in found.to_erase],
                "kept": [{"order": str(order.pk), "why": untranslated(why)} for order, why in found.kept],
                "other_addresses": [
                    {
                        "order": str(order.pk),
                        "candidate_id": order.candidate_id,
                        "status": order.status,
                        "included": order.pk in options["also"],
                        "would_be_kept": untranslated(why) or None,
                    }
                    for order, why in found.others
                ],
            }
        try:
            self._certificate = erase_candidate(
                organization, email, options["by"] or who_runs(), timezone.now(), options["also"]
            )
        except NotPossible as error:
            raise CommandError(str(error)) from None
        return certificate_as_json(self._certificate)

    def format_lines(self, found: dict[str, Any]) -> Iterable[str]:
        if not found.get("dry_run"):
            yield from certificate_as_text(self._certificate).splitlines()
            return
        yield from (f"would be erased: order {order}" for order in found["orders"])
        yield from (f"would be kept: order {line['order']}: {line['why']}" for line in found["kept"])
        for line in found["other_addresses"]:
            kept = f" (would be kept: {line['would_be_kept']})" if line["would_be_kept"] else ""
            action = "included by" if line["included"] else "include it with"
            yield (
                f"same Ashby candidate under another address: order {line['order']}, {line['status']}{kept}; "
                f"{action} --also {line['order']}"
            )
        yield f"{len(found['orders'])} would be erased, {len(found['kept'])} kept; nothing was written"


def _address(given: str) -> str:
    """The address, from standard input if ``given`` is ``-``: other users can read a command line."""
    email = (sys.stdin.readline() if given == "-" else given).strip()
    try:
        validate_email(email)
    except ValidationError:
        # The text is not repeated, because it may still be personal data.
        raise CommandError("That is not an e-mail address.") from None
    return email
