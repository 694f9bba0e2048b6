"""A person who fetches packages sees what Justifacts no longer lists, and withdraws it by a button."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from integrations.catalog.mapping import map_job, set_default_package
from integrations.models import ConnectionJob, Package
from integrations.onboarding import jobs
from tests.fixtures.admin import Desk, member, signed_in
from tests.fixtures.world import World
from tests.integrations.onboarding.test_checklist import ASK, PAGE, work

EXECUTIVE = {"assessment_type_id": "JF-acme-2", "name": "Executive", "description": "The Executive check"}
BASIC = {"assessment_type_id": "JF-acme-1", "name": "Basic", "description": "The Basic check"}
NEW = {"assessment_type_id": "JF-9", "name": "Drug test"}


def sells(world: World, *packages: Any, **more: Any) -> None:
    world.justifacts("assessment.list", {"success": True, "results": list(packages), **more})


def fetch(world: World, desk: Desk) -> str:
    """The set-up page after a fetch."""
    desk.press(ASK, world.acme.organization.pk, "packages")
    work()
    return desk.html(PAGE, world.acme.organization.pk)


def confirm(world: World, desk: Desk, page: str) -> str:
    """Presses the button of a page that was shown; the page after it."""
    (shown,) = re.findall(r'name="confirm" value="(\d+)"', page)
    desk.press(ASK, world.acme.organization.pk, "packages", confirm=shown)
    work()
    return desk.html(PAGE, world.acme.organization.pk)


def withdrawn() -> list[str]:
    return sorted(Package.objects.exclude(withdrawn_at=None).values_list("name", flat=True))


def test_the_page_shows_what_depends_on_a_missing_package_before_it_is_withdrawn(
    world: World, org_admin: Desk
) -> None:
    organization = world.acme.organization
    set_default_package(organization, world.acme.basic)
    map_job(organization, "Baker", world.acme.basic, strict=True)
    map_job(organization, "Cook", world.acme.basic)
    map_job(organization, "Driver", world.acme.executive)
    sells(world, EXECUTIVE, NEW)
    page = fetch(world, org_admin)
    text = org_admin.open(PAGE, organization.pk)
    assert "Justifacts no longer lists this package. Withdraw it?" in text
    assert "It is the default package" in text
    assert "2 jobs are mapped to it: “Baker” (strict), “Cook”" in text
    assert "New: “Drug test”." in text
    assert withdrawn() == []
    assert Package.objects.filter(name="Drug test").exists(), "an addition needs no confirmation"
    notification = org_admin.open("integrations_package_changelist")
    assert "Justifacts no longer lists 1 package. Recruiters can still choose it." in notification

    assert 'name="confirm"' not in confirm(world, org_admin, page)
    assert withdrawn() == ["Basic"]
    text = org_admin.open(PAGE, organization.pk)
    assert "No longer sold, kept for old orders: “Basic”." in text
    assert "Withdraw it?" not in text
    assert any("Basic" in entry.change_message for entry in LogEntry.objects.all()), "who confirmed is kept"


def test_an_empty_list_is_a_problem_that_a_person_can_confirm(world: World, org_admin: Desk) -> None:
    sells(world)
    page = fetch(world, org_admin)
    text = org_admin.open(PAGE, world.acme.organization.pk)
    assert "The list of packages is empty." in text
    assert "Withdraw 2 packages" in text
    assert withdrawn() == []
    confirm(world, org_admin, page)
    assert withdrawn() == ["Basic", "Executive"]


def test_a_list_that_has_changed_meanwhile_is_shown_again(world: World, org_admin: Desk) -> None:
    sells(world, EXECUTIVE)
    page = fetch(world, org_admin)
    sells(world, NEW)
    page = confirm(world, org_admin, page)
    assert withdrawn() == [], "the person saw one package missing, and now there are two"
    assert "Withdraw 2 packages" in page
    sells(world, BASIC, EXECUTIVE, NEW)
    confirm(world, org_admin, page)
    assert withdrawn() == []


def test_a_broken_list_cannot_be_confirmed(world: World, org_admin: Desk) -> None:
    sells(world, EXECUTIVE)
    page = fetch(world, org_admin)
    sells(world, EXECUTIVE, moreDataAvailable=True)
    page = confirm(world, org_admin, page)
    assert withdrawn() == []
    assert "promises another page" in page
    assert 'name="confirm"' not in page


def test_an_old_page_confirms_nothing(world: World, org_admin: Desk) -> None:
    sells(world, EXECUTIVE)
    old = fetch(world, org_admin)
    fetch(world, org_admin)
    (shown,) = re.findall(r'name="confirm" value="(\d+)"', old)
    for value in (shown, "", "x", "0"):
        page = org_admin.press(ASK, world.acme.organization.pk, "packages", confirm=value)
        assert "The packages have been fetched again in the meantime." in page
    work()
    assert withdrawn() == []


def test_only_who_may_fetch_can_confirm(world: World, org_admin: Desk) -> None:
    sells(world, EXECUTIVE)
    page = fetch(world, org_admin)
    (shown,) = re.findall(r'name="confirm" value="(\d+)"', page)
    stranger = signed_in(member("gus", world.globex.organization))
    url = f"/admin/integrations/organization/{world.acme.organization.pk}/setup/packages/ask/"
    assert stranger.client.post(url, {"confirm": shown}).status_code == 404
    own = f"/admin/integrations/organization/{world.globex.organization.pk}/setup/packages/ask/"
    stranger.client.post(own, {"confirm": shown})
    work()
    assert withdrawn() == []


def test_a_test_of_the_connection_confirms_nothing(world: World, org_admin: Desk) -> None:
    sells(world, EXECUTIVE)
    page = fetch(world, org_admin)
    (shown,) = re.findall(r'name="confirm" value="(\d+)"', page)
    org_admin.press(ASK, world.acme.organization.pk, "jobs", confirm=shown)
    assert ConnectionJob.objects.get(kind="jobs").confirmed is None
    assert withdrawn() == []


def test_a_package_withdrawn_by_a_nightly_run_needs_no_confirmation(world: World, org_admin: Desk) -> None:
    sells(world, EXECUTIVE)
    fetch(world, org_admin)
    Package.objects.filter(name="Basic").update(withdrawn_at=world.acme.organization.created_at)
    assert "Withdraw it?" not in org_admin.open(PAGE, world.acme.organization.pk)


@pytest.mark.parametrize("more", [{"results": []}, {"results": [{"id": "job-2"}], "moreDataAvailable": True}])
def test_a_doubtful_list_of_jobs_is_a_problem(world: World, org_admin: Desk, more: dict[str, Any]) -> None:
    map_job(world.acme.organization, "job-1", world.acme.basic)
    world.ashby("job.list", {"success": True, **more})
    org_admin.press(ASK, world.acme.organization.pk, "jobs")
    work()
    text = org_admin.open(PAGE, world.acme.organization.pk)
    assert "Ashby's list of jobs" in text
    assert "All known jobs are kept." in text
    assert "Not in the list" not in text
    job = jobs.last_job(world.acme.organization, ConnectionJob.Kind.JOBS)
    assert job
    assert job.has_problem


def test_a_mapped_job_that_is_not_listed_is_named_and_stays(world: World, org_admin: Desk) -> None:
    map_job(world.acme.organization, "job-1", world.acme.basic)
    world.ashby("job.list", {"success": True, "results": [{"id": "job-2", "title": "Cook"}]})
    org_admin.press(ASK, world.acme.organization.pk, "jobs")
    work()
    text = org_admin.open(PAGE, world.acme.organization.pk)
    assert "Not in the list, but kept because they are mapped to a package: “job-1”." in text
