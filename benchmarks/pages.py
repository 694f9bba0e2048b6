"""How long the portal's pages take with 100,000 orders on PostgreSQL: ``python -m benchmarks.pages``.

Makes a database of its own beside ``TEST_DATABASE_URL``'s, fills it, asks for each page as support and
as an org's admin through Django's test client, and prints medians and numbers of queries.
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
        # Or support would be led to the set-up of a second factor.
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
    name = f"portal_pages_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield f"{SERVER}/{name}"
    finally:
        with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def measure() -> None:
    from django.conf import settings  # Django's models can be imported once it is set up
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
            for problem in ("human", "ashby", "paused", "still", "unknown", "placing")
        },
        "orders, complete": f"{orders}?status=complete",
        "orders, one package": f"{orders}?package={Package.objects.filter(organization=acme)[0].pk}",
        "orders, last 7 days": f"{orders}?started=7d",
        **{
            f"search by {what}": f"{orders}?q={sealed(text)}"
            for what, text in {
                "last name": order.candidate_last_name,
                "whole name": order.candidate_name,
                "e-mail": order.candidate_email,
                "number": order.justifacts_order_id,
                "id": str(order.pk),
                "job": order.job_name.split()[0],
            }.items()
        },
        "an order": f"{orders}{order.pk}/change/",
        "dry run": f"{orders}dry-run/{acme.pk}/",
        "set-up": f"/admin/integrations/organization/{acme.pk}/setup/",
        "jobs": "/admin/integrations/job/",
        "updates": "/admin/assessments/update/",
        "events": "/admin/assessments/event/",
    }
    print(f"{'page':28} {'support':>22} {'org admin':>22}")
    for name, address in pages.items():
        cells = []
        for user in (support, admin):
            client = Client()
            client.force_login(user)
            times = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                answer = client.get(address)
                times.append((time.perf_counter() - began) * 1000)
            with CaptureQueriesContext(connection) as captured:
                client.get(address)
            figures = f"{statistics.median(times):.0f} ms, {len(captured)} queries"
            cells.append(figures if answer.status_code == 200 else str(answer.status_code))
        print(f"{name:28} {cells[0]:>22} {cells[1]:>22}", flush=True)


if __name__ == "__main__":
    main()
