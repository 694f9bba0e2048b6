"""Cases in which a reconciliation could report a false discrepancy, or overlook a real one."""

from datetime import timedelta
from typing import Any

from assessments.models import AshbyUpdate, InboundRequest
from assessments.reconciliation.catalog import unknown_references
from assessments.recovery_log import log as recovery_log
from integrations.catalog.mapping import map_job
from tests.assessments.reconciliation.reconciling import (
    NINE,
    NOT_FOUND,
    justifacts_says,
    lines,
    meanwhile,
    run,
    status_message,
)
from tests.fixtures.world import World


class TestWhileOthersWork:
    def test_an_answer_overtaken_by_a_push_is_no_discrepancy(self, settled: World) -> None:
        order = settled.placed()
        settled.work()
        old = status_message(order, status="Applicant Started")
        meanwhile(settled, old, lambda: settled.push(order, "In Process: Justifacts"))
        report = run(settled)
        settled.work()
        assert (report.resolved, report.needs_review) == (0, 0)
        assert settled.delivered(order)[-1] == "In Process: Justifacts"

    def test_a_check_cancelled_at_that_moment_is_cancelled_once(self, settled: World) -> None:
        order = settled.placed()
        settled.work()
        settled.justifacts("assessment.cancel", {"success": True, "results": {}})

        def cancelled() -> None:
            settled.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
            settled.work()

        meanwhile(settled, status_message(order, status="Applicant Started"), cancelled)
        report = run(settled)
        settled.work()
        assert (report.resolved, report.needs_review) == (0, 0)
        assert len(settled.sent("assessment.cancel")) == 1


class TestSilence:
    def test_a_refused_question_says_nothing_about_the_order(self, settled: World) -> None:
        settled.placed()
        settled.work()
        settled.justifacts("assessment.status", {"message": "Not today."}, 422)
        report = run(settled)
        assert (report.orders_checked, report.not_checked, report.needs_review) == (0, 1, 0)
        assert "Not today." in lines(report, "not_checked")[0]

    def test_the_report_does_not_name_candidates(self, settled: World) -> None:
        settled.placed()
        settled.work()
        words = "No order of Zoë O'Neil, zoe.oneil@example.com, today."
        settled.justifacts("assessment.status", {"message": words}, 422)
        (text,) = lines(run(settled), "not_checked")
        assert "today" in text
        for personal in ("Zoë", "O'Neil", "zoe.oneil"):
            assert personal not in text

    def test_ashby_is_compared_even_if_justifacts_does_not_answer(self, settled: World) -> None:
        order = settled.placed()
        settled.push(order, "In Process: Justifacts")
        settled.work()
        AshbyUpdate.objects.filter(order=order).order_by("-sequence")[0].delete()
        settled.justifacts("assessment.status", {}, 500)
        report = run(settled)
        settled.work()
        assert (report.resolved, report.not_checked) == (1, 1)
        assert settled.delivered(order)[-1] == "In Process: Justifacts"


class TestAshby:
    def test_the_started_signal_is_not_repeated(self, settled: World) -> None:
        """Ashby accepted the first of the two updates of this status; only the second is sent."""
        order = settled.placed()
        settled.push(order, "Applicant Started")
        settled.work()
        AshbyUpdate.objects.filter(order=order).order_by("-sequence")[0].delete()
        justifacts_says(settled, order, status="Applicant Started")
        assert run(settled).resolved == 1
        settled.work()
        assert settled.delivered(order)[-3:] == ["Started", "Applicant Started", "Applicant Started"]

    def test_a_status_is_sent_again_after_an_unknown_one(self, settled: World) -> None:
        order = settled.placed()
        for status in ("In Process: Justifacts", "On Hold", "In Process: Justifacts"):
            settled.push(order, status)
            settled.work()
        justifacts_says(settled, order, status="In Process: Justifacts")
        run(settled)
        settled.work()
        assert settled.delivered(order)[-2:] == ["On Hold", "In Process: Justifacts"]
        assert run(settled).resolved == 0


class TestCatalog:
    def test_a_mapped_job_unknown_to_ashby_needs_review(self, settled: World) -> None:
        acme = settled.acme
        for job in ("job-1", "job-2"):
            map_job(acme.organization, job, acme.basic)
        jobs = [{"id": "job-2", "title": "Cook", "status": "Open"}]
        settled.ashby("job.list", {"success": True, "results": jobs, "moreDataAvailable": False})
        (text,) = lines(run(settled), "needs_review")
        assert "Ashby lists no job “job-1”" in text

    def test_no_job_counts_as_missing_while_ashby_does_not_answer(self, settled: World) -> None:
        map_job(settled.acme.organization, "job-1", settled.acme.basic)
        settled.ashby("job.list", {}, 500)
        report = run(settled)
        assert (report.needs_review, report.not_checked) == (0, 1)


class TestUnknownReferences:
    def test_an_order_that_is_known_by_now_is_not_listed(self, settled: World) -> None:
        """As after a restore: Justifacts pushed before the order was recreated."""
        order = settled.placed()
        settled.work()
        for body in ({"assessment_id": "JF-2026-1"}, {"assessment_id": "x", "reference_id": str(order.pk)}):
            unknown(settled, body)
        justifacts_says(settled, order, status="Justifacts Received")
        assert run(settled).needs_review == 0

    def test_another_organizations_order_counts_as_unknown(self, settled: World) -> None:
        order = settled.placed()
        unknown(settled, {"assessment_id": str(order.pk)}, organization=settled.globex.organization)
        (line,) = unknown_references(settled.globex.connection, NINE)
        assert str(order.pk) in line[1]
        assert not list(unknown_references(settled.acme.connection, NINE))

    def test_pushes_older_than_a_day_are_not_listed(self, settled: World, clock) -> None:
        unknown(settled, {"assessment_id": "JF-404"})
        assert run(settled).needs_review == 1
        clock.shift(timedelta(days=2))
        assert run(settled).needs_review == 0


def unknown(world: World, body: dict[str, Any], organization: Any = None) -> None:
    """A push that was answered with 404."""
    InboundRequest.objects.create(
        organization=organization or world.acme.organization,
        source=InboundRequest.Source.JUSTIFACTS,
        name="assessment.update",
        http_status=404,
        outcome="assessment_not_found",
        body=body,
    )


def test_a_recovered_order_that_justifacts_never_had_needs_no_review(settled: World) -> None:
    order = settled.start()
    settled.justifacts("assessment.status", NOT_FOUND)
    recovery_log.log_start(order)
    AshbyUpdate.objects.all().delete()
    order.delete()
    report = run(settled)
    assert (report.resolved, report.needs_review) == (1, 0)
