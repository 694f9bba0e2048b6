"""A portal that has been in use for months: organizations and orders to look at and to measure with.

``python -m tests.crowd --orders 300`` fills the configured database; nothing of it is true.
"""

from datetime import datetime


def fill(orders: int, *, organizations: int = 3, seed: int = 1, now: datetime | None = None) -> None:
    """Adds so many orders of the last 120 days, in every state. The same seed (and ``now``) makes the
    same data; each organization can be made once per database."""
    # Models can only be imported after django.setup(), which __main__ calls.
    from .filling import fill_database

    fill_database(orders, organizations, seed, now)
