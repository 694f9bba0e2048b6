"""Reconciliation compares Justifacts, Ashby and the portal, and fixes or lists discrepancies."""

from datetime import timedelta

import pytest
import responses

from assessments import tasks
from assessments.models import AshbyUpdate, InboundRequest, OrderEvent, Reconciliation
from assessments.reconciliation import run as reconciling
from assessments.reconciliation.run import AlreadyRunning
from assessments.support.retry import poll_now
from integrations.catalog.mapping import map_job, set_default_package
from tests.assessments.reconciliation.reconciling import NINE, NOT_FOUND, justifacts_says, lines, run
from tests.fixtures.world import JUSTIFACTS, World, data


def test_no_line_is_written_if_all_agree(settled: World) -> None:
    order = settled.placed()
    settled.work()
    justifacts_says(settled, order, status="Justifacts Received")
    report = run(settled)
    assert (report.orders_checked, report.resolved, report.needs_review, report.not_checked) == (1, 0, 0, 0)
    assert report.ended_at
    assert report.error == ""


class TestJustifacts:
    def test_a_missed_status_is_applied_and_sent(self, settled: World) -> None:
        order = settled.placed()
        settled.work()
        justifacts_says(settled, order, status="In Process: Justifacts")
        report = run(settled)
        settled.work()
        order.refresh_from_db()
        assert order.status == "in_process"
        assert settled.delivered(order)[-1] == "In Process: Justifacts"
        (text,) = lines(report, "resolved")
        assert "In Process: Justifacts" in text
        again = run(settled)
        assert (again.resolved, again.needs_review) == (0, 0), "the second run finds nothing"

    def test_a_changed_result_is_sent(self, settled: World) -> None:
        order = settled.placed()
        settled.push(order, "Complete", assessment_result=data("result", "Review"))
        settled.work()
        late = int((NINE + timedelta(hours=1)).timestamp() * 1000)
        changed = {"assessment_result": data("result", "Clear"), "timestamp": late}
        justifacts_says(settled, order, status="Complete", **changed)
        assert run(settled).resolved == 1
        settled.work()
        assert settled.sent("assessment.update")[-1]["assessment_result"]["value"] == "Clear"
        assert run(settled).resolved == 0

    def test_an_order_unknown_to_justifacts_needs_review(self, settled: World) -> None:
        settled.placed()
        settled.work()
        settled.justifacts("assessment.status", NOT_FOUND)
        (text,) = lines(run(settled), "needs_review")
        assert "does not know order JF-2026-1" in text

    def test_an_order_that_justifacts_already_has_is_linked(self, settled: World) -> None:
        """As after a restore: the portal has not placed the order yet, and Justifacts has it."""
        order = settled.start()
        justifacts_says(settled, order, number="JF-7", status="Justifacts Received")
        report = run(settled)
        settled.work()
        order.refresh_from_db()
        assert order.justifacts_order_id == "JF-7"
        assert "JF-7" in lines(report, "resolved")[0]
        assert not settled.sent("assessment.start")

    def test_a_cancelled_check_that_continues_is_cancelled_again(self, settled: World) -> None:
        order = settled.placed()
        settled.work()
        settled.justifacts("assessment.cancel", {"success": True, "results": {}})
        settled.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        settled.work()
        justifacts_says(settled, order, status="Applicant Started")
        report = run(settled)
        settled.work()
        assert len(settled.sent("assessment.cancel")) == 2
        assert report.resolved == 1

    def test_a_rejected_order_that_runs_needs_review(self, settled: World) -> None:
        order = settled.start()
        settled.justifacts("assessment.start", {"message": "No."}, 422)
        settled.work()
        justifacts_says(settled, order, number="JF-9", status="Justifacts Received")
        report = run(settled)
        order.refresh_from_db()
        assert order.status == "rejected"
        assert report.needs_review
        assert any("cancel it" in text for text in lines(report, "needs_review"))

    def test_an_earlier_status_needs_review_and_is_not_applied(self, settled: World) -> None:
        order = settled.placed()
        settled.push(order, "In Process: Justifacts")
        settled.work()
        orders, lines, updates = settled.row_counts()
        justifacts_says(settled, order, status="Applicant Started")
        for _ in range(2):
            assert run(settled).needs_review == 1
            order.refresh_from_db()
            assert order.status == "in_process"
            assert settled.row_counts() == (orders, lines + 1, updates), "it is recorded once"

    def test_polls_and_reconciliations_record_an_earlier_status_once(self, settled: World) -> None:
        order = settled.placed()
        settled.push(order, "In Process: Justifacts")
        settled.work()
        justifacts_says(settled, order, status="Applicant Started")
        for _ in range(2):
            assert poll_now(order.pk, "Ada")
            settled.work()
            run(settled)
        assert order.events.filter(kind=OrderEvent.Kind.LATE).count() == 1

    @pytest.mark.parametrize("failure", [({}, 500), ({}, 429), ("<html>", 200)])
    def test_no_answer_is_no_discrepancy(self, settled: World, failure) -> None:
        settled.placed()
        settled.work()
        settled.justifacts("assessment.status", *failure)
        report = run(settled)
        assert (report.orders_checked, report.resolved, report.needs_review) == (0, 0, 0)
        assert report.not_checked == 1


