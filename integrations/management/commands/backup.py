"""``manage.py backup FILE``"""

import os
import sqlite3
from argparse import ArgumentParser
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.db import connection

from integrations.management.base import PortalCommand


class Command(PortalCommand):
    help = (
        "Copies the SQLite database to FILE while the portal runs, and checks the copy. For PostgreSQL see "
        "docs/backup.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        if connection.vendor != "sqlite":
            raise CommandError("This database is PostgreSQL: back it up with pg_dump, see docs/backup.md.")
        target = Path(options["file"])
        if target.exists():
            raise CommandError(f"{target} already exists. Name a new file.")
        connection.ensure_connection()
        try:
            # The copy holds candidates' data, so it is created readable for its owner only.
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with closing(sqlite3.connect(target)) as copy:
                connection.connection.backup(copy, pages=1000, sleep=0.001)
                (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
        except (OSError, sqlite3.Error) as error:
            target.unlink(missing_ok=True)
            raise CommandError(f"The copy could not be made ({type(error).__name__}).") from None
        if verdict != "ok":
            raise CommandError(f"The copy is not whole: {verdict}")
        return {"file": str(target), "bytes": target.stat().st_size}

    def format_lines(self, result: dict[str, Any]) -> Iterable[str]:
        yield f"{result['file']}: {result['bytes']} bytes, checked"
