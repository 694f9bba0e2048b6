"""Operators script the commands, so a command imports nothing that only other processes need."""

import json
import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from pathlib import Path

from tests.fixtures.servers.migrated import ROOT, copy_sqlite

_PROGRAM = """
import django, io, json, sys
django.setup()

from django.core.management import call_command, get_commands, load_command_class
for name in ("version", "orders"):
    call_command(name, stdout=io.StringIO())
for name in ("order", "retry"):
    load_command_class(get_commands()[name], name)
imported = [*sys.modules]

from django.contrib import admin
from django.core.checks import run_checks
from assessments.models import Order
findings = [str(finding) for finding in run_checks(tags=["admin"])]

from integrations.tasks import mail_password_link
print(json.dumps([imported, findings, admin.site.is_registered(Order), mail_password_link.app.main]))
"""
#: Each takes a process between 0.05 and 0.15 s.
_FOR_OTHERS = {
    *("celery", "psycopg", "requests", "rich", "structlog", "config.urls"),
    *("allauth.socialaccount.admin", "integrations.admin", "assessments.admin"),
}


def test_commands_do_without_pages_and_libraries_that_are_there_once_they_are_needed(tmp_path: Path) -> None:
    copy_sqlite(tmp_path)
    done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
        [sys.executable, "-c", _PROGRAM],
        env={
            "PATH": os.environ["PATH"],
            "VAR_DIR": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    imported, findings, knows_the_pages, application = json.loads(done.stdout)
    assert "assessments.explanation.serialize" in imported
    assert _FOR_OTHERS.intersection(imported) == set()
    assert (findings, knows_the_pages) == ([], True), "the system checks see the pages"
    assert application == "portal", "tasks are published to the portal's broker, not to Celery's default"
