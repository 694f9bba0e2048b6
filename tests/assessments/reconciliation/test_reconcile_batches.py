"""A reconciliation runs in short turns: it occupies no thread for long, waits while calls are blocked, and
resumes if its worker dies."""

import json
from datetime import timedelta
from typing import NoReturn

import pytest
import requests
import responses
from django.utils import timezone

from assessments import tasks
from assessments.models import Discrepancy, Order, Reconciliation
from assessments.reconciliation.run import NotNow, begin, organizations_due, reconcile_now, run_turn
from integrations.catalog.mapping import set_default_package
from integrations.connections.connect import connect
from integrations.models import Connection
from tests.assessments.reconciliation.reconciling import NOT_FOUND, justifacts_says, lines, meanwhile, run
from tests.fixtures.fake_partners import WorkerDied
from tests.fixtures.world import JUSTIFACTS, World


@pytest.fixture
def short(settings) -> None:
    """One turn compares two orders."""
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"reconciliation": 2}
    settings.RECONCILE_TURN_SECONDS = -1


@pytest.fixture
def five(settled: World) -> World:
    """Five orders that Justifacts no longer knows; each needs review."""
    for number in range(5):
        settled.placed(f"JF-{number}")
    settled.work()
    settled.justifacts("assessment.status", NOT_FOUND)
    return settled


