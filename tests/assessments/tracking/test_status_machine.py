"""No sequence of starts, pushes, polls, cancellations, repeats, failures, crashes and delays loses,
duplicates or reorders an update to Ashby."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import responses
import time_machine
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from assessments.models import AshbyUpdate, Order, PendingCall
from assessments.outbox.deliver import deliver_next
from assessments.placement.next_call import make_next_call
from assessments.statuses import Status
from assessments.tracking.poll import poll
from assessments.workers.due import due_work
from integrations.connections.check import check
from tests.fixtures.fake_partners import ASHBY_MODES, JUSTIFACTS_MODES, Ashby, Justifacts, WorkerDied
from tests.fixtures.world import World, data

WORDS = ("Justifacts Received", "Applicant Started", "In Process: Justifacts", "Complete", "Being pondered")
APPLICATIONS = ("application-1", "application-2")


class OrderMachine(RuleBasedStateMachine):
    """Everything that can happen to the checks of two applications."""

    def __init__(self) -> None:
        super().__init__()
        self._undone = transaction.atomic()
        self._undone.__enter__()
        self._time = time_machine.travel(datetime(2026, 3, 1, tzinfo=UTC), tick=False)
        self.clock = self._time.start()
        self.wire = responses.RequestsMock(assert_all_requests_are_fired=False)
        self.wire.start()
        cache.clear()
        self.world = World(Client(), self.wire)
        self.justifacts, self.ashby = Justifacts(), Ashby()
        self.justifacts.register(self.wire)
        self.ashby.register(self.wire)

    # --- What partners and workers do ----------------------------------------------------------

    @rule(application=st.sampled_from(APPLICATIONS))
    def ashby_starts(self, application: str) -> None:
        job = {"ashby_id": "job", "name": "Job"}
        body = self.world.start_body(application={"ashby_id": application}, job=job)
        answer = self.world.call("/ashby/assessment.start", body)
        assert answer.status_code in (200, 409)

    @rule(choice=st.integers(0, 5))
    def ashby_cancels(self, choice: int) -> None:
        if orders := list(Order.objects.order_by("created_at")):
            order = orders[choice % len(orders)]
            body = {"assessment_id": str(order.pk)}
            assert self.world.call("/ashby/assessment.cancel", body).status_code == 200

    @rule(
        choice=st.integers(0, 5),
        status=st.sampled_from(WORDS[:4]),
        result=st.sampled_from(["Clear", "Review"]),
        pushes=st.integers(0, 2),
    )
    def justifacts_moves_on(self, choice: int, status: str, result: str, pushes: int) -> None:
        if references := list(self.justifacts.orders):
            reference = references[choice % len(references)]
            self.justifacts.move(reference, status, result)
            for _ in range(pushes):
                self._push(self.justifacts.update_of(reference))

    @rule(choice=st.integers(0, 5), status=st.sampled_from(WORDS), at=st.integers(1, 20))
    def an_old_or_odd_push_arrives(self, choice: int, status: str, at: int) -> None:
        if references := list(self.justifacts.orders):
            reference = references[choice % len(references)]
            reached = self.justifacts.update_of(reference)["assessment_status"]["value"]
            if status in WORDS[:4] and WORDS.index(status) > WORDS.index(reached):
                return
            push = self.justifacts.update_of(reference) | {
                "assessment_status": data("status", status),
                "timestamp": at,
            }
            for part in ("assessment_result", "cancelled_reason"):
                push.pop(part, None)
            self._push(push)

    @rule(mode=st.sampled_from(JUSTIFACTS_MODES), status_call=st.booleans())
    def justifacts_behaves(self, mode: str, status_call: bool) -> None:
        self.justifacts.mode, self.justifacts.status_call_works = mode, status_call

    @rule(mode=st.sampled_from(ASHBY_MODES))
    def ashby_behaves(self, mode: str) -> None:
        self.ashby.mode = mode

    @rule(seconds=st.sampled_from([0, 1, 5, 15, 61, 300, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.clock.shift(timedelta(seconds=seconds))

    @rule()
    def workers_work(self) -> None:
        self.work_once()

    # --- What must be true at the end -----------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            self._run_until_idle()
            for order in Order.objects.all():
                self._assert_updates(order)
        finally:
            self.wire.stop(allow_assert=False)
            self._time.stop()
            transaction.set_rollback(True)
            self._undone.__exit__(None, None, None)

    def _run_until_idle(self) -> None:
        """Both partners work again, and enough time passes."""
        self.justifacts.mode = self.ashby.mode = "ok"
        self.justifacts.status_call_works = True
        self.world.acme.connection.refresh_from_db()
        check(self.world.acme.connection)
        self._work_until_nothing_waits()
        # Every order that is still open is polled once more.
        self.clock.shift(timedelta(days=1))
        self._work_until_nothing_waits()

    def _work_until_nothing_waits(self) -> None:
        for _ in range(60):
            self.work_once()
            calls = Order.objects.exclude(next_call__in=(PendingCall.NONE, PendingCall.POLL))
            updates = AshbyUpdate.objects.exclude(state=AshbyUpdate.State.DELIVERED)
            if not calls.exists() and not updates.exists():
                return
            self.clock.shift(timedelta(minutes=10))

    def work_once(self) -> bool:
        """Does all work that is due; tells whether there was any."""
        waiting = AshbyUpdate.objects.exclude(state=AshbyUpdate.State.DELIVERED)
        # The fair queries of the sweep take far longer, and most often nothing is due.
        if not Order.objects.filter(next_attempt_at__lte=timezone.now()).exists() and not waiting.exists():
            return False
        found = due_work(timezone.now())
        for act, items in (
            (make_next_call, found.calls),
            (poll, found.polls),
            (self._deliver, found.deliveries),
        ):
            for item in items:
                try:
                    act(item)
                except WorkerDied:
                    continue
        return bool(found.calls or found.polls or found.deliveries)

    def _deliver(self, assessment_id: Any) -> None:
        while deliver_next(assessment_id):
            pass

    def _push(self, body: dict[str, Any]) -> None:
        answer = self.world.call("/justifacts/assessment.update", body)
        assert answer.status_code == 200, answer.content

    def _assert_updates(self, order: Order) -> None:
        story = self.ashby.stories.get(str(order.pk), [])
        updates = list(AshbyUpdate.objects.filter(order=order).order_by("sequence"))
        assert [update.payload for update in updates] == story, (
            "an update is lost, duplicated or out of order"
        )
        assert {update.state for update in updates} <= {AshbyUpdate.State.DELIVERED}
        timestamps = [body["timestamp"] for body in story]
        assert timestamps == sorted(set(timestamps))
        ends = [n for n, body in enumerate(story) if "cancelled_reason" in body]
        assert ends in ([], [len(story) - 1]), "an update was sent after the end"
        labels = [body["assessment_status"]["value"] for body in story if "assessment_status" in body]
        known = [WORDS.index(label) for label in labels if label in WORDS[:4]]
        assert known == sorted(known), "a status went back"
        # A known status is repeated only after an unknown one, which the card would show otherwise.
        repeated = [one for one, other in pairwise(labels) if one == other and one in WORDS[:3]]
        assert not repeated, "a status was sent twice in a row"
        ended = [
            (body["assessment_status"]["value"], body["assessment_result"]["value"])
            for body in story
            if "assessment_result" in body
        ]
        assert all(one != other for one, other in pairwise(ended)), "the same end was sent twice"
        if any(label not in WORDS[:4] for label, _ in ended):
            assert order.events.filter(kind="needs_attention").exists(), "the order was not flagged"
        self._assert_placements(order)

    def _assert_placements(self, order: Order) -> None:
        taken = self.justifacts.starts.count(str(order.pk))
        assert taken <= 1, "placed twice"
        if taken:
            there = self.justifacts.orders[str(order.pk)]
            known = order.justifacts_order_id == there["number"] or order.needs_attention
            # An order that was taken despite a 500 or an unreadable refusal is looked up.
            assert known, "Justifacts has an order that the portal does not know"
            if order.status == Status.CANCELLED:
                assert there.get("cancelled") or order.needs_attention, "the check continues at Justifacts"
        else:
            assert order.has_ended or order.needs_attention, "an accepted order is nowhere"


@pytest.mark.django_db
def test_no_sequence_of_events_loses_duplicates_or_reorders_updates(settings) -> None:
    """Hypothesis searches for a counterexample."""
    settings.ASHBY_API_BASE_URL = "https://ashby.test"
    settings.LEASE_SECONDS = 60
    run_state_machine_as_test(OrderMachine, settings=_SETTINGS)


_SETTINGS = settings(
    max_examples=settings.default.max_examples * 4 // 5,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
