"""Actions on an order: each is explained, confirmed with a reason and recorded with a name."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assessments.models import AshbyUpdate, AttentionTopic, Order, OrderEvent
from assessments.orders.transaction import flag_for_attention, locked_order
from integrations.models import Connection
from tests.fixtures.admin import Desk, member, signed_in
from tests.fixtures.world import World, data

PAGE = "assessments_order_change"
INVALID = {
    "success": False,
    "errors": ["invalid_input"],
    "errorInfo": {"code": "invalid_input", "message": "metadata is not valid"},
}
ACTIONS = ["retry", "poll", "link_existing", "resubmit", "resolve", "note", "cancel"]


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def last_line(order: Order) -> str:
    event = order.events.filter(source=OrderEvent.Source.PERSON).last()
    return event.summary if event else ""


@pytest.fixture
def refused(world: World) -> Order:
    """Ashby has refused the first of two updates."""
    order = world.placed()
    world.push(order, "In Process: Justifacts")
    world.ashby("assessment.update", INVALID, 400)
    world.work()
    return fresh(order)


class TestCancel:
    def test_a_cancellation_reaches_ashby_and_justifacts_with_the_reason(
        self, world: World, support: Desk
    ) -> None:
        world.ashby_takes_everything()
        world.justifacts("assessment.cancel", {"success": True, "results": {}})
        order = world.placed()
        assert "The portal cancels order JF-2026-1 at Justifacts" in support.open(
            "assessments_order_cancel", order.pk
        )
        support.press("assessments_order_cancel", order.pk, reason="Candidate withdrew")
        world.work()
        assert fresh(order).status == "cancelled"
        assert world.delivered(order)[-1] == "Cancelled in the assessment portal: Candidate withdrew"
        assert len(world.sent("assessment.cancel")) == 1
        assert "sam cancelled the check at Ashby and Justifacts. Reason: Candidate withdrew" in str(
            list(order.events.values_list("summary", flat=True))
        )

    def test_a_cancelled_order_with_a_refused_update_still_needs_attention(
        self, world: World, refused: Order, support: Desk
    ) -> None:
        """Else Ashby would never learn of the cancellation."""
        support.press("assessments_order_cancel", refused.pk, reason="Withdrew")
        assert fresh(refused).needs_attention
        assert world.waiting(refused)[-1].startswith("Cancelled: ")

    def test_a_complete_check_stays_complete(self, world: World, support: Desk) -> None:
        world.ashby_takes_everything()
        order = world.placed()
        world.push(order, "Complete", assessment_result=data("result", "Clear"))
        said = support.press("assessments_order_cancel", order.pk, reason="Late")
        assert "This check is already complete." in said
        assert fresh(order).status == "complete"


class TestUpdates:
    def test_a_skipped_update_lets_the_next_one_be_delivered(
        self, world: World, refused: Order, support: Desk
    ) -> None:
        world.ashby_takes_everything()
        update = AshbyUpdate.objects.get(state=AshbyUpdate.State.REFUSED)
        said = support.press("assessments_order_skip", refused.pk, update.pk, reason="Of no use")
        assert "“Justifacts Received” has been skipped." in said
        assert "Needs attention" not in said
        world.work()
        assert world.delivered(refused)[-1] == "In Process: Justifacts"
        assert last_line(refused) == "sam skipped “Justifacts Received”. Reason: Of no use"

    def test_an_update_is_sent_again_with_all_later_ones(self, world: World, support: Desk) -> None:
        """Same order, growing timestamps: the card ends where it was."""
        world.ashby_takes_everything()
        order = world.placed()
        world.push(order, "Applicant Started")
        world.work()
        said = support.press(
            "assessments_order_resend", order.pk, order.updates.get(sequence=2).pk, reason="Ashby lost it"
        )
        assert "2 updates are being sent to Ashby again." in said
        world.work()
        assert world.delivered(order) == [
            *("Justifacts Received", "Started", "Applicant Started"), "Started", "Applicant Started"
        ]  # fmt: skip
        stamps = [body["timestamp"] for body in world.sent("assessment.update")]
        assert stamps == sorted(set(stamps))
        assert "sam sent “Started” and 1 later update to Ashby again. Reason: Ashby lost it" in last_line(
            order
        )

    def test_a_pending_update_cannot_be_sent_again(self, refused: Order, support: Desk) -> None:
        waiting = refused.updates.last()
        assert waiting
        said = support.press("assessments_order_resend", refused.pk, waiting.pk, reason="Again")
        assert "An update for Ashby is still pending." in said
        assert refused.updates.count() == 2

    def test_after_completion_only_the_last_update_can_be_sent_again(
        self, world: World, support: Desk
    ) -> None:
        world.ashby_takes_everything()
        order = world.placed()
        world.push(order, "Complete", assessment_result=data("result", "Clear"))
        world.work()
        first, end = order.updates.order_by("sequence")
        page = support.html(PAGE, order.pk)
        assert reverse("admin:assessments_order_resend", args=[order.pk, first.pk]) not in page
        assert reverse("admin:assessments_order_resend", args=[order.pk, end.pk]) in page
        said = support.press("assessments_order_resend", order.pk, first.pk, reason="Again")
        assert "would reset Ashby's card" in said
        support.press("assessments_order_resend", order.pk, end.pk, reason="Again")
        world.work()
        assert world.delivered(order) == ["Justifacts Received", "Complete", "Complete"]

    def test_a_delivered_update_cannot_be_skipped(self, world: World, support: Desk) -> None:
        world.ashby_takes_everything()
        order = world.placed()
        world.work()
        said = support.press("assessments_order_skip", order.pk, AshbyUpdate.objects.get().pk, reason="x")
        assert "cannot be skipped" in said

    def test_the_update_of_another_order_answers_404(
        self, world: World, refused: Order, support: Desk
    ) -> None:
        other = world.placed("JF-2")
        url = reverse("admin:assessments_order_resend", args=[other.pk, refused.updates.first().pk])
        assert support.client.post(url, {"reason": "x"}).status_code == 404


class TestNotesAndQuestions:
    def test_a_note_appears_in_the_timeline(self, world: World, support: Desk) -> None:
        order = world.start()
        page = support.press("assessments_order_note", order.pk, text="Kim calls back on Monday.")
        assert "sam noted: Kim calls back on Monday." in page

    def test_a_settled_question_can_be_resolved(self, world: World, support: Desk) -> None:
        order = world.placed()
        with locked_order(order.pk) as locked:
            flag_for_attention(locked, AttentionTopic.CANCEL, "Call Justifacts to resolve this.")
        assert "Call Justifacts to resolve this." in support.open("assessments_order_resolve", order.pk)
        support.press("assessments_order_resolve", order.pk, reason="Kim settled it")
        assert not fresh(order).needs_attention
        assert "Reason: Kim settled it" in last_line(order)

    def test_an_order_with_a_blocked_queue_cannot_be_resolved(self, refused: Order, support: Desk) -> None:
        """Later updates wait for the refused one, and nobody would be asked any more."""
        said = support.press("assessments_order_resolve", refused.pk, reason="Never mind")
        assert "later ones wait for it" in said
        assert fresh(refused).needs_attention

    @pytest.mark.parametrize(("action", "missing"), [("cancel", "reason"), ("note", "text")])
    def test_an_action_without_its_text_is_not_performed(
        self, refused: Order, support: Desk, action: str, missing: str
    ) -> None:
        before = refused.events.count()
        page = support.press(f"assessments_order_{action}", refused.pk, **{missing: "   "})
        assert "This field is required." in page
        assert refused.events.count() == before
        assert fresh(refused).status == refused.status


class TestPausedOrganization:
    def test_a_retry_says_that_the_connection_is_switched_off(self, world: World, support: Desk) -> None:
        order = world.start()
        Connection.objects.update(is_enabled=False)
        said = support.press("assessments_order_retry", order.pk)
        assert "place the order as soon as an admin enables the connection" in said

    def test_a_retry_says_that_deliveries_are_paused(self, world: World, support: Desk) -> None:
        order = world.placed()
        world.ashby("assessment.update", {"success": False, "errors": ["unauthorized"]}, 401)
        world.work()
        said = support.press("assessments_order_retry", order.pk)
        assert "send 1 pending update to Ashby as soon as Ashby accepts a key" in said


class TestPermissions:
    def test_the_confirmation_page_changes_nothing(self, refused: Order, support: Desk) -> None:
        events = refused.events.count()
        for action in ACTIONS:
            support.open(f"assessments_order_{action}", refused.pk)
            assert refused.events.count() == events, action

    def test_a_request_without_csrf_token_is_refused(self, refused: Order, admin_user: Any) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(admin_user)
        for action in ACTIONS:
            url = reverse(f"admin:assessments_order_{action}", args=[refused.pk])
            assert client.post(url, {"reason": "x"}).status_code == 403, action

    def test_a_read_only_person_cannot_perform_an_action(self, refused: Order, reader: Desk) -> None:
        page = reader.html(PAGE, refused.pk)
        for action in ACTIONS:
            url = reverse(f"admin:assessments_order_{action}", args=[refused.pk])
            assert url not in page
            assert reader.client.post(url, {"reason": "x", "text": "x"}).status_code == 403, action
        assert not OrderEvent.objects.filter(source=OrderEvent.Source.PERSON).exists()

    def test_another_organizations_order_does_not_exist(self, world: World, refused: Order) -> None:
        stranger = signed_in(member("gus", world.globex.organization))
        for action in ACTIONS:
            url = reverse(f"admin:assessments_order_{action}", args=[refused.pk])
            assert stranger.client.get(url).status_code == 404, action
            assert stranger.client.post(url, {"reason": "x", "text": "x"}).status_code == 404, action