class TestAshby:
    def test_an_end_that_ashby_does_not_know_is_sent(self, settled: World) -> None:
        order = settled.placed()
        settled.push(order, "Complete", assessment_result=data("result", "Clear"))
        settled.work()
        AshbyUpdate.objects.filter(order=order).order_by("-sequence")[0].delete()
        justifacts_says(settled, order, status="Complete", assessment_result=data("result", "Clear"))
        assert run(settled).resolved == 1
        settled.work()
        assert settled.delivered(order)[-1] == "Complete"
        assert run(settled).resolved == 0

    def test_a_waiting_update_is_no_discrepancy(self, settled: World) -> None:
        settled.ashby("assessment.update", {}, 503)
        order = settled.placed()
        settled.work()
        justifacts_says(settled, order, status="Justifacts Received")
        report = run(settled)
        assert (report.resolved, report.needs_review) == (0, 0)

    def test_a_skipped_or_refused_update_needs_review(self, settled: World) -> None:
        order = settled.placed()
        settled.work()
        justifacts_says(settled, order, status="Justifacts Received")
        for state in ("set_aside", "refused"):
            AshbyUpdate.objects.filter(order=order).update(state=state, delivered_at=None, last_error="No.")
            report = run(settled)
            assert (report.resolved, report.needs_review) == (0, 1), state


class TestCatalog:
    def test_choices_that_no_longer_exist_need_review(self, settled: World) -> None:
        acme = settled.acme
        map_job(acme.organization, "job-1", acme.basic)
        map_job(acme.organization, "job-2", acme.executive)
        set_default_package(acme.organization, acme.basic)
        settled.justifacts(
            "assessment.list",
            {"success": True, "results": [{"assessment_type_id": acme.executive.justifacts_id, "name": "E"}]},
        )
        jobs = [{"id": "job-2", "title": "Cook", "status": "Closed"}]
        settled.ashby("job.list", {"success": True, "results": jobs, "moreDataAvailable": False})
        found = " ".join(lines(run(settled), "needs_review"))
        assert "The default package “Basic” is not offered" in found
        assert "gets the package “Basic”" in found
        assert "Cook" in found
        assert "closed in Ashby" in found

    def test_lists_that_cannot_be_fetched_count_as_not_checked(self, settled: World) -> None:
        settled.justifacts("assessment.list", {}, 500)
        settled.ashby("job.list", {}, 500)
        report = run(settled)
        assert (report.not_checked, report.needs_review) == (2, 0)

    @pytest.mark.anywhere
    def test_pushes_about_unknown_orders_need_review(self, settled: World) -> None:
        body = {"assessment_id": "JF-404", "assessment_status": data("status", "Complete")}
        for _ in range(2):
            assert settled.call("/justifacts/assessment.update", body).status_code == 404
        assert InboundRequest.objects.filter(http_status=404).count() == 2
        (text,) = lines(run(settled), "needs_review")
        assert "2 times" in text
        assert "JF-404" in text


class TestSchedule:
    def test_other_organizations_orders_are_not_compared(self, settled: World) -> None:
        body = settled.start_body(assessment_type_id=str(settled.globex.basic.assessment_type_id))
        settled.call("/ashby/assessment.start", body, key=settled.globex.verification_key)
        report = run(settled)
        assert report.orders_checked == 0
        assert not settled.sent("assessment.status")

    def test_orders_that_ended_long_ago_are_not_compared(self, settled: World, clock) -> None:
        order = settled.placed()
        settled.push(order, cancelled_reason=data("reason", "No."))
        settled.work()
        clock.shift(timedelta(days=8))
        assert run(settled).orders_checked == 0

    @pytest.mark.anywhere
    def test_only_one_reconciliation_of_an_organization_runs(self, settled: World, clock) -> None:
        running = reconciling.begin(settled.acme.organization, "Ada")
        with pytest.raises(AlreadyRunning):
            run(settled)
        clock.shift(timedelta(minutes=31))
        assert run(settled).ended_at
        running.refresh_from_db()
        assert "interrupted" in running.error

    def test_a_repeated_task_runs_the_reconciliation_once(self, settled: World) -> None:
        settled.justifacts("assessment.list", {}, 500)
        report = reconciling.begin(settled.acme.organization, "Ada")
        for _ in range(2):
            tasks.reconcile_organization(report.pk)
        assert report.discrepancies.count() == 1

    def test_every_connected_organization_is_reconciled_each_night(self, settled: World, clock) -> None:
        tasks.reconcile_nightly()
        begun = {report.organization.slug: report.requested_by for report in Reconciliation.objects.all()}
        assert begun == {"acme": "the portal", "globex": "the portal"}
        for report in Reconciliation.objects.all():
            tasks.reconcile_organization(report.pk)
        clock.shift(timedelta(hours=2))
        tasks.reconcile_nightly()
        assert Reconciliation.objects.count() == 2
        clock.shift(timedelta(days=1))
        tasks.reconcile_nightly()
        assert Reconciliation.objects.count() == 4
        Reconciliation.objects.update(ended_at=NINE)
        clock.shift(timedelta(days=91))
        tasks.reconcile_nightly()
        assert Reconciliation.objects.filter(started_at__lt=NINE + timedelta(days=2)).count() == 0

    def test_a_silent_justifacts_is_asked_only_a_few_times(self, settled: World) -> None:
        for number in range(20):
            settled.placed(f"JF-{number}")
        settled.work()
        settled.wire.remove(responses.POST, f"{JUSTIFACTS}assessment.status")
        settled.justifacts("assessment.status", {}, 500)
        report = run(settled)
        assert report.not_checked == 20
        assert len(settled.sent("assessment.status")) < 20
