"""Creates the tables of the reference: ``python -m benchmarks.inside reference.prepare``, with its settings.
Reads the packages that the portal offers from standard input."""

import json
import sys

from django.core.management import call_command

from benchmarks.stack import BARE_VERIFICATION_KEY, VERIFICATION_KEY

from .authentication import hash_of
from .models import Customer, OfferedPackage


def main() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    customer = Customer.objects.create(name="Bench", key_hash=hash_of(VERIFICATION_KEY))
    Customer.objects.create(name="Bare", key_hash=hash_of(BARE_VERIFICATION_KEY))
    for package in json.load(sys.stdin):
        OfferedPackage.objects.create(customer=customer, **package)
