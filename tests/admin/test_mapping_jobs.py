"""Many jobs are mapped at once, after the page has said what will change."""

from typing import Any

import pytest
from django.urls import reverse

from integrations.catalogue import map_job, set_default_package
from integrations.models import Job, JobPackageMapping, Package
from tests.admin.conftest import Desk, member, signed_in
from tests.world import World

LIST = "integrations_job_changelist"


@pytest.fixture
def jobs(world: World) -> list[Job]:
    acme = world.acme.organization
    titles = ["Baker", "Clerk", "Driver"]
    return [
        Job.objects.create(organization=acme, ashby_id=f"job-{number}", title=title)
        for number, title in enumerate(titles, start=1)
    ]


def choose(desk: Desk, jobs: list[Job], **given: Any) -> str:
    rows = [str(job.pk) for job in jobs]
    return desk.press(LIST, action="map_to_package", _selected_action=rows, **given)


def mapped() -> dict[str, tuple[str, bool]]:
    rows = JobPackageMapping.objects.select_related("job", "package")
    return {str(row.job): (str(row.package), row.is_strict) for row in rows}


class TestMappingMany:
    def test_the_page_says_what_changes_before_it_does(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        map_job(world.acme.organization, "job-1", world.acme.basic)
        executive = world.acme.executive.pk
        page = choose(org_admin, jobs)
        assert "Baker Basic" in page
        assert "Clerk nothing: the recruiter is told why" in page
        page = choose(org_admin, jobs, package=executive, is_strict="on", preview="1")
        assert page.count("Executive, strict") == 3
        assert mapped() == {"Baker": ("Basic", False)}
        said = choose(org_admin, jobs, package=executive, is_strict="on", apply="1")
        assert "3 jobs get “Executive” now." in said
        assert mapped() == dict.fromkeys(["Baker", "Clerk", "Driver"], ("Executive", True))

    def test_ashby_gets_what_was_mapped(self, world: World, jobs: list[Job], org_admin: Desk) -> None:
        choose(org_admin, jobs[:1], package=world.acme.executive.pk, apply="1")
        by_job = str(world.acme.connection.job_package_type_id)
        order = world.start(assessment_type_id=by_job, job={"ashby_id": "job-1", "name": "Baker"})
        assert order.package == world.acme.executive

    def test_a_mapping_is_removed(self, world: World, jobs: list[Job], org_admin: Desk) -> None:
        choose(org_admin, jobs, package=world.acme.basic.pk, apply="1")
        said = org_admin.act("integrations_job", "remove_mapping", *jobs[:2])
        assert "2 jobs have no package of their own any more." in said
        assert list(mapped()) == ["Driver"]

    def test_jobs_of_two_organizations_have_no_package_in_common(
        self, world: World, jobs: list[Job], operator: Desk
    ) -> None:
        theirs = Job.objects.create(organization=world.globex.organization, ashby_id="g-1", title="Guard")
        page = choose(operator, [*jobs, theirs])
        assert "Choose jobs of one organization" in page

    def test_another_organizations_package_is_no_choice(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        page = choose(org_admin, jobs, package=world.globex.basic.pk, apply="1")
        assert "Select a valid choice" in page
        assert not mapped()

    def test_another_organizations_job_is_not_mapped(self, world: World, org_admin: Desk) -> None:
        theirs = Job.objects.create(organization=world.globex.organization, ashby_id="g-1", title="Guard")
        choose(org_admin, [theirs], package=world.acme.basic.pk, apply="1")
        choose(org_admin, [theirs], package=world.globex.basic.pk, apply="1")
        assert not mapped()

    def test_a_package_that_is_not_offered_is_no_choice(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        Package.objects.filter(pk=world.acme.basic.pk).update(is_active=False)
        assert "Select a valid choice" in choose(org_admin, jobs, package=world.acme.basic.pk, apply="1")


class TestTheTable:
    def test_each_job_says_what_it_orders_now(self, world: World, jobs: list[Job], org_admin: Desk) -> None:
        map_job(world.acme.organization, "job-1", world.acme.executive)
        page = org_admin.open(LIST)
        assert "Executive Executive" in page, "its own, and so what it orders"
        assert page.count("nothing: the recruiter is told why") == 2
        set_default_package(world.acme.organization, world.acme.basic)
        assert org_admin.open(LIST).count("Basic, the default") == 2

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"q": "Clerk"}, ["Clerk"]),
            ({"mapped": "yes"}, ["Baker"]),
            ({"mapped": "no"}, ["Clerk", "Driver"]),
        ],
    )
    def test_jobs_are_found(
        self, world: World, jobs: list[Job], org_admin: Desk, query: dict[str, str], found: list[str]
    ) -> None:
        map_job(world.acme.organization, "job-1", world.acme.executive)
        page = org_admin.html(LIST, **query)
        assert [job.title for job in jobs if f"/job/{job.pk}/change/" in page] == found


class TestDryRun:
    URL = "assessments_order_dry_run"

    def test_last_months_orders_are_tried_under_todays_mappings(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        acme = world.acme.organization
        set_default_package(acme, world.acme.basic)
        by_job = str(world.acme.connection.job_package_type_id)
        for number in (1, 2, 3):
            world.start(
                assessment_type_id=by_job, job={"ashby_id": f"job-{number}", "name": jobs[number - 1].title}
            )
        world.start(job={"ashby_id": "job-3", "name": "Driver"})
        assert "All of them would get the same now." in org_admin.open(self.URL, acme.pk)

        map_job(acme, "job-1", world.acme.executive)
        map_job(acme, "job-3", world.acme.executive, strict=True)
        page = org_admin.open(self.URL, acme.pk)
        assert "4 orders were started in the last 30 days. 3 of them would go otherwise now" in page
        assert "1 would be refused" in page
        assert "refused: the job is strict" in page
        set_default_package(acme, None)
        assert "refused: no package is offered" in org_admin.open(self.URL, acme.pk)

    def test_another_organizations_orders_are_not_tried(self, world: World, support: Desk) -> None:
        url = reverse(f"admin:{self.URL}", args=[world.acme.organization.pk])
        assert signed_in(member("gus", world.globex.organization)).client.get(url).status_code == 404
        assert support.client.get(url).status_code == 404


class TestPackages:
    LIST = "integrations_package_changelist"

    def test_the_list_says_what_ashby_is_offered(self, world: World, org_admin: Desk) -> None:
        assert "Ashby is offered 2 packages." in org_admin.open(self.LIST)
        org_admin.act("integrations_package", "make_default", world.acme.basic)
        assert "Ashby is offered 2 packages and “Package for this job”." in org_admin.open(self.LIST)
        org_admin.act("integrations_package", "switch_off", world.acme.executive)
        assert "Ashby is offered 1 package and" in org_admin.open(self.LIST)

    def test_switching_off_says_what_then_happens(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        map_job(world.acme.organization, "job-1", world.acme.basic)
        set_default_package(world.acme.organization, world.acme.basic)
        said = org_admin.act("integrations_package", "switch_off", world.acme.basic)
        assert "1 job is mapped to “Basic”, which is not offered" in said
        assert "is the default package and not offered" in said
        said = org_admin.act("integrations_package", "make_default", world.acme.basic)
        assert "is not offered; choose another default package" in said

    def test_another_organizations_package_is_left_alone(self, world: World, org_admin: Desk) -> None:
        org_admin.act("integrations_package", "switch_off", world.globex.basic)
        world.globex.basic.refresh_from_db()
        assert world.globex.basic.is_active
