"""Waits for the database when the portal starts, and says what it waits for."""

import os
import sys
import time

import django
from django.db import OperationalError, connection

_SECONDS = 300
_SAY_EVERY_SECONDS = 15


def wait_for_database() -> None:
    """Returns once the database answers; ends the process with a sentence if it never does."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    until, say_at = time.monotonic() + _SECONDS, 0.0
    while True:
        try:
            connection.ensure_connection()
            connection.close()
            return
        except OperationalError:
            now = time.monotonic()
            if now > until:
                sys.exit(f"{_name()} did not answer for {_SECONDS // 60} minutes. {_REMEDY}")
            if now > say_at:
                say_at = now + _SAY_EVERY_SECONDS
                print(f"{_name()} does not answer; waiting for it. {_REMEDY}", flush=True)
        time.sleep(1)


_REMEDY = "Check that it runs and that DATABASE_URL names it."


def _name() -> str:
    """Where the database is, without its credentials."""
    settings = connection.settings_dict
    place = f" at {settings['HOST']}:{settings['PORT'] or 'the usual port'}" if settings["HOST"] else ""
    return f"The database “{settings['NAME']}”{place}"
