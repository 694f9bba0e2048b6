"""Fills a portal's database with any number of orders: ``python -m benchmarks.fill --orders 1000000``.

The load data provides the templates. SQL copies them, each time with ids, a number, a name and an address of
its own, and moves ended orders into the past year. On PostgreSQL the user has to be a superuser, who may
switch triggers off. The database may hold no organizations yet.
"""

import time

_TEMPLATES = 1500
_CHUNK = 20_000


def fill(orders: int, organizations: int) -> None:
    """Fill the migrated database of the configured portal, and print the progress."""
    # Models can be imported only after django.setup().
    from benchmarks.fill.copies import Copies
    from tests.fixtures.load_data.filling import fill_database

    began = time.monotonic()
    templates = min(orders, _TEMPLATES)
    fill_database(templates, organizations, seed=1, now=None, with_history=templates)
    with Copies(orders - templates) as copies:
        for first in range(1, copies.count + 1, _CHUNK):
            last = min(first + _CHUNK - 1, copies.count)
            copies.insert(first, last)
            print(f"{templates + last} orders after {time.monotonic() - began:.0f} s", flush=True)
    print(f"{orders} orders in {time.monotonic() - began:.0f} s")
