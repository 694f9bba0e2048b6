"""Waits for the database when the portal starts, and says so."""

import os
import sys
import time

import django
from django.db import OperationalError, connection

_SECONDS = 300
_MESSAGE_EVERY_SECONDS = 15


def wait_for_database() -> None:
    """Return once the database answers; exit with a message if it does not answer for five minutes."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    deadline, next_message_at = time.monotonic() + _SECONDS, 0.0
    while True:
        try:
            connection.ensure_connection()
            connection.close()
            return
        except OperationalError:
            now = time.monotonic()
            if now > deadline:
                sys.exit(f"{_name()} did not answer for {_SECONDS // 60} minutes. {_ADVICE}")
            if now > next_message_at:
                next_message_at = now + _MESSAGE_EVERY_SECONDS
                print(f"{_name()} does not answer; waiting for it. {_ADVICE}", flush=True)
        time.sleep(1)


_ADVICE = "Check that it is running and that DATABASE_URL is correct."


def _name() -> str:
    """The database with its host and port, without credentials."""
    settings = connection.settings_dict
    where = f" at {settings['HOST']}:{settings['PORT'] or 'the default port'}" if settings["HOST"] else ""
    return f"The database “{settings['NAME']}”{where}"
