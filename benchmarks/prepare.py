"""Migrates the benchmark's database and connects its organization: ``python -m benchmarks.inside prepare``.
Prints the packages that it offers, as JSON."""

import json

from django.conf import settings
from django.core.management import call_command

from benchmarks.stack import ASHBY_KEY, VERIFICATION_KEY
from integrations.catalog import offers, sync
from integrations.connections import check, connect


def main() -> None:
    call_command("migrate", verbosity=0)
    connection = connect.connect(
        "Bench",
        slug="bench",
        verification_key=VERIFICATION_KEY,
        ashby_key=ASHBY_KEY,
        staging_base_url=settings.JUSTIFACTS_BASE_URL,
    )
    sync.sync_packages(connection)
    sync.sync_jobs(connection)
    check.check(connection)
    print(json.dumps([offer.as_json() for offer in offers.offers(connection)]))
