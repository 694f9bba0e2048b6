"""Support opens an order and reads why it waits."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from assessments.explanation.status_summary import status_summary
from assessments.models import (
    AshbyUpdate,
    CallAttempt,
    Heartbeat,
    InboundRequest,
    Order,
    OrderEvent,
    PendingCall,
)
from assessments.placement.next_call import make_next_call
from integrations.models import Connection
from tests.fixtures.admin import Desk
from tests.fixtures.world import World, data

PAGE = "assessments_order_change"
INVALID = {
    "success": False,
    "errors": ["invalid_input"],
    "errorInfo": {"code": "invalid_input", "message": "metadata is not valid"},
}
UNAUTHORIZED = {
    "success": False,
    "errors": ["unauthorized"],
    "errorInfo": {"code": "unauthorized", "message": "Invalid API key"},
}


def stands(order: Order) -> str:
    return status_summary(Order.objects.get(pk=order.pk), timezone.now())


class TestWhereItStands:
    def test_an_order_is_being_placed(self, world: World) -> None:
        assert "it will be sent to Justifacts now." in stands(world.start())

    def test_an_order_could_not_be_placed(self, world: World) -> None:
        order = world.start()
        world.justifacts("assessment.start", "down", 503)
        make_next_call(order.pk)
        said = stands(order)
        assert "Not yet sent to Justifacts after one attempt:" in said
        assert "503" in said
        assert "Next attempt in 4 s" in said

    def test_a_placement_is_unknown(self, world: World) -> None:
        order = world.start()
        world.justifacts("assessment.start", "odd", 502)
        make_next_call(order.pk)
        assert "It is not known whether Justifacts accepted the order" in stands(order)
        world.justifacts("assessment.status", "odd", 502)
        for _ in range(3):
            Order.objects.update(next_attempt_at=timezone.now())
            make_next_call(order.pk)
        said = stands(order)
        assert "Ask Justifacts whether it has an order with this reference." in said
        assert "Next attempt in" in said
        assert said.count("whether Justifacts accepted the order") == 1

    def test_no_worker_is_processing_the_order(self, world: World) -> None:
        order = world.start()
        Order.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=10))
        assert "the portal's worker is not running" in stands(order)

    def test_the_connection_is_disabled(self, world: World) -> None:
        order = world.start()
        type(world.acme.connection).objects.update(is_enabled=False)
        assert "disabled connection" in stands(order)

    def test_justifacts_is_polled_again(self, world: World) -> None:
        world.ashby_takes_everything()
        order = world.placed()
        world.push(order, "Applicant Started")
        world.work()
        said = stands(order)
        assert said.startswith("“Applicant Started” since ")
        assert "Next poll in 4 min" in said
        assert "Ashby" not in said

    def test_a_poll_failed(self, world: World) -> None:
        order = world.placed()
        Order.objects.update(last_call_error="justifacts.test answered 500.")
        assert "The last poll failed: justifacts.test answered 500." in stands(order)

    def test_justifacts_sent_an_unknown_status(self, world: World) -> None:
        order = world.placed()
        world.push(order, "Quality Control")
        assert "“Quality Control”, a status that the portal does not recognize" in stands(order)

    def test_the_page_explains_why_deliveries_to_ashby_wait(self, world: World) -> None:
        order = world.placed()
        world.push(order, "Applicant Started")
        world.ashby("assessment.update", {"success": False, "errors": ["x"]}, 500)
        world.work()
        assert "Could not send “Justifacts Received” and 2 more to Ashby after one attempt: " in stands(order)
        assert "Next attempt in 4 s" in stands(order)

    def test_the_deliveries_are_paused(self, world: World) -> None:
        order = world.placed()
        world.ashby("assessment.update", UNAUTHORIZED, 401)
        world.work()
        said = stands(order)
        assert "Waiting for Ashby since" in said
        assert "Invalid API key" in said

    def test_ashby_refused_an_update(self, world: World) -> None:
        order = world.placed()
        world.ashby("assessment.update", INVALID, 400)
        world.work()
        said = stands(order)
        assert said.count("Ashby refused “Justifacts Received”") == 1
        assert "Next poll" in said

    @pytest.mark.parametrize("result", ["Clear", "Review", "Adverse"])
    def test_a_complete_and_delivered_order_waits_for_nothing(self, world: World, result: str) -> None:
        world.ashby_takes_everything()
        order = world.placed()
        world.push(order, "Complete", assessment_result=data("result", result))
        world.work()
        said = stands(order)
        assert f": {result}. " in said
        assert said.endswith("Ashby has all updates.")

    def test_justifacts_refused_the_order(self, world: World) -> None:
        world.ashby_takes_everything()
        order = world.start()
        refusal = {"success": False, "errorInfo": {"code": "x", "message": "The SSN is required"}}
        world.justifacts("assessment.start", refusal, 422)
        world.work()
        assert "The SSN is required. Ashby has all updates." in stands(order)

    def test_a_cancelled_order_waits_for_justifacts(self, world: World) -> None:
        order = world.placed()
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        said = stands(order)
        assert "Cancelled in Ashby. The portal cancels the order at Justifacts now." in said
        Order.objects.update(next_call=PendingCall.LOOK_UP)
        assert "It is not known whether Justifacts has the order" in stands(order)

    def test_the_page_says_that_the_last_update_was_skipped(self, world: World) -> None:
        order = world.placed()
        world.push(order, "Complete", assessment_result=data("result", "Clear"))
        AshbyUpdate.objects.update(state=AshbyUpdate.State.SKIPPED)
        assert "“Complete: Clear” was not sent to Ashby: it was skipped." in stands(order)


@pytest.fixture
def refused(world: World) -> Order:
    """Ashby has refused the first of two updates."""
    order = world.placed()
    world.push(order, "In Process: Justifacts")
    world.ashby("assessment.update", INVALID, 400, headers={"x-ashby-request-id": "ashby-req-9"})
    world.work()
    order.refresh_from_db()
    return order


def test_the_page_explains_the_order(refused: Order, desk: Desk) -> None:
    page = desk.open(PAGE, refused.pk)
    assert stands(refused) in page
    for said in ("Needs attention", "ashby-req-9", "metadata is not valid", "HTTP 400", "200 applied"):
        assert said in page
    assert page.index("Justifacts accepted the order") < page.index("Ashby started “Basic”"), "newest first"


def test_nothing_on_the_page_can_be_changed(refused: Order, desk: Desk) -> None:
    page = desk.html(PAGE, refused.pk)
    assert 'name="_save"' not in page
    assert 'name="candidate_email"' not in page
    answer = desk.client.post(reverse(f"admin:{PAGE}", args=[refused.pk]), {"status": "complete"})
    assert answer.status_code == 403
    refused.refresh_from_db()
    assert refused.status == "in_process"


def test_rows_that_the_portal_writes_cannot_be_edited(refused: Order, desk: Desk) -> None:
    Heartbeat.beat("worker", timezone.now())
    models: list[Any] = [Order, OrderEvent, AshbyUpdate, CallAttempt, InboundRequest, Heartbeat]
    for model in models:
        name = f"assessments_{model._meta.model_name}"
        assert desk.client.get(reverse(f"admin:{name}_add")).status_code == 403, name
        row = model.objects.first()
        assert "delete_selected" not in desk.html(f"{name}_changelist"), name
        assert 'name="_save"' not in desk.html(f"{name}_change", row.pk), name
        assert desk.client.post(reverse(f"admin:{name}_delete", args=[row.pk])).status_code == 403, name


def test_retry_sends_a_refused_update_again(world: World, refused: Order, desk: Desk) -> None:
    world.ashby_takes_everything()
    page = desk.press("assessments_order_retry", refused.pk)
    assert "send 2 pending updates to Ashby now." in page
    world.work()
    assert not world.waiting(refused)


def test_poll_asks_justifacts_now(refused: Order, desk: Desk, admin_user: User) -> None:
    page = desk.press("assessments_order_poll", refused.pk)
    assert "The portal is requesting the status from Justifacts now." in page
    refused.refresh_from_db()
    assert refused.next_attempt_at is not None
    assert refused.next_attempt_at <= timezone.now()
    assert OrderEvent.objects.filter(
        kind="poll_asked", summary__startswith=admin_user.get_username()
    ).exists()


def test_an_order_cannot_be_polled_before_placement(world: World, desk: Desk) -> None:
    order = world.start()
    assert "There is nothing to request from Justifacts." in desk.press("assessments_order_poll", order.pk)


class TestReport:
    def page(self, world: World, desk: Desk, report: str) -> tuple[str, list[str]]:
        """The order's page, once the check is complete; and where its links lead."""
        world.ashby_takes_everything()
        order = world.placed()
        profile = data("report", report, "url")
        world.push(order, "Complete", assessment_result=data("r", "Clear"), assessment_profile_url=profile)
        world.work()
        page = desk.html(PAGE, order.pk)
        return page, [html.unescape(link) for link in re.findall(r'<a [^>]*href="([^"]*)"', page)]

    @pytest.mark.parametrize(
        "report", ["https://justifacts.test/r/1?a=1&b=2", "https://app.justifacts.com/r/1"]
    )
    def test_a_report_at_justifacts_is_a_link(self, world: World, desk: Desk, report: str) -> None:
        _page, links = self.page(world, desk, report)
        assert links.count(report) == 2, "among the order's facts, and on the card"

    @pytest.mark.parametrize("report", ["https://evil.test/r/1", "http://justifacts.test/r/1"])
    def test_a_report_elsewhere_is_shown_with_the_reason_why_it_is_no_link(
        self, world: World, desk: Desk, report: str
    ) -> None:
        page, links = self.page(world, desk, report)
        assert report not in links
        assert report in page
        assert page.count("Not shown as a link, because") == 2

    def test_a_report_at_a_host_that_an_admin_added_is_a_link(self, world: World, desk: Desk) -> None:
        Connection.objects.filter(organization__name="Acme").update(report_hosts="reports.test")
        assert "https://reports.test/r/1" in self.page(world, desk, "https://reports.test/r/1")[1]

    def test_a_report_at_a_host_of_another_organization_is_no_link(self, world: World, desk: Desk) -> None:
        Connection.objects.filter(organization__name="Globex").update(report_hosts="reports.test")
        assert "https://reports.test/r/1" not in self.page(world, desk, "https://reports.test/r/1")[1]

    def test_without_a_report_the_card_links_to_the_order(self, world: World, desk: Desk) -> None:
        _page, links = self.page(world, desk, "javascript:alert(1)")
        assert f"https://portal.test/orders/{Order.objects.get().pk}/" in links
        assert not [link for link in links if link.lower().startswith("javascript")]

    def test_a_report_of_the_sandbox_may_use_plain_http(self, world: World, desk: Desk, settings) -> None:
        settings.OUTBOUND_ALLOWED_HOSTS = ["localhost:9001"]
        Connection.objects.filter(organization__name="Acme").update(report_hosts="localhost")
        assert "http://localhost:9001/r/1" in self.page(world, desk, "http://localhost:9001/r/1")[1]
