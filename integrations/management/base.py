"""What the portal's commands share: JSON on request, and one clear line for an expected failure."""

import json
import logging
import os
import pwd
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management import BaseCommand, CommandError
from django.core.management.base import CommandParser
from django.db import OperationalError, ProgrammingError

from integrations.audit import log
from integrations.encryption.secrets import SecretUnreadable
from integrations.http.errors import CallFailed
from integrations.models import Connection, Organization


class PortalCommand(BaseCommand):
    """A command of the portal: ``execute_command`` returns what ``--json`` prints, ``format_lines`` words it.


    Exit status 0, or 1 with one line on stderr.
    """

    requires_system_checks: list[str] = []
    #: For a command whose answer is JSON in any case.
    always_json = False
    #: Off for a command that reads no data and has to work without the database.
    is_audited = True
    #: The options that the audit trail keeps: none that could hold a secret or a candidate's data.
    audited: tuple[str, ...] = ("slug", "org", "status", "check", "clear_unreadable")

    def run_from_argv(self, argv: list[str]) -> None:
        """A wrong argument ends as every other failure does, where argparse would end with 2 and
        several lines."""
        try:
            super().run_from_argv(argv)
        except CommandError as error:
            self.stderr.write(f"CommandError: {error}")
            sys.exit(error.returncode)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.called_from_command_line = False
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON, and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with _quiet():
                if self.is_audited:
                    self._write_down(options)
                found = self.execute_command(**options)
        except ValidationError as error:
            raise CommandError(one_line(_in_words(error))) from None
        except CallFailed as error:
            raise CommandError(one_line(error.message)) from None
        except SecretUnreadable as error:
            raise CommandError(one_line(str(error))) from None
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(
                f"The database does not answer, or is not set up ({one_line(str(error))}). "
                "Check DATABASE_URL and run: manage.py migrate"
            ) from None
        if options["json"] or self.always_json:
            self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2))
        else:
            for line in self.format_lines(found):
                self.stdout.write(line)
        self.after_output(found)

    def _write_down(self, options: dict[str, Any]) -> None:
        """Who runs a command is on the machine itself; what it is asked for goes to the audit trail."""
        named = {name: str(options[name]) for name in self.audited if options.get(name)}
        slug = options.get("slug") or options.get("org")
        organization = Organization.objects.filter(slug=slug).first() if slug else None
        log.record_entry(
            log.Action.COMMAND,
            who_runs(),
            organization_id=organization.pk if organization else None,
            kind=type(self).__module__.rpartition(".")[2],
            object_id=options.get("uuid") or "",
            details=named,
        )

    def execute_command(self, **options: Any) -> Any:
        raise NotImplementedError

    def format_lines(self, found: Any) -> Iterable[str]:
        raise NotImplementedError

    def after_output(self, found: Any) -> None:
        """Where a command that could say everything ends with 1 all the same."""


def who_runs() -> str:
    """Who has started the command, for what is written down."""
    try:
        return f"{pwd.getpwuid(os.getuid()).pw_name} on the machine"
    except KeyError:
        return f"user {os.getuid()} on the machine"


def connection_of(slug: str) -> Connection:
    """The connection of the organization with this slug. Raises ``CommandError``."""
    connection = Connection.objects.select_related("organization").filter(organization__slug=slug).first()
    if connection is None:
        raise CommandError(f"There is no connected organization “{slug}”. `connect_org` makes one.")
    return connection


def one_line(text: str) -> str:
    """The other side's words may come on several."""
    return " ".join(text.split())


def in_columns(rows: Iterable[Iterable[str]]) -> Iterable[str]:
    """A table for a terminal: every column as wide as its widest cell."""
    table = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


@contextmanager
def _quiet() -> Iterator[None]:
    """Warnings of the portal's log, such as a broker that is away, stay out of the one line on stderr."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _in_words(error: ValidationError) -> str:
    """“This field cannot be blank.” says nothing without the field's name."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        " ".join(messages) if field == NON_FIELD_ERRORS else f"{field}: {' '.join(messages)}"
        for field, messages in error.message_dict.items()
    )
