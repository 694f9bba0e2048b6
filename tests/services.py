"""PostgreSQL and a browser: used where they are found."""

import os
import shutil
from typing import NoReturn

import pytest
from django.conf import settings

POSTGRESQL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432")


#: Before the database is set up: a test with transactions of its own leaves it empty.
on_postgresql = pytest.mark.skipif(
    "sqlite" in settings.DATABASES["default"]["ENGINE"],
    reason="SQLite has one writer at a time; tests/test_on_postgresql.py runs this",
)


def missing(reason: str) -> NoReturn:
    """A service that is not there: skipped with the reason, or failed where CI demands it."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"REQUIRE_SERVICES=1, and {reason}")
    pytest.skip(reason)


def chromium() -> str:
    """The path of a Chromium that is installed here."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    missing("no Chromium is installed")
