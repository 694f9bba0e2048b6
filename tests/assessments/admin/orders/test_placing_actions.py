"""Staff decide what becomes of an order whose placement is unknown."""

import pytest
import requests
from django.urls import reverse
from django.utils import timezone

from assessments.models import Order, OrderEvent, PendingCall
from assessments.placement.next_call import make_next_call
from tests.fixtures.admin import Desk
from tests.fixtures.world import World, data

PAGE = "assessments_order_change"


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def last_line(order: Order) -> str:
    event = order.events.filter(source=OrderEvent.Source.PERSON).last()
    return event.summary if event else ""


@pytest.fixture
def unknown(world: World) -> Order:
    """An order whose placement stayed unknown, so that it needs attention."""
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", requests.ReadTimeout())
    world.justifacts("assessment.status", "odd", 502)
    make_next_call(order.pk)
    for _ in range(3):
        Order.objects.update(next_attempt_at=timezone.now())
        make_next_call(order.pk)
    order = fresh(order)
    assert order.needs_attention
    return order


class TestUnknownPlacing:
    def test_an_existing_justifacts_order_can_be_linked(
        self, world: World, unknown: Order, support: Desk
    ) -> None:
        page = support.open("assessments_order_link_existing", unknown.pk)
        assert str(unknown.pk) in page, "the reference to ask Justifacts for"
        said = support.press(
            "assessments_order_link_existing", unknown.pk, number=" JF-900 ", reason="Kim at Justifacts"
        )
        assert "The order is now linked to Justifacts order JF-900." in said
        status = {
            "assessment_id": "JF-900",
            "assessment_status": data("s", "Applicant Started"),
            "timestamp": 5,
        }
        world.justifacts("assessment.status", {"success": True, "results": status})
        world.work()
        order = fresh(unknown)
        assert (order.status, order.justifacts_order_id) == ("applicant_started", "JF-900")
        assert not order.needs_attention
        assert world.delivered(order) == ["Justifacts Received", "Started", "Applicant Started"]
        assert len(world.sent("assessment.start")) == 1
        assert "sam linked this order to Justifacts order JF-900" in last_line(order)
        assert "Reason: Kim at Justifacts" in last_line(order)

    def test_an_order_that_justifacts_lacks_can_be_resubmitted(
        self, world: World, unknown: Order, support: Desk
    ) -> None:
        assert "checked twice and both checks are billed" in support.open(
            "assessments_order_resubmit", unknown.pk
        )
        support.press("assessments_order_resubmit", unknown.pk, reason="Kim found none")
        world.justifacts_takes("JF-901")
        world.work()
        order = fresh(unknown)
        assert order.justifacts_order_id == "JF-901"
        assert not order.needs_attention
        assert last_line(order) == "sam resubmitted the order to Justifacts. Reason: Kim found none"

    def test_an_unknown_placement_cannot_be_resolved(self, unknown: Order, support: Desk) -> None:
        """Without the question, two answers “not found” would make the machine place it again."""
        page = support.html(PAGE, unknown.pk)
        assert reverse("admin:assessments_order_resolve", args=[unknown.pk]) not in page
        support.press("assessments_order_resolve", unknown.pk, reason="Never mind")
        assert fresh(unknown).needs_attention

    def test_the_number_of_another_order_cannot_be_linked(
        self, world: World, unknown: Order, support: Desk
    ) -> None:
        Order.objects.filter(pk=unknown.pk).update(application_id="a-1")
        other = world.placed("JF-77")
        said = support.press("assessments_order_link_existing", unknown.pk, number="JF-77", reason="Kim")
        assert "already has the number JF-77" in said
        assert fresh(other).justifacts_order_id == "JF-77"
        assert fresh(unknown).next_call == PendingCall.LOOK_UP

    def test_a_known_placement_can_be_neither_linked_nor_resubmitted(
        self, world: World, support: Desk
    ) -> None:
        """An order that Justifacts has is never placed a second time."""
        order = world.placed()
        for action in ("link_existing", "resubmit"):
            assert "not available for the order in its current state" in support.open(
                f"assessments_order_{action}", order.pk
            )
            support.press(f"assessments_order_{action}", order.pk, number="JF-9", reason="Why not")
        assert len(world.sent("assessment.start")) == 1
        assert fresh(order).justifacts_order_id == "JF-2026-1"

    def test_a_number_of_another_order_leaves_the_decision_to_staff(
        self, world: World, unknown: Order, support: Desk
    ) -> None:
        """Justifacts names, when asked, a number that is taken: that asks no more by itself."""
        Order.objects.filter(pk=unknown.pk).update(application_id="a-1")
        world.placed("JF-77")
        status = {"assessment_id": "JF-77", "reference_id": str(unknown.pk)}
        world.justifacts("assessment.status", {"success": True, "results": status})
        Order.objects.filter(pk=unknown.pk).update(next_attempt_at=timezone.now())
        make_next_call(unknown.pk)
        assert fresh(unknown).next_call == PendingCall.NONE
        support.press(
            "assessments_order_link_existing", unknown.pk, number="JF-78", reason="Kim found the right one"
        )
        assert fresh(unknown).justifacts_order_id == "JF-78"

    def test_a_linked_order_that_was_cancelled_is_cancelled_at_justifacts(
        self, world: World, unknown: Order, support: Desk
    ) -> None:
        support.press("assessments_order_cancel", unknown.pk, reason="Withdrew")
        world.justifacts("assessment.cancel", {"success": True, "results": {}})
        support.press("assessments_order_link_existing", unknown.pk, number="JF-902", reason="Kim")
        world.work()
        assert world.sent("assessment.cancel") == [{"assessment_id": "JF-902"}]
