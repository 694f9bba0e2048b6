"""An unattended run reports a doubtful list; it withdraws no package and calls no job missing."""

from typing import Any

import pytest
from django.urls import reverse

from assessments.models import Reconciliation
from integrations.catalog.mapping import map_job, set_default_package
from integrations.models import Package
from tests.assessments.reconciliation.reconciling import lines, run
from tests.fixtures.world import World

BROKEN = [
    {"results": []},
    {"results": [], "moreDataAvailable": True},
    {"results": [{"name": "without an id"}]},
    {"results": ["?"], "moreDataAvailable": True, "nextCursor": "c1"},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_doubtful_list_of_packages_withdraws_nothing(settled: World, broken: dict[str, Any]) -> None:
    acme = settled.acme
    set_default_package(acme.organization, acme.basic)
    map_job(acme.organization, "job-1", acme.executive, strict=True)
    jobs = [{"id": "job-1", "title": "Cook", "status": "Open"}]
    settled.ashby("job.list", {"success": True, "results": jobs})
    settled.justifacts("assessment.list", {"success": True, **broken})
    (text,) = lines(run(settled), "needs_review")
    assert text.startswith("Justifacts' list of packages ")
    assert "Nothing was withdrawn" in text
    assert not Package.objects.exclude(withdrawn_at=None).exists()
    answer = settled.call("/ashby/assessment.list", {}).json()
    assert [each["name"] for each in answer["results"]] == ["Basic", "Executive", "Package for this job"]
    assert settled.call("/ashby/assessment.start", settled.start_body()).status_code == 422, "job-1 is strict"
    other = settled.start_body(job={"ashby_id": "job-2", "name": "Baker"})
    assert settled.call("/ashby/assessment.start", other).status_code == 200


@pytest.mark.parametrize("broken", [*BROKEN, {"results": [{"id": "9"}], "moreDataAvailable": True}])
def test_a_doubtful_list_of_jobs_makes_no_job_missing(settled: World, broken: dict[str, Any]) -> None:
    map_job(settled.acme.organization, "job-1", settled.acme.basic)
    settled.ashby("job.list", {"success": True, **broken})
    (text,) = lines(run(settled), "needs_review")
    assert text.startswith("Ashby's list of jobs ")
    assert "lists no job" not in text


def test_the_first_page_shows_a_doubtful_list_to_support(settled: World, admin_client: Any) -> None:
    settled.justifacts("assessment.list", {"success": True, "results": []})
    run(settled)
    page = admin_client.get(reverse("admin:index")).content.decode()
    assert "The last reconciliation lists what it could not fix." in page
    report = admin_client.get(
        reverse("admin:assessments_reconciliation_change", args=[Reconciliation.objects.get().pk])
    )
    assert "list of packages is empty, although it had 2 before" in report.content.decode()


def test_a_line_about_a_missing_package_names_its_namesake(settled: World) -> None:
    acme = settled.acme
    set_default_package(acme.organization, acme.basic)
    sold = [("JF-77", "Basic"), (acme.executive.justifacts_id, "Executive")]
    results = [{"assessment_type_id": number, "name": name} for number, name in sold]
    settled.justifacts("assessment.list", {"success": True, "results": results})
    (text,) = lines(run(settled), "needs_review")
    assert "The default package “Basic” is not offered any more." in text
    assert "A package of the same name is offered (JF-77)" in text