def as_asked(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
    """Justifacts knows every number, and nothing has changed."""
    number = json.loads(request.body or "")["assessment_id"]
    results = {"assessment_id": number, "assessment_status": "Justifacts Received"}
    return 200, {}, json.dumps({"success": True, "results": results})


def dies(*_: object) -> NoReturn:
    raise WorkerDied


def orders_of(report: Reconciliation) -> list[object]:
    return sorted(Discrepancy.objects.filter(reconciliation=report).values_list("order", flat=True))


@pytest.mark.usefixtures("short")
class TestResume:
    def test_each_order_is_compared_once(self, five: World) -> None:
        report = begin(five.acme.organization, "Ada")
        seen = []
        while run_turn(report) is not None:
            seen.append(report.orders_checked)
        assert seen == [2, 4, 5]
        assert report.ended_at
        assert orders_of(report) == sorted(Order.objects.values_list("pk", flat=True))

    @pytest.mark.anywhere
    def test_another_worker_resumes_where_one_died(self, five: World, clock) -> None:
        report = begin(five.acme.organization, "Ada")
        run_turn(report)
        meanwhile(five, NOT_FOUND, dies)
        with pytest.raises(WorkerDied):
            run_turn(report)
        assert run_turn(report) is None, "the dead worker's lease has not expired"
        assert organizations_due(timezone.now()) == []
        clock.shift(timedelta(minutes=6))
        assert organizations_due(timezone.now()) == [report.pk]
        while run_turn(report) is not None:
            pass
        assert (report.orders_checked, report.error) == (5, "")
        assert len(set(orders_of(report))) == len(orders_of(report)) == 5

    @pytest.mark.anywhere
    def test_a_worker_whose_lease_has_expired_writes_nothing(self, five: World, clock) -> None:
        report = begin(five.acme.organization, "Ada")

        def another_goes_on() -> None:
            clock.shift(timedelta(minutes=6))
            same = Reconciliation.objects.get(pk=report.pk)
            while run_turn(same) is not None:
                pass
            assert same.ended_at

        meanwhile(five, NOT_FOUND, another_goes_on)
        assert run_turn(report) is None
        assert report.orders_checked == 5
        assert len(set(orders_of(report))) == len(orders_of(report)) == 5

    def test_the_scheduler_resumes_after_a_lost_task(self, five: World, clock) -> None:
        report = begin(five.acme.organization, "Ada")
        assert organizations_due(timezone.now()) == [report.pk]
        tasks.reconcile_organization(report.pk)
        clock.shift(timedelta(minutes=1))
        tasks.reconcile_nightly()
        assert report.pk in organizations_due(timezone.now())


class TestBlockedCalls:
    def test_a_spent_call_budget_is_waited_for(self, five: World, clock, settings) -> None:
        settings.JUSTIFACTS_CALLS_PER_MINUTE = 13
        five.wire.remove(responses.POST, f"{JUSTIFACTS}assessment.status")
        five.wire.add_callback(responses.POST, f"{JUSTIFACTS}assessment.status", as_asked)
        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            clock.shift(seconds)

        report = reconcile_now(five.acme.organization, "Ada", wait)
        assert (report.orders_checked, report.not_checked, report.error) == (5, 0, "")
        assert waits
        assert sum(waits) <= 60

    def test_a_long_block_of_calls_is_not_waited_for(self, five: World) -> None:
        five.justifacts("assessment.status", {}, 429, headers={"Retry-After": "600"})
        report = run(five)
        assert (report.orders_checked, report.not_checked) == (0, 5)
        assert report.ended_at

    def test_unchecked_orders_are_one_line_for_each_reason(self, five: World, short) -> None:
        five.justifacts("assessment.status", {"message": "Not today."}, 422)
        report = run(five)
        (text,) = lines(report, "not_checked")
        assert "5 orders could not be checked" in text
        assert "Not today." in text
        assert report.not_checked == 5


class TestEnds:
    def test_a_failed_run_says_so_and_another_can_begin(self, five: World) -> None:
        url = f"{JUSTIFACTS}assessment.status"
        five.wire.remove(responses.POST, url)
        five.wire.add(responses.POST, url, body=ValueError("zoe.oneil@example.com"))
        with pytest.raises(ValueError):
            run(five)
        report = Reconciliation.objects.get()
        assert "ValueError" in report.error
        assert "zoe" not in report.error
        assert report.ended_at
        five.justifacts("assessment.status", NOT_FOUND)
        assert run(five).error == ""

    def test_a_run_that_takes_hours_is_ended(self, five: World, short, clock) -> None:
        report = begin(five.acme.organization, "Ada")
        run_turn(report)
        clock.shift(timedelta(hours=4))
        assert run_turn(report) is None
        assert "three hours" in report.error

    def test_a_disabled_organization_is_not_compared(self, five: World) -> None:
        Connection.objects.filter(organization=five.acme.organization).update(is_enabled=False)
        with pytest.raises(NotNow, match="switched off"):
            run(five)
        tasks.reconcile_nightly()
        assert not Reconciliation.objects.filter(organization=five.acme.organization).exists()


class TestNights:
    def test_a_few_organizations_at_a_time(self, settled: World, clock, settings) -> None:
        settings.RECONCILE_AT_ONCE = 2
        connect("Initech", slug="initech", verification_key="verify-initech-01", ashby_key="ashby-initech-1")
        assert a_night(clock) == 2
        assert a_night(clock) == 2, "the first reconciliations have not ended"
        for report in Reconciliation.objects.all():
            run_turn(report)
        assert a_night(clock) == 3

    def test_a_failed_run_is_not_repeated_before_the_next_night(self, settled: World, clock) -> None:
        a_night(clock)
        Reconciliation.objects.update(ended_at=timezone.now(), error="It failed.")
        assert a_night(clock) == 2
        clock.shift(timedelta(days=1))
        assert a_night(clock) == 4

    def test_lines_from_before_a_workers_death_are_not_repeated(self, settled: World, clock) -> None:
        """The worker dies between the orders and the packages."""
        order = settled.placed()
        settled.work()
        justifacts_says(settled, order, status="In Process: Justifacts")
        set_default_package(settled.acme.organization, settled.acme.basic)
        settled.wire.remove(responses.POST, f"{JUSTIFACTS}assessment.list")
        settled.wire.add_callback(responses.POST, f"{JUSTIFACTS}assessment.list", dies)
        report = begin(settled.acme.organization, "Ada")
        with pytest.raises(WorkerDied):
            run_turn(report)
        clock.shift(timedelta(minutes=6))
        settled.justifacts("assessment.list", {"success": True, "results": []})
        run_turn(report)
        assert (report.resolved, report.needs_review, report.orders_checked) == (1, 1, 1)


def a_night(clock: object) -> int:
    """The number of reports after the next tick."""
    clock.shift(timedelta(minutes=1))  # type: ignore[attr-defined]
    tasks.reconcile_nightly()
    return Reconciliation.objects.count()
