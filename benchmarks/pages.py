"""Measures the portal's pages with 100,000 orders on PostgreSQL: ``python -m benchmarks.pages``.

Creates a database on the server of ``TEST_DATABASE_URL``, fills it, requests each page as support and as an
org admin with Django's test client, and prints the median time and the number of queries.
"""

import argparse
import os
import statistics
import subprocess  # nosec B404 # starts this project's own commands
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import django
import psycopg

SERVER = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432")
ROUNDS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    arguments = parser.parse_args()
    with database() as url:
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        # Otherwise support would be redirected to the set-up of two-factor authentication.
        os.environ["REQUIRE_TWO_FACTOR"] = "off"
        for command in (
            ["manage.py", "migrate", "-v0"],
            ["-m", "tests.fixtures.load_data", "--orders", str(arguments.orders)],
        ):
            subprocess.run([sys.executable, *command], check=True)  # nosec B603 # noqa: S603 - our own command, no shell
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        django.setup()
        measure()


@contextmanager
def database() -> Iterator[str]:
    """The URL of a new database, which is dropped afterwards."""
    name = f"portal_pages_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield f"{SERVER}/{name}"
    finally:
        with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def measure() -> None:
    # Models can be imported only after django.setup().
    from django.conf import settings
    from django.contrib.auth.models import Group, User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from assessments.admin.private_search import sealed
    from assessments.models import Order
    from integrations.models import Membership, Organization, Package

    settings.ALLOWED_HOSTS = ["testserver"]
    acme = Organization.objects.get(slug="acme")
    support = User.objects.create(username="sam", is_staff=True)
    support.groups.add(Group.objects.get(name="support"))
    admin = User.objects.create(username="ada", is_staff=True)
    Membership.objects.create(user=admin, organization=acme)
    order = Order.objects.filter(organization=acme, status="in_process").latest("created_at")
    orders = "/admin/assessments/order/"
    pages = {
        "first page": "/admin/",
        "orders": orders,
        "orders, page 600": f"{orders}?p=600",
        "orders, by age": f"{orders}?o=5",
        **{
            f"orders, problem {problem}": f"{orders}?problem={problem}"
            for problem in ("attention", "ashby", "paused", "stalled", "unknown", "placing")
        },
        "orders, complete": f"{orders}?status=complete",
        "orders, one package": f"{orders}?package={Package.objects.filter(organization=acme)[0].pk}",
        "orders, last 7 days": f"{orders}?started=7d",
        **{
            f"search by {field}": f"{orders}?q={sealed(text)}"
            for field, text in {
                "last name": order.candidate_last_name,
                "whole name": order.candidate_name,
                "e-mail": order.candidate_email,
                "number": order.justifacts_order_id,
                "id": str(order.pk),
                "job": order.job_name.split()[0],
            }.items()
        },
        "an order": f"{orders}{order.pk}/change/",
        "mapping preview": f"{orders}mapping-preview/{acme.pk}/",
        "set-up": f"/admin/integrations/organization/{acme.pk}/setup/",
        "jobs": "/admin/integrations/job/",
        "updates": "/admin/assessments/ashbyupdate/",
        "events": "/admin/assessments/orderevent/",
    }
    print(f"{'page':28} {'support':>22} {'org admin':>22}")
    for name, path in pages.items():
        cells = []
        for user in (support, admin):
            client = Client()
            client.force_login(user)
            times = []
            for _ in range(ROUNDS):
                started = time.perf_counter()
                answer = client.get(path)
                times.append((time.perf_counter() - started) * 1000)
            with CaptureQueriesContext(connection) as captured:
                client.get(path)
            figures = f"{statistics.median(times):.0f} ms, {len(captured)} queries"
            cells.append(figures if answer.status_code == 200 else str(answer.status_code))
        print(f"{name:28} {cells[0]:>22} {cells[1]:>22}", flush=True)


if __name__ == "__main__":
    main()
