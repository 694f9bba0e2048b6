"""What end-to-end tests do or read inside a process of the portal: each function writes its result to a
file, since the console's output is a line of JSON."""

import base64
import re
from contextlib import redirect_stderr, redirect_stdout, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import time_machine
from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.utils import timezone

from assessments.models import Order
from assessments.notifications.dispatch import send_notifications
from config.celery import app
from integrations.models import Connection, Membership, Organization


def make_member(_file: str, who: str) -> None:
    """``NAME SLUG``: makes this user an admin of the organization, who gets its mails."""
    name, slug = who.split()
    user, organization = User.objects.get(username=name), Organization.objects.get(slug=slug)
    Membership.objects.create(user=user, organization=organization, role="org admin")


def sign_in_operator(file: str, name: str) -> None:
    """A session of a new operator. To hash and verify a password takes most of a second."""
    browser = Client()
    browser.force_login(User.objects.create_superuser(name, f"{name}@example.com"))
    Path(file).write_text(browser.cookies["sessionid"].value)


def add_long_orders(_file: str, what: str) -> None:
    """``SLUG NUMBER``: adds this many ended orders of 8 kB each, so that few make a large file."""
    slug, number = what.split()
    organization, now = Organization.objects.get(slug=slug), timezone.now()
    Order.objects.bulk_create(
        Order(
            organization=organization,
            package=organization.packages.all()[0],
            application_id=f"old-{index}",
            status="cancelled",
            status_since=now,
            created_at=now,
            closing_reason="x" * 8_000,
        )
        for index in range(int(number))
    )


def read_time_limits(file: str, _name: str) -> None:
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')"
        )
        Path(file).write_text(" ".join(cursor.fetchone()))


def primary_key(file: str, what: str) -> None:
    """The primary key of the organization ``SLUG``, or of one of its rows: ``APP.MODEL SLUG``."""
    *model, slug = what.split()
    organization = Organization.objects.get(slug=slug)
    row: Any = organization
    if model and model != ["integrations.organization"]:
        row = apps.get_model(model[0]).objects.filter(organization=organization)[0]
    Path(file).write_text(str(row.pk))


def disable_organizations(_file: str, _name: str) -> None:
    Connection.objects.update(is_enabled=False)


def deliveries_are_paused(file: str, slug: str) -> None:
    Path(file).write_text(str(Connection.objects.get(organization__slug=slug).paused_at is not None))


def run_notifications(_file: str, hours: str) -> None:
    """Sends notifications as the scheduler would in this many hours."""
    with time_machine.travel(timezone.now() + timedelta(hours=int(hours))):
        send_notifications(timezone.now())


def run_fallible_command(file: str, command: str) -> None:
    with Path(file).open("w") as output, redirect_stdout(output), redirect_stderr(output):
        try:
            call_command(*command.split())
        except CommandError as error:
            output.write(str(error))


def hide_table(_file: str, table: str) -> None:
    _execute(f"ALTER TABLE {table} RENAME TO away")


def restore_table(_file: str, table: str) -> None:
    _execute(f"ALTER TABLE away RENAME TO {table}")


def read_database(file: str, only: str = "") -> None:
    """Every row of every table; of the two session tables only if they are requested."""
    with database.cursor() as cursor, Path(file).open("w") as output:
        for table in [only] if only else database.introspection.table_names(cursor):
            if only or table not in ("django_session", "usersessions_usersession"):
                cursor.execute(f"SELECT * FROM {table}")  # nosec B608 # noqa: S608 - the name comes from the schema
                output.writelines(f"{table} {row!r}\n" for row in cursor.fetchall())


def read_broker(file: str, _name: str) -> None:
    """Every key of the broker and the cache, with decoded task bodies."""
    with app.connection() as broker, Path(file).open("wb") as output:
        clients = [broker.default_channel.client]
        with suppress(AttributeError):
            clients.append(cache._cache.get_client())  # type: ignore[attr-defined]
        for client in clients:
            for key in client.scan_iter():
                content = repr((key, _value(client, key))).encode()
                output.write(content + b"\n")
                for body in re.findall(rb'"body": "([A-Za-z0-9+/=]+)"', content):
                    output.write(base64.b64decode(body) + b"\n")


def _value(client: Any, key: bytes) -> Any:
    match client.type(key):
        case b"list":
            return client.lrange(key, 0, -1)
        case b"hash":
            return client.hgetall(key)
        case b"zset":
            return client.zrange(key, 0, -1, withscores=True)
        case b"set":
            return client.smembers(key)
    return client.get(key)


def _execute(sql: str) -> None:
    with database.cursor() as cursor:
        cursor.execute(sql)
