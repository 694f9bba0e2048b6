"""After an erasure, no column of any table and no log file contains candidate data, and nothing brings it
back.

These tests fail when a new column can hold candidate data and is not erased.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from assessments import tasks
from assessments.models import InboundRequest, Order, OrderEvent
from assessments.orders.staff import NotPossible
from assessments.privacy.eligibility import place_hold
from assessments.privacy.requests import erase_candidate
from assessments.reconciliation.run import reconcile_now
from assessments.recovery_log import log as recovery_log
from assessments.support.decisions import add_note
from assessments.support.retry import poll_now, resend_updates, retry
from assessments.tracking.poll import poll
from tests.assessments.privacy.erasing import (
    EMAIL,
    FULL_NAME,
    REPORT,
    order_with_marks_everywhere,
    remaining_marks,
)
from tests.assessments.reconciliation.reconciling import meanwhile
from tests.fixtures.world import World, data

COMPLETION = {
    "assessment_result": data("result", "Review-ish"),
    "assessment_profile_url": data("report", REPORT, "url"),
}


@pytest.fixture
def order(world: World, settings) -> Order:
    settings.ASSESSMENT_START_REPLAY_SECONDS = 0
    return order_with_marks_everywhere(world)


@pytest.fixture
def erased(world: World, order: Order) -> Order:
    """The order after its erasure on request."""
    done = erase_candidate(world.acme.organization, EMAIL.upper(), "ada", timezone.now())
    assert done.orders == [str(order.pk)]
    return Order.objects.get(pk=order.pk)


@pytest.fixture
def expired(order: Order) -> Iterator[Order]:
    """The order after its erasure at the end of its retention."""
    with time_machine.travel(timezone.now() + timedelta(days=731)):
        tasks.erase_due()
        recovery_log.tidy(timezone.now())  # As each night.
        yield Order.objects.get(pk=order.pk)


def test_the_marks_are_everywhere_before_the_erasure(order: Order) -> None:
    """Otherwise the other tests would prove nothing."""
    assert {
        *("assessments.Order.candidate_email", "assessments.Order.additional_fields"),
        *("assessments.Order.report_url", "assessments.Order.result"),
        *(
            "assessments.OrderEvent.summary",
            "assessments.AshbyUpdate.payload",
            "assessments.AshbyUpdate.summary",
        ),
        *("assessments.InboundRequest.body", "assessments.Discrepancy.text", "the recovery log"),
    } <= remaining_marks().keys()
    assert InboundRequest.objects.filter(order=None).exclude(body={}).count() >= 2, "rejected calls"


@pytest.mark.parametrize("way", [pytest.param("erased", marks=pytest.mark.anywhere), "expired"])
def test_an_erasure_removes_all_marks_and_keeps_the_figures(request, order: Order, way: str) -> None:
    erased = request.getfixturevalue(way)
    assert remaining_marks() == {}
    kept = ("status", "status_since", "created_at", "placed_at", "completed_at", "turnaround_minutes")
    for name in (*kept, "package_id", "job_id", "job_name", "application_id", "justifacts_order_id"):
        assert getattr(erased, name) == getattr(order, name), name
    assert erased.erased_at is not None
    assert erased.attempts.filter(call="place", http_status=503).exists()
    kinds = list(erased.events.values_list("kind", flat=True))
    assert kinds[0] == "started"
    assert kinds[-1] == "erased"
    assert "completed" in kinds


class TestErasedDataDoesNotReturn:
    def test_a_push_writes_nothing(self, world: World, erased: Order) -> None:
        for changes in (COMPLETION, {**COMPLETION, "reference_id": ""}, {"assessment_id": "JF-10"}):
            answer = world.push(erased, f"Complete, {FULL_NAME}", **{**COMPLETION, **changes})
            assert answer.status_code == 200
        assert remaining_marks() == {}
        assert list(InboundRequest.objects.filter(outcome="erased").values_list("order", "body")) == (
            [(erased.pk, {})] * 3
        )

    def test_an_erased_order_is_not_polled(self, world: World, erased: Order) -> None:
        answer = {"assessment_id": "JF-9", "reference_id": str(erased.pk), "timestamp": 1, **COMPLETION}
        world.justifacts("assessment.status", {"success": True, "results": answer})
        assert poll_now(erased.pk, "Sam") is False
        assert retry(erased.pk, "Sam") == []
        assert poll([erased.pk]) == []
        world.work()
        assert remaining_marks() == {}

    def test_a_reconciliation_writes_nothing(self, world: World, erased: Order) -> None:
        answer = {"assessment_id": "JF-9", "reference_id": str(erased.pk), "timestamp": 1, **COMPLETION}
        world.justifacts("assessment.status", {"success": True, "results": answer})
        report = reconcile_now(world.acme.organization, "Ada")
        assert (report.orders_checked, report.resolved) == (0, 0)
        assert remaining_marks() == {}

    def test_a_cancellation_by_ashby_writes_nothing(self, world: World, erased: Order) -> None:
        body = {"assessment_id": str(erased.pk), "why": f"{FULL_NAME}, dossier"}
        assert world.call("/ashby/assessment.cancel", body).status_code == 200
        assert remaining_marks() == {}

    def test_a_new_start_for_the_same_application_creates_another_order(
        self, world: World, erased: Order
    ) -> None:
        """The new order has its own retention period."""
        again = world.start(application={"ashby_id": erased.application_id})
        assert again.pk != erased.pk
        assert Order.objects.get(pk=erased.pk).candidate_email == ""
        assert remaining_marks() == {}


def test_an_answer_that_arrives_after_the_erasure_is_discarded(world: World, order: Order) -> None:
    """The candidate is erased between a poll and its answer."""
    assert poll_now(order.pk, "Sam")
    answer = {"assessment_id": "JF-9", "reference_id": str(order.pk), "timestamp": 1, **COMPLETION}
    answer["assessment_result"] = data("result", "Adverse dossier")

    def erase() -> None:
        assert erase_candidate(world.acme.organization, EMAIL, "ada", timezone.now()).orders

    meanwhile(world, {"success": True, "results": answer}, erase)
    assert poll([order.pk]) == []
    assert remaining_marks() == {}
    assert Order.objects.get(pk=order.pk).next_call == ""


def test_staff_actions_on_an_erased_order_are_refused(world: World, erased: Order) -> None:
    count = OrderEvent.objects.count()
    for action in (
        lambda: add_note(erased.pk, "A note", "Sam"),
        lambda: place_hold(erased.pk, "Ada", "A dispute"),
        lambda: resend_updates(erased.updates.first().pk, "Sam", "Why not"),
    ):
        with pytest.raises(NotPossible, match="was erased"):
            action()
    assert OrderEvent.objects.count() == count
