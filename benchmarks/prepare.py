"""Brings the benchmark's database up to date and connects its organization:
``python -m benchmarks.inside prepare``, as the processes see the environment. Prints the package to order."""

from django.conf import settings
from django.core.management import call_command

from benchmarks.stack import ASHBY_KEY, VERIFICATION_KEY
from integrations import catalogue, connections


def main() -> None:
    call_command("migrate", verbosity=0)
    # The reference's table needs the portal's to be there: PostgreSQL checks that at once.
    call_command("migrate", run_syncdb=True, verbosity=0)
    connection = connections.connect(
        "Bench",
        slug="bench",
        verification_key=VERIFICATION_KEY,
        ashby_key=ASHBY_KEY,
        staging_base_url=settings.JUSTIFACTS_BASE_URL,
    )
    catalogue.sync_packages(connection)
    catalogue.sync_jobs(connection)
    connections.check(connection)
    print(next(iter(catalogue.offers(connection))).assessment_type_id)
