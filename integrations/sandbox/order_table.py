"""The orders of the stand-in Justifacts, with the look-ups by number and by reference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from integrations.sandbox.dialects.justifacts import digits_of
from integrations.sandbox.models import Order


class OrderTable:
    """Orders by id. ``open`` holds those that have not ended, ``changing`` those with scheduled changes."""

    def __init__(self) -> None:
        self._by_id: dict[str, Order] = {}
        self._ids_by_reference: dict[tuple[str, str], list[str]] = {}
        self._id_by_number: dict[str, str] = {}
        self._next_number = 101
        self.open: dict[str, Order] = {}
        self.changing: dict[str, Order] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(self._by_id.values())

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._by_id

    def __getitem__(self, identifier: str) -> Order:
        return self._by_id[identifier]

    def get(self, identifier: str) -> Order | None:
        """The order with this id, or ``None``."""
        return self._by_id.get(identifier)

    def put(self, order: Order) -> None:
        """Add an order, or update the look-ups after it has changed."""
        if order.id not in self._by_id:
            self._by_id[order.id] = order
            self._next_number = max(self._next_number, int(order.id[-6:]) + 1)
            self._ids_by_reference.setdefault((order.org, order.reference_id), []).append(order.id)
        for number in filter(None, (order.id, order.reissued_as)):
            self._id_by_number[number] = self._id_by_number[digits_of(number)] = order.id
        for orders, is_member in (
            (self.open, not order.ended),
            (self.changing, bool(order.scheduled_changes)),
        ):
            if is_member:
                orders[order.id] = order
            else:
                orders.pop(order.id, None)

    def next_id(self) -> str:
        """An order number as Justifacts might write it: opaque, not a UUID."""
        return f"JF-{datetime.now(UTC).year}-{self._next_number:06d}"

    def numbered(self, number: str) -> Order | None:
        """The order with this number: its id, the number under which it was issued again, or only the digits
        of either."""
        return self._by_id.get(number) or self._by_id.get(self._id_by_number.get(number, ""))

    def with_reference(self, slug: str, reference_id: str) -> list[Order]:
        """An organization's orders with this reference; more than one if the caller placed it twice."""
        return [
            self._by_id[identifier] for identifier in self._ids_by_reference.get((slug, reference_id), [])
        ]
