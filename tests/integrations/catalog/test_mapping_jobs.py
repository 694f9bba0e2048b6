"""Many jobs are mapped at once, after the page has said what will change."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.catalog.mapping import map_job, set_default_package
from integrations.models import Job, JobPackageMapping, Package
from tests.fixtures.admin import Desk, member, signed_in
from tests.fixtures.world import World

LIST = "integrations_job_changelist"


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
        assert "Clerk none: the recruiter sees why" in page
        page = choose(org_admin, jobs, package=executive, is_strict="on", preview="1")
        assert page.count("Executive, strict") == 3
        assert mapped() == {"Baker": ("Basic", False)}
        said = choose(org_admin, jobs, package=executive, is_strict="on", apply="1")
        assert "3 jobs now use “Executive”." in said
        assert mapped() == dict.fromkeys(["Baker", "Clerk", "Driver"], ("Executive", True))

    def test_ashby_gets_what_was_mapped(self, world: World, jobs: list[Job], org_admin: Desk) -> None:
        choose(org_admin, jobs[:1], package=world.acme.executive.pk, apply="1")
        by_job = str(world.acme.connection.job_package_type_id)
        order = world.start(assessment_type_id=by_job, job={"ashby_id": "job-1", "name": "Baker"})
        assert order.package == world.acme.executive

    def test_a_mapping_is_removed(self, world: World, jobs: list[Job], org_admin: Desk) -> None:
        choose(org_admin, jobs, package=world.acme.basic.pk, apply="1")
        page = org_admin.act("integrations_job", "remove_mapping", *jobs[:2])
        assert "Baker Basic none: the recruiter sees why" in page
        assert len(mapped()) == 3, "the page asks first"
        said = choose(org_admin, jobs[:2], package="none", apply="1")
        assert "2 jobs no longer have their own package." in said
        assert list(mapped()) == ["Driver"]

    def test_a_removed_package_leaves_the_default(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        map_job(world.acme.organization, "job-1", world.acme.executive)
        set_default_package(world.acme.organization, world.acme.basic)
        page = choose(org_admin, jobs[:1], package="none", is_strict="on", preview="1")
        assert "Baker Executive Basic (the default)" in page

    def test_many_jobs_are_mapped_as_quickly_as_two(self, world: World, org_admin: Desk) -> None:
        acme, package = world.acme.organization, world.acme.basic.pk
        many = [Job.objects.create(organization=acme, ashby_id=f"j-{n}", title=f"J {n}") for n in range(25)]
        choose(org_admin, many, package=package, apply="1")
        counts = []
        for chosen in (many[:2], many):
            with CaptureQueriesContext(database) as captured:
                rows = [str(job.pk) for job in chosen]
                posted = {"action": "map_to_package", "_selected_action": rows, "package": package}
                org_admin.client.post(reverse(f"admin:{LIST}"), {**posted, "apply": "1"})
            counts.append(len(captured))
        assert counts[0] == counts[1] < 40
        assert len(mapped()) == 25
        assert LogEntry.objects.filter(object_id=many[24].pk, change_message__contains="Basic").exists()

    def test_too_many_at_once_are_said_so(self, world: World, org_admin: Desk) -> None:
        acme = world.acme.organization
        many = Job.objects.bulk_create(
            Job(organization=acme, ashby_id=f"many-{number}", title="Engineer") for number in range(501)
        )
        page = choose(org_admin, many, package=world.acme.basic.pk, apply="1")
        assert "Select at most 500 jobs at a time" in page
        assert not mapped()

    def test_jobs_of_two_organizations_have_no_package_in_common(
        self, world: World, jobs: list[Job], operator: Desk
    ) -> None:
        theirs = Job.objects.create(organization=world.globex.organization, ashby_id="g-1", title="Guard")
        page = choose(operator, [*jobs, theirs])
        assert "Select jobs of one organization only" in page

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
        assert page.count("none: the recruiter sees why") == 2
        set_default_package(world.acme.organization, world.acme.basic)
        assert org_admin.open(LIST).count("Basic, the default") == 2

    def test_a_renamed_default_is_called_by_its_new_name(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        set_default_package(world.acme.organization, world.acme.basic)
        Package.objects.filter(pk=world.acme.basic.pk).update(ashby_name="Standard")
        assert org_admin.open(LIST).count("Standard, the default") == 3

    def test_a_job_whose_package_is_switched_off_orders_nothing_in_spite_of_a_default(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        map_job(world.acme.organization, "job-1", world.acme.executive)
        set_default_package(world.acme.organization, world.acme.basic)
        Package.objects.filter(pk=world.acme.executive.pk).update(is_active=False)
        assert "Executive none: the recruiter sees why" in org_admin.open(LIST)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"q": "Clerk"}, ["Clerk"]),
            ({"mapped": "yes"}, ["Baker"]),
            ({"mapped": "no"}, ["Clerk", "Driver"]),
            ({"mapped": "strict"}, []),
            ({"q": "job-2"}, ["Clerk"]),
        ],
    )
    def test_jobs_are_found(
        self, world: World, jobs: list[Job], org_admin: Desk, query: dict[str, str], found: list[str]
    ) -> None:
        map_job(world.acme.organization, "job-1", world.acme.executive)
        page = org_admin.html(LIST, **query)
        assert [job.title for job in jobs if f"/job/{job.pk}/change/" in page] == found


class TestDryRun:
    URL = "assessments_order_mapping_preview"

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
        assert "All of them would get the same package." in org_admin.open(self.URL, acme.pk)

        map_job(acme, "job-1", world.acme.executive)
        map_job(acme, "job-3", world.acme.executive, strict=True)
        page = org_admin.open(self.URL, acme.pk)
        assert "4 orders were started in the last 30 days. 3 of them would get a different package" in page
        assert "1 would be refused" in page
        assert "refused: the job is strict" in page
        assert "refused – 1" in page
        set_default_package(acme, None)
        assert "refused: no package is offered" in org_admin.open(self.URL, acme.pk)

    def propose(self, desk: Desk, world: World, jobs: list[Job], **given: Any) -> str:
        rows = [str(job.pk) for job in jobs]
        return desk.press(self.URL, world.acme.organization.pk, _selected_action=rows, **given)

    def started(self, world: World, jobs: list[Job]) -> None:
        set_default_package(world.acme.organization, world.acme.basic)
        by_job = str(world.acme.connection.job_package_type_id)
        for job in jobs:
            world.start(assessment_type_id=by_job, job={"ashby_id": job.ashby_id, "name": job.title})

    def test_a_mapping_is_tried_before_it_is_made(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        self.started(world, jobs)
        executive = world.acme.executive.pk
        assert "Preview with last month’s orders" in choose(
            org_admin, jobs[:2], package=executive, preview="1"
        )
        page = self.propose(org_admin, world, jobs[:2], package=executive, is_strict="on")
        assert "Preview, not saved: 2 jobs mapped to “Executive”, strict." in page
        assert "3 orders were started in the last 30 days. 2 of them would get a different package" in page
        assert "Basic 3 1 Executive 0 2" in page, "what each package got, and would get"
        assert not mapped()
        assert "2 jobs now use “Executive”." in choose(org_admin, jobs[:2], package=executive, apply="1")

    def test_a_removal_is_tried_before_it_is_made(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        self.started(world, jobs)
        map_job(world.acme.organization, "job-1", world.acme.executive)
        assert "1 of them would get a different package" in org_admin.open(
            self.URL, world.acme.organization.pk
        )
        page = self.propose(org_admin, world, jobs[:1], package="none")
        assert "All of them would get the same package." in page
        assert list(mapped()) == ["Baker"]

    def test_a_dry_run_says_which_rule_refuses(self, world: World, jobs: list[Job], org_admin: Desk) -> None:
        """Strict for a package that is switched off: it is the switch that refuses, as for a start."""
        self.started(world, jobs[:1])
        map_job(world.acme.organization, "job-1", world.acme.executive, strict=True)
        Package.objects.filter(pk=world.acme.executive.pk).update(is_active=False)
        page = org_admin.open(self.URL, world.acme.organization.pk)
        assert "refused: no package is offered" in page
        assert "refused: the job is strict" not in page

    def test_more_jobs_need_no_more_queries(self, world: World, org_admin: Desk) -> None:
        acme, counts = world.acme.organization, []
        for last in (2, 12):
            for number in range(last):
                map_job(acme, f"j-{last}-{number}", world.acme.basic)
                world.start(job={"ashby_id": f"j-{last}-{number}", "name": f"J {number}"})
            org_admin.html(self.URL, acme.pk)
            with CaptureQueriesContext(database) as captured:
                org_admin.html(self.URL, acme.pk)
            counts.append(len(captured))
        assert counts[0] == counts[1] < 40

    def test_nothing_of_another_organization_can_be_proposed(
        self, world: World, jobs: list[Job], org_admin: Desk, support: Desk
    ) -> None:
        theirs = Job.objects.create(organization=world.globex.organization, ashby_id="g-1", title="Guard")
        refused = "Select jobs and a package first"
        assert refused in self.propose(org_admin, world, jobs, package=world.globex.basic.pk)
        page = self.propose(org_admin, world, [theirs], package=world.acme.basic.pk)
        assert refused in page
        assert "Guard" not in page
        url = reverse(f"admin:{self.URL}", args=[world.globex.organization.pk])
        posted = {"_selected_action": [str(theirs.pk)], "package": world.globex.basic.pk}
        assert org_admin.client.post(url, posted).status_code == 404
        url = reverse(f"admin:{self.URL}", args=[world.acme.organization.pk])
        assert support.client.post(url, posted).status_code == 404

    def test_an_id_of_too_many_digits_is_no_job(self, world: World, jobs: list[Job], org_admin: Desk) -> None:
        acme = world.acme
        page = org_admin.press(
            self.URL, acme.organization.pk, _selected_action=["9" * 30], package=acme.basic.pk
        )
        assert "Select jobs and a package first" in page

    def test_a_person_who_may_only_view_mappings_sees_them_and_proposes_none(
        self, world: World, jobs: list[Job], reader: Desk
    ) -> None:
        url = reverse(f"admin:{self.URL}", args=[world.acme.organization.pk])
        assert reader.client.get(url).status_code == 200
        posted = {"_selected_action": [str(jobs[0].pk)], "package": world.acme.basic.pk}
        assert reader.client.post(url, posted).status_code == 404

    def test_another_organizations_orders_are_not_tried(self, world: World, support: Desk) -> None:
        url = reverse(f"admin:{self.URL}", args=[world.acme.organization.pk])
        assert signed_in(member("gus", world.globex.organization)).client.get(url).status_code == 404
        assert support.client.get(url).status_code == 404
