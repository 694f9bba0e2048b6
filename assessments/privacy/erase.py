"""Erases the candidate's data of one order in every table.

Statuses, times, package, job, turnaround and counts stay. No data returns later, because these check
``order.is_erased`` before they write: ``orders/call_log``, ``orders/staff``, ``tracking/apply``,
``tracking/not_understood``, ``tracking/order_number``, ``tracking/poll_schedule``, ``placement/place`` and
``reconciliation/run``. ``tests/assessments/privacy/test_erased_everywhere.py`` searches every column of
the database.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q

from assessments import search
from assessments.models import (
    AshbyUpdate,
    AttentionTopic,
    Discrepancy,
    ErasureReason,
    InboundRequest,
    Order,
    OrderEvent,
    PendingCall,
)
from assessments.models.order_parts import ERASED_LISTS, ERASED_OBJECTS, ERASED_TEXTS
from assessments.orders.transaction import record_event, schedule_call

#: Replaces an erased text.
ERASED = "(erased)"
BATCH = 500

#: How many rows of each kind were erased; see ``certificates.KINDS``.
Counts = Counter[str]


def erase_order(order: Order, reason: ErasureReason, explanation: str, now: datetime) -> Counts:
    """Erases the order's personal data and returns how many rows of each kind were affected.

    ``explanation`` is the last line of the order's history. The caller holds the row lock, saves the order,
    and has checked that it has ended and is under no legal hold.
    """
    counts = Counter(
        orders=1,
        events=_erase_events(order),
        updates=_erase_updates(order),
        attempts=order.attempts.update(message="", answer="", request_id=""),
        inbound_requests=order.inbound_requests.update(message="", body={}),
        discrepancies=Discrepancy.objects.filter(order=order).update(text=ERASED),
        search_terms=search.unindex_orders([order]),
    )
    _clear_personal_fields(order)
    order.erased_at, order.erasure_reason = now, reason
    record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.ERASED, explanation)
    return counts


def _clear_personal_fields(order: Order) -> None:
    for name in ERASED_TEXTS:
        setattr(order, name, "")
    for name in ERASED_OBJECTS:
        setattr(order, name, {})
    for name in ERASED_LISTS:
        setattr(order, name, [])
    order.status_unrecognized = False
    order.needs_attention, order.attention_topic, order.attention_since = False, AttentionTopic.NONE, None
    # Ends the lease too: a worker that is calling now cannot write its answer.
    schedule_call(order, PendingCall.NONE, None)


def _erase_events(order: Order) -> int:
    """A database trigger forbids changing an event, so each is deleted and written again without its text."""
    events = list(order.events.all())
    order.events.all().delete()
    OrderEvent.objects.bulk_create(
        OrderEvent(
            order=order,
            at=event.at,
            source=event.source,
            kind=event.kind,
            summary=f"{event.kind.replace('_', ' ').capitalize()} (text erased)",
        )
        for event in events
    )
    return len(events)


def _erase_updates(order: Order) -> int:
    """Undelivered updates are skipped, because they have no content any more."""
    order.updates.filter(state__in=AshbyUpdate.UNDELIVERED).update(state=AshbyUpdate.State.SKIPPED)
    return order.updates.update(
        payload={}, summary=ERASED, last_error="", warnings=[], lease_token=None, leased_until=None
    )


def scrub_unmatched_requests(organization_id: int, identifiers: Iterable[str]) -> int:
    """Empties the bodies of rejected calls that belong to no order and contain one of ``identifiers``.
    Returns how many."""
    wanted = set(identifiers) - {""}
    if not wanted:
        return 0
    rejected = Q(organization=organization_id, order=None) & ~Q(outcome="answered") & ~Q(body={})
    calls = InboundRequest.objects.filter(rejected).only("body")
    found = [call.pk for call in calls.iterator(BATCH) if not wanted.isdisjoint(_texts(call.body))]
    return sum(
        InboundRequest.objects.filter(pk__in=found[start : start + BATCH]).update(message="", body={})
        for start in range(0, len(found), BATCH)
    )


def identifiers_of(order: Order) -> set[str]:
    """The ids by which a call can refer to the order or its candidate. Read them before the order is
    erased."""
    return {str(order.pk), order.justifacts_order_id, order.application_id, order.candidate_id} - {""}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value
