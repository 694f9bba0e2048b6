"""Changes of an order: one transaction, one writer, everything that follows from it inside."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction

from assessments.models import Event, Order
from integrations.redaction import conceal


@contextmanager
def changing(assessment_id: UUID) -> Iterator[Order]:
    """The order, locked, to be changed; saved at the end.

    PostgreSQL locks the row; SQLite's transactions take the write lock when they begin. Raises
    ``Order.DoesNotExist``.
    """
    with transaction.atomic():
        order = (
            Order.objects.select_for_update(of=("self",))
            .select_related("organization", "package")
            .get(pk=assessment_id)
        )
        yield order
        order.save()


def record(order: Order, source: Event.Source, kind: str, summary: str) -> None:
    """Adds one line to the order's history, which is never changed and so never says who the candidate is:
    not in the other side's words, nor in a person's note."""
    summary = conceal(summary, order.personal_data)
    Event.objects.create(order=order, source=source, kind=kind, summary=summary)


def record_once(order: Order, source: Event.Source, kind: str, summary: str) -> None:
    """The same, but not again while the last line of this kind says just that: a poll repeats
    itself every few minutes."""
    last = order.events.filter(kind=kind).last()
    if last is None or last.summary != conceal(summary, order.personal_data):
        record(order, source, kind, summary)
