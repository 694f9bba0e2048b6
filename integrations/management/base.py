"""The base class of the portal's commands."""

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
    """A command that prints lines, or JSON with ``--json``.

    ``execute_command`` returns what ``--json`` prints, ``format_lines`` the lines for people. The exit status
    is 0, or 1 with one line on stderr for an expected failure.
    """

    requires_system_checks: list[str] = []
    #: For a command that always prints JSON.
    always_json = False
    #: False for a command that reads no data and has to work without the database.
    is_audited = True
    #: The options that the audit log records: none that could hold a secret or a candidate's data.
    audited: tuple[str, ...] = ("slug", "org", "status", "check", "clear_unreadable")

    def run_from_argv(self, argv: list[str]) -> None:
        """A wrong argument ends as any other failure. Argparse would end with 2 and several lines."""
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
                    self._record(options)
                result = self.execute_command(**options)
        except ValidationError as error:
            raise CommandError(one_line(_validation_text(error))) from None
        except (CallFailed, SecretUnreadable) as error:
            raise CommandError(one_line(str(error))) from None
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(
                f"The database does not answer, or is not set up ({one_line(str(error))}). "
                "Check DATABASE_URL and run: manage.py migrate"
            ) from None
        if options["json"] or self.always_json:
            self.stdout.write(json.dumps(result, ensure_ascii=False, indent=2))
        else:
            for line in self.format_lines(result):
                self.stdout.write(line)
        self.after_output(result)

    def _record(self, options: dict[str, Any]) -> None:
        """Records the command, the operating system's user and the options in the audit log."""
        recorded = {name: str(options[name]) for name in self.audited if options.get(name)}
        slug = options.get("slug") or options.get("org")
        organization = Organization.objects.filter(slug=slug).first() if slug else None
        log.record_entry(
            log.Action.COMMAND,
            who_runs(),
            organization_id=organization.pk if organization else None,
            kind=type(self).__module__.rpartition(".")[2],
            object_id=options.get("uuid") or "",
            details=recorded,
        )

    def execute_command(self, **options: Any) -> Any:
        """Return the result, which JSON can express. Expected failures raise ``CommandError``,
        ``ValidationError`` or ``CallFailed``."""
        raise NotImplementedError

    def format_lines(self, result: Any) -> Iterable[str]:
        raise NotImplementedError

    def after_output(self, result: Any) -> None:
        """Raise ``CommandError`` here to end with 1 after the output."""


def who_runs() -> str:
    """Return the operating system's user who runs the command, as an actor for records."""
    try:
        return f"{pwd.getpwuid(os.getuid()).pw_name} on the machine"
    except KeyError:
        return f"user {os.getuid()} on the machine"


def connection_of(slug: str) -> Connection:
    """Return the connection of the organization with this slug. Raises ``CommandError``."""
    connection = Connection.objects.select_related("organization").filter(organization__slug=slug).first()
    if connection is None:
        raise CommandError(f"There is no connected organization “{slug}”. `connect_org` makes one.")
    return connection


def one_line(text: str) -> str:
    """Return the text on one line; texts of a partner may have several."""
    return " ".join(text.split())


def in_columns(rows: Iterable[Iterable[str]]) -> Iterable[str]:
    """Yield the lines of a table in which every column is as wide as its widest cell."""
    table = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps logged warnings, such as an unreachable broker, off stderr."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _validation_text(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        " ".join(messages) if field == NON_FIELD_ERRORS else f"{field}: {' '.join(messages)}"
        for field, messages in error.message_dict.items()
    )
