"""Erasing: of one order everything that says something of the candidate goes, wherever it is kept; figures
(status, times, package, job, turnaround, counts, numbers of calls) stay. Nothing of it comes back later:
``keep_attempt``, ``apply_status``, ``keep_about`` and the reconciliation leave an erased order alone.

A test (``tests/assessments/privacy/test_erased_everywhere.py``) looks into every column of the database.
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
from assessments.models.order_choices import ERASED_LISTS, ERASED_OBJECTS, ERASED_TEXTS
from assessments.orders.transaction import record_event, schedule_call

#: What stands where words were.
ERASED = "(erased)"
BATCH = 500

#: How many of each kind.
Counts = Counter[str]


def erase_orders(order: Order, why: ErasureReason, because: str, now: datetime) -> Counts:
    """Erases the order's personal data; how much of each kind. ``because``: the sentence that its history
    ends with. The caller holds and saves the order, which has ended and is under no legal hold."""
    counts = Counter(
        orders=1,
        events=_erase_events(order),
        updates=_erase_updates(order),
        attempts=order.attempts.update(message="", answer="", request_id=""),
        inbound_requests=order.inbound_requests.update(message="", body={}),
        discrepancies=Discrepancy.objects.filter(order=order).update(text=ERASED),
        search_terms=search.unindex_orders([order]),
    )
    _empty(order)
    order.erased_at, order.erasure_reason = now, why
    record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.ERASED, because)
    return counts


def _empty(order: Order) -> None:
    for name in ERASED_TEXTS:
        setattr(order, name, "")
    for name in ERASED_OBJECTS:
        setattr(order, name, {})
    for name in ERASED_LISTS:
        setattr(order, name, [])
    order.status_unrecognized = False
    order.needs_attention, order.attention_topic, order.attention_since = False, AttentionTopic.NONE, None
    # Also ends the claim of whoever calls about it now: what they bring is not written.
    schedule_call(order, PendingCall.NONE, None)


def _erase_events(order: Order) -> int:
    """A line is never changed, by the database's own rule: each makes room for one without its words."""
    lines = list(order.events.all())
    order.events.all().delete()
    OrderEvent.objects.bulk_create(
        OrderEvent(order=order, at=line.at, source=line.source, kind=line.kind, summary=_in_short(line.kind))
        for line in lines
    )
    return len(lines)


def _in_short(kind: str) -> str:
    """The kinds are the program's own words."""
    return f"{kind.replace('_', ' ').capitalize()} (words erased)"


def _erase_updates(order: Order) -> int:
    """What Ashby was never told by now is set aside: there is nothing left to tell."""
    order.updates.filter(state__in=AshbyUpdate.UNDELIVERED).update(state=AshbyUpdate.State.SKIPPED)
    return order.updates.update(
        payload={}, summary=ERASED, last_error="", warnings=[], lease_token=None, leased_until=None
    )


def scrub_unmatched_requests(organization_id: int, names: Iterable[str]) -> int:
    """Empties what Ashby or Justifacts sent in calls that belong to no order (they were refused) and that
    name one of these ids; how many."""
    wanted = set(names) - {""}
    if not wanted:
        return 0
    refused = Q(organization=organization_id, order=None) & ~Q(outcome="answered") & ~Q(body={})
    calls = InboundRequest.objects.filter(refused).only("body")
    found = [call.pk for call in calls.iterator(BATCH) if not wanted.isdisjoint(_texts(call.body))]
    return sum(
        InboundRequest.objects.filter(pk__in=found[start : start + BATCH]).update(message="", body={})
        for start in range(0, len(found), BATCH)
    )


def identifiers_of(order: Order) -> set[str]:
    """The ids by which a call may speak of the order or of its candidate. Before it is erased."""
    return {str(order.pk), order.justifacts_order_id, order.application_id, order.candidate_id} - {""}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value
