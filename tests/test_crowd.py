"""The crowd that pages are looked at and measured with."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Count, F, Q

from assessments.models import Attempt, Concern, Event, InboundCall, NextCall, Order, Update
from assessments.statuses import Status
from integrations.models import Connection, JobPackageMapping, Organization
from tests.crowd import fill

pytestmark = [pytest.mark.django_db, pytest.mark.anywhere]

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def test_a_small_crowd_has_everything() -> None:
    fill(120, now=NOON)
    orders = Order.objects.all()
    assert orders.count() == 120
    assert list(Organization.objects.values_list("name", flat=True)) == ["Acme", "Globex", "Initech"]
    assert set(orders.values_list("status", flat=True)) == set(Status.values)
    assert orders.filter(status=Status.COMPLETE).count() > 60
    needing = set(orders.filter(needs_attention=True).values_list("attention_concern", flat=True))
    assert needing == {Concern.PLACING, Concern.DELIVERY, Concern.CANCEL}
    assert orders.filter(status_is_unknown=True).exists()
    assert orders.filter(next_call=NextCall.LOOK_UP).exists()
    assert set(Update.objects.values_list("state", flat=True)) >= {"waiting", "delivered", "refused"}
    assert Connection.objects.exclude(paused_at=None).count() == 1


def test_what_it_says_fits_together() -> None:
    fill(120, now=NOON)
    completed = Order.objects.filter(status=Status.COMPLETE)
    for order in completed:
        assert order.completed_at == order.status_since
        assert order.turnaround_minutes == (order.completed_at - order.created_at) // timedelta(minutes=1)
    early_or_late = Q(created_at__gt=NOON) | Q(status_since__gt=NOON) | Q(status_since__lt=F("created_at"))
    assert not Order.objects.filter(early_or_late | Q(created_at__lt=NOON - timedelta(days=121))).exists()
    assert not Event.objects.filter(Q(at__gt=NOON) | Q(at__lt=F("order__created_at"))).exists()
    assert not Attempt.objects.filter(at__gt=NOON).exists()
    made_up = re.compile(r"[a-z.-]+\d+@example\.(com|org)")
    assert all(made_up.fullmatch(order.candidate_email) for order in Order.objects.all())
    assert InboundCall.objects.filter(order__isnull=False).count() > 120
    told = Order.objects.annotate(count=Count("updates")).exclude(count=F("last_sequence"))
    assert not told.exists()


def test_the_same_seed_makes_the_same_data() -> None:
    def facts() -> list[tuple[object, ...]]:
        return list(
            Order.objects.order_by("pk").values_list("pk", "candidate_email", "status_since", "status")
        )

    fill(40, seed=7, now=NOON)
    first = facts()
    Order.objects.all().delete()
    JobPackageMapping.objects.all().delete()
    Organization.objects.all().delete()
    fill(40, seed=7, now=NOON)
    assert facts() == first


def test_old_orders_have_only_the_end_of_their_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.crowd.filling.WITH_HISTORY", 10)
    fill(40, now=NOON)
    with_start = Event.objects.filter(kind="started", order__status=Status.COMPLETE)
    assert with_start.count() <= 10
    assert Order.objects.filter(events=None).count() == 0
