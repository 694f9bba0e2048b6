"""Where Justifacts contradicts itself, a person decides on the order's page: which number, which result."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from assessments.management.commands.order import Command
from assessments.models import Order
from assessments.support.retry import can_be_polled
from integrations.models import AuditLogEntry
from tests.fixtures.admin import Desk
from tests.fixtures.world import World, data

PAGE = "assessments_order_change"
ORGANIZATION = "integrations_organization_change"
NINE = datetime(2027, 1, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed("JF-1")
    world.work()
    return order


def ms(**ago: float) -> int:
    return int((NINE - timedelta(**ago)).timestamp() * 1000)


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def complete(world: World, order: Order, result: str, **more: Any) -> None:
    assert world.push(order, "Complete", assessment_result=data("result", result), **more).status_code == 200
    world.work()


class TestNumber:
    def test_support_accepts_the_new_order_number(self, world: World, order: Order, support: Desk) -> None:
        world.push(order, "In Process: Justifacts", assessment_id="JF-1R")
        page = support.html(PAGE, order.pk)
        assert "Justifacts now calls this order JF-1R" in page
        assert reverse("admin:assessments_order_take_number", args=[order.pk]) in page
        explained = support.open("assessments_order_take_number", order.pk)
        assert "Use this when Justifacts confirms that JF-1R replaces JF-1." in explained
        said = support.press("assessments_order_take_number", order.pk, reason="Kim at Justifacts")
        assert "The order number is now JF-1R." in said
        assert "sam accepted JF-1R as the order's number, in place of JF-1. Reason: Kim at Justifacts" in said
        assert "Needs attention" not in said
        assert (fresh(order).justifacts_order_id, fresh(order).needs_attention) == ("JF-1R", False)
        assert AuditLogEntry.objects.filter(object_id=str(order.pk), action="asked").exists()

    def test_the_action_is_not_offered_without_another_number(
        self, world, order: Order, support: Desk
    ) -> None:
        assert reverse("admin:assessments_order_take_number", args=[order.pk]) not in support.html(
            PAGE, order.pk
        )
        said = support.press("assessments_order_take_number", order.pk, reason="Why not")
        assert "Justifacts has not sent another number for this order." in said
        assert fresh(order).justifacts_order_id == "JF-1"

    def test_a_number_of_another_order_cannot_be_accepted(self, world, order, support: Desk) -> None:
        world.push(order, "In Process: Justifacts", assessment_id="JF-2")
        other = world.start()
        Order.objects.filter(pk=other.pk).update(justifacts_order_id="JF-2", may_have_been_sent=True)
        said = support.press("assessments_order_take_number", order.pk, reason="Kim")
        assert "already has the number JF-2" in said
        assert fresh(order).justifacts_order_id == "JF-1"

    def test_a_question_resolved_without_change_is_not_asked_again(self, world, order, support) -> None:
        for _ in range(2):
            world.push(order, "In Process: Justifacts", assessment_id="JF-1R")
            support.press("assessments_order_resolve", order.pk, reason="JF-1 is right")
            assert not fresh(order).needs_attention
        assert fresh(order).justifacts_order_id == "JF-1"


class TestResult:
    def disagree(self, world: World, order: Order) -> None:
        complete(world, order, "Review", timestamp=ms())
        complete(world, order, "Clear", timestamp=ms(minutes=7))

    def test_support_accepts_the_other_result_and_ashby_receives_it(
        self, world, order, support: Desk
    ) -> None:
        self.disagree(world, order)
        page = support.open(PAGE, order.pk)
        assert "with the result “Clear”" in page
        assert "with the result “Review”" in page
        assert "with the result “Clear” is correct" in support.open("assessments_order_take_result", order.pk)
        said = support.press("assessments_order_take_result", order.pk, reason="Kim at Justifacts")
        assert "The result is now Clear. The portal sends it to Ashby." in said
        assert "sam accepted “Complete, Clear” in place of “Complete, Review”. Reason: Kim" in said
        world.work()
        delivered = [u["assessment_result"]["value"] for u in world.sent("assessment.update")[1:]]
        assert delivered == ["Review", "Clear"]
        assert (fresh(order).result, fresh(order).needs_attention) == ("Clear", False)

    def test_support_resolves_a_disputed_result_and_it_stays(
        self, world: World, order: Order, support: Desk
    ) -> None:
        self.disagree(world, order)
        support.press("assessments_order_resolve", order.pk, reason="Review is right")
        complete(world, order, "Clear", timestamp=ms(minutes=7))
        assert (fresh(order).result, fresh(order).needs_attention) == ("Review", False)

    def test_the_action_is_not_offered_while_the_check_may_be_open_again(
        self, world, order, support: Desk
    ) -> None:
        complete(world, order, "Clear", timestamp=ms(hours=1))
        world.push(order, "In Process: Justifacts")
        assert fresh(order).needs_attention
        said = support.press("assessments_order_take_result", order.pk, reason="Why not")
        assert "Justifacts has not reported another result for this order." in said
        assert fresh(order).result == "Clear"


class TestUntilWhen:
    def test_page_and_command_show_until_when_justifacts_is_polled(
        self, world: World, order: Order, support: Desk, now: time_machine.Traveller
    ) -> None:
        complete(world, order, "Clear")
        assert (
            "The portal polls Justifacts until 3 March 2027 in case the result changes; next poll in 1 h"
            in support.open(PAGE, order.pk)
        )
        found = Command().execute_command(uuid=str(order.pk))
        assert found["polled_until"] == "2027-03-03T09:00:00+00:00"
        assert "until 3 March 2027" in found["where_it_stands"]
        Order.objects.filter(pk=order.pk).update(next_call="", next_attempt_at=None)
        now.shift(timedelta(days=61))
        found = Command().execute_command(uuid=str(order.pk))
        assert "Polling for a changed result ended on 3 March 2027" in found["where_it_stands"]
        assert can_be_polled(fresh(order))

    def test_an_org_admin_sets_the_days_of_polling(self, world, order, org_admin: Desk) -> None:
        acme = world.acme.organization
        form = {"retention_days": 730, "adverse_action_url": ""}
        said = org_admin.open(ORGANIZATION, acme.pk)
        assert "A result can change after a check is complete" in said
        for days, kept in (("14", 14), ("366", 14), ("-1", 14), ("x", 14), ("0", 0), ("", 60)):
            org_admin.press(ORGANIZATION, acme.pk, poll_days_after_completion=days, **form)
            acme.refresh_from_db()
            assert acme.poll_days_after_completion == kept, days
        org_admin.press(ORGANIZATION, acme.pk, poll_days_after_completion="14", **form)
        org_admin.press(ORGANIZATION, acme.pk, **form)
        acme.refresh_from_db()
        assert acme.poll_days_after_completion == 14, "a form without the field leaves it"
