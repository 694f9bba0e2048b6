"""``manage.py reset_two_factor EMAIL [--json]``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db.models import Q

from integrations.accounts import two_factor
from integrations.audit.log import Action
from integrations.background import enqueue
from integrations.management.base import PortalCommand, who_runs
from integrations.tasks import mail_factor_change


class Command(PortalCommand):
    help = (
        "Remove the authenticator app, passkeys and recovery codes of somebody who lost them, and sign them "
        "out. They then sign in with the password and set up again. Verify who asks."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", help="the person's e-mail address, or user name")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        name = options["email"].strip()
        people = list(User.objects.filter(Q(email__iexact=name) | Q(username=name)))
        if len(people) != 1:
            several = f"There are several people with the address {name}: name one by the user name."
            raise CommandError(
                several if people else f"There is nobody with the address or user name {name}."
            )
        removed = two_factor.reset(people[0], who_runs())
        enqueue(mail_factor_change, people[0].pk, Action.FACTOR_RESET)
        return {"person": people[0].get_username(), "removed": removed}

    def format_lines(self, result: dict[str, Any]) -> Iterable[str]:
        removed = f"{result['person']}: {result['removed']} removed, and signed out everywhere."
        yield f"{removed} The next sign-in asks for the password only."
