"""After an erasure nothing of the candidate is left in any column of any table, nor in the journal, and
nothing brings it back. A new column that can hold a candidate's word is found here."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from assessments import recovery_log, tasks
from assessments.models import InboundRequest, Order, OrderEvent
from assessments.orders.staff import NotPossible
from assessments.privacy.legal_hold import place_hold
from assessments.privacy.requests import erase_candidate
from assessments.reconciliation.run import reconcile_now
from assessments.support.notes import add_note
from assessments.support.retry import poll_now, retry
from assessments.support.updates import resend_updates
from assessments.tracking.poll import poll
from tests.assessments.privacy.erasing import EMAIL, FULL_NAME, REPORT, left, whole_life
from tests.assessments.reconciliation.reconciling import meanwhile
from tests.fixtures.world import World, data

pytestmark = pytest.mark.anywhere

THE_LAST_WORD = {
    "assessment_result": data("result", "Review-ish"),
    "assessment_profile_url": data("report", REPORT, "url"),
}


@pytest.fixture
def order(world: World, settings) -> Order:
    settings.ASSESSMENT_START_REPLAY_SECONDS = 0
    return whole_life(world)


@pytest.fixture(params=["on request", "by the clock"])
def erased(request, world: World, order: Order) -> Iterator[Order]:
    """The order once nothing of the candidate may be left."""
    if request.param == "on request":
        assert erase_candidate(world.acme.organization, EMAIL.upper(), "ada", timezone.now()).orders == [
            str(order.pk)
        ]
        yield Order.objects.get(pk=order.pk)
        return
    with time_machine.travel(timezone.now() + timedelta(days=731)):
        tasks.erase_due()
        recovery_log.delete_expired(timezone.now())  # As each night.
        yield Order.objects.get(pk=order.pk)


def test_such_a_life_leaves_words_everywhere(order: Order) -> None:
    """Of the proof itself: it looks where the words are."""
    assert {
        *("assessments.Order.candidate_email", "assessments.Order.additional_fields"),
        *("assessments.Order.report_url", "assessments.Order.result"),
        *("assessments.Event.summary", "assessments.Update.payload", "assessments.Update.summary"),
        *("assessments.InboundCall.body", "assessments.Difference.text", "the journal of starts"),
    } <= left().keys()
    assert InboundRequest.objects.filter(order=None).exclude(body={}).count() >= 2, "what was refused, too"


def test_nothing_is_left_and_the_figures_are(order: Order, erased: Order) -> None:
    assert left() == {}
    kept = ("status", "status_since", "created_at", "placed_at", "completed_at", "turnaround_minutes")
    for name in (*kept, "package_id", "job_id", "job_name", "application_id", "justifacts_order_id"):
        assert getattr(erased, name) == getattr(order, name), name
    assert erased.erased_at is not None
    assert erased.attempts.filter(call="place", http_status=503).exists()
    kinds = list(erased.events.values_list("kind", flat=True))
    assert kinds[0] == "started"
    assert kinds[-1] == "erased"
    assert "completed" in kinds


class TestNothingComesBack:
    def test_by_a_push(self, world: World, erased: Order) -> None:
        for changes in (THE_LAST_WORD, {**THE_LAST_WORD, "reference_id": ""}, {"assessment_id": "JF-10"}):
            answer = world.push(erased, f"Complete, {FULL_NAME}", **{**THE_LAST_WORD, **changes})
            assert answer.status_code == 200
        assert left() == {}
        assert list(InboundRequest.objects.filter(outcome="erased").values_list("order", "body")) == (
            [(erased.pk, {})] * 3
        )

    def test_by_a_poll(self, world: World, erased: Order) -> None:
        word = {"assessment_id": "JF-9", "reference_id": str(erased.pk), "timestamp": 1, **THE_LAST_WORD}
        world.justifacts("assessment.status", {"success": True, "results": word})
        assert poll_now(erased.pk, "Sam") is False
        assert retry(erased.pk, "Sam") == []
        assert poll([erased.pk]) == []
        world.work()
        assert left() == {}

    def test_by_a_reconciliation(self, world: World, erased: Order) -> None:
        word = {"assessment_id": "JF-9", "reference_id": str(erased.pk), "timestamp": 1, **THE_LAST_WORD}
        world.justifacts("assessment.status", {"success": True, "results": word})
        report = reconcile_now(world.acme.organization, "Ada")
        assert (report.orders_checked, report.resolved) == (0, 0)
        assert left() == {}

    def test_by_ashbys_cancellation(self, world: World, erased: Order) -> None:
        told = {"assessment_id": str(erased.pk), "why": f"{FULL_NAME}, dossier"}
        assert world.call("/ashby/assessment.cancel", told).status_code == 200
        assert left() == {}

    def test_by_a_new_start_for_the_same_application(self, world: World, erased: Order) -> None:
        """It is another order, with a clock of its own."""
        again = world.start(application={"ashby_id": erased.application_id})
        assert again.pk != erased.pk
        assert Order.objects.get(pk=erased.pk).candidate_email == ""
        assert left() == {}


def test_an_answer_that_was_on_its_way_meanwhile_is_not_kept(world: World, order: Order) -> None:
    """A poll asks about the order; before the answer is there, the candidate is forgotten."""
    assert poll_now(order.pk, "Sam")
    word = {"assessment_id": "JF-9", "reference_id": str(order.pk), "timestamp": 1, **THE_LAST_WORD}
    word["assessment_result"] = data("result", "Adverse dossier")

    def forgotten() -> None:
        assert erase_candidate(world.acme.organization, EMAIL, "ada", timezone.now()).orders

    meanwhile(world, {"success": True, "results": word}, forgotten)
    assert poll([order.pk]) == []
    assert left() == {}
    assert Order.objects.get(pk=order.pk).next_call == ""


def test_nothing_can_be_done_with_it(world: World, erased: Order) -> None:
    lines = OrderEvent.objects.count()
    for deed in (
        lambda: add_note(erased.pk, "A word", "Sam"),
        lambda: place_hold(erased.pk, "Ada", "A dispute"),
        lambda: resend_updates(erased.updates.first().pk, "Sam", "Why not"),
    ):
        with pytest.raises(NotPossible, match="was erased"):
            deed()
    assert OrderEvent.objects.count() == lines
