"""Packages from Justifacts, jobs from Ashby, and which job gets what."""

import uuid
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from integrations.catalog.mapping import find_package, map_job, set_default_package
from integrations.catalog.offers import offers
from integrations.catalog.sync import SyncResult, sync_jobs, sync_packages
from integrations.http.errors import CallFailed
from integrations.models import Job, JobPackageMapping, Package
from tests.fixtures.world import World


def sells(world: World, *packages: tuple[str, str, str]) -> None:
    """What Justifacts sells to Acme: id, name, description."""
    names = ("assessment_type_id", "name", "description")
    results = [dict(zip(names, package, strict=True)) for package in packages]
    world.justifacts("assessment.list", {"success": True, "results": results})


BASIC = ("JF-acme-1", "Basic", "The Basic check")
EXECUTIVE = ("JF-acme-2", "Executive", "The Executive check")
DRUGS = ("opaque?id/ü", "Drug test", "")


def offered(world: World) -> list[str]:
    return [offer.name for offer in offers(world.acme.connection)]


def test_a_new_package_is_offered_to_ashby_by_an_id_of_ours(world: World) -> None:
    sells(world, BASIC, EXECUTIVE, DRUGS)
    assert sync_packages(world.acme.connection) == SyncResult(["Drug test"], [], [], 3)
    package = Package.objects.get(name="Drug test")
    assert package.justifacts_id == "opaque?id/ü"
    assert isinstance(package.assessment_type_id, uuid.UUID)
    assert offered(world) == ["Basic", "Drug test", "Executive"]
    assert Package.objects.filter(organization=world.globex.organization).count() == 2


def test_syncing_the_same_packages_again_changes_nothing(world: World) -> None:
    sells(world, BASIC, EXECUTIVE)
    before = list(Package.objects.values())
    assert sync_packages(world.acme.connection) == SyncResult([], [], [], 2)
    assert list(Package.objects.values()) == before


def test_a_changed_package_keeps_its_id_and_the_orgs_own_choices(world: World) -> None:
    world.acme.basic.ashby_name, world.acme.basic.is_default = "Standard", True
    world.acme.basic.save()
    sells(world, ("JF-acme-1", "Basic Plus", "More"), EXECUTIVE)
    assert sync_packages(world.acme.connection).changed == ["Basic → Basic Plus"]
    package = Package.objects.get(pk=world.acme.basic.pk)
    assert (package.name, package.description, package.label) == ("Basic Plus", "More", "Standard")
    assert package.is_default
    assert package.assessment_type_id == world.acme.basic.assessment_type_id


def test_a_withdrawn_package_is_offered_no_more_and_kept_for_its_orders(world: World) -> None:
    order = world.start()
    sells(world, EXECUTIVE)
    assert sync_packages(world.acme.connection).withdrawn == ["Basic"]
    assert offered(world) == ["Executive"]
    order.refresh_from_db()
    assert order.package.name == "Basic"
    assert world.call("/ashby/assessment.start", world.start_body()).status_code == 422

    sells(world, BASIC, EXECUTIVE)
    assert sync_packages(world.acme.connection) == SyncResult([], ["Basic (sold again)"], [], 2)
    assert offered(world) == ["Basic", "Executive"]
    assert world.call("/ashby/assessment.start", world.start_body()).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"), [({}, 500), ("<html>", 200), ({}, 403), ({"success": True, "results": "x"}, 200)]
)
@pytest.mark.parametrize("sync", [sync_packages, sync_jobs])
def test_a_failed_fetch_changes_nothing(world: World, sync, body: Any, status: int) -> None:
    """A bad answer must not look as if every package had been withdrawn."""
    world.justifacts("assessment.list", body, status)
    world.ashby("job.list", body, status)
    with pytest.raises(CallFailed):
        sync(world.acme.connection)
    assert offered(world) == ["Basic", "Executive"]
    assert not Job.objects.exists()


def job(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": f"job-{number}", "title": f"Job {number}", "status": "Open", **changes}


def test_jobs_of_all_pages_are_kept(world: World) -> None:
    more = {"success": True, "results": [job(1), job(2)], "moreDataAvailable": True, "nextCursor": "c1"}
    world.wire.post("https://ashby.test/job.list", json=more)
    world.wire.post("https://ashby.test/job.list", json={"success": True, "results": [job(3)]})
    assert sync_jobs(world.acme.connection) == SyncResult(["Job 1", "Job 2", "Job 3"], [], [], 3)
    assert set(Job.objects.values_list("organization__slug", "ashby_id")) == {
        ("acme", f"job-{number}") for number in (1, 2, 3)
    }


def test_a_changed_job_is_updated_and_one_that_is_gone_keeps_its_mapping(world: World) -> None:
    map_job(world.acme.organization, "job-1", world.acme.basic)
    world.ashby("job.list", {"success": True, "results": [job(1, customRequisitionId="R-1")]})
    assert sync_jobs(world.acme.connection).changed == ["Job 1"]
    found = Job.objects.get(ashby_id="job-1")
    assert (found.title, found.status, found.requisition_id) == ("Job 1", "Open", "R-1")
    world.ashby("job.list", {"success": True, "results": []})
    synced = sync_jobs(world.acme.connection)
    assert synced.doubt == "Ashby's list of jobs is empty, although the portal knows 1."
    assert synced.missing == ()
    assert JobPackageMapping.objects.get().job == found


def test_jobs_that_are_too_long_or_without_an_id_or_twice_there(world: World) -> None:
    listed = [job(1, title="x" * 900), job(2, id=""), job(1, title="x" * 900)]
    world.ashby("job.list", {"success": True, "results": listed})
    assert sync_jobs(world.acme.connection).added == ["x" * 500]
    assert Job.objects.get().title == "x" * 500
    again = sync_jobs(world.acme.connection)
    assert (again.added, again.changed, again.total) == ([], [], 1), "the same again changes nothing"
    assert again.doubt, "a list that contradicts itself is not believed in full"


def test_a_job_can_be_mapped_before_it_is_fetched_and_mapped_again(world: World) -> None:
    map_job(world.acme.organization, "job-9", world.acme.basic)
    mapping = map_job(world.acme.organization, "job-9", world.acme.executive, strict=True)
    assert JobPackageMapping.objects.get() == mapping
    assert (mapping.package, mapping.is_strict) == (world.acme.executive, True)


def test_another_organizations_package_cannot_be_mapped(world: World) -> None:
    with pytest.raises(ValidationError):
        map_job(world.acme.organization, "job-1", world.globex.basic)
    assert not JobPackageMapping.objects.exists()
    assert not Job.objects.exists()


def test_there_is_one_default_package(world: World) -> None:
    organization = world.acme.organization
    for package in (world.acme.basic, world.acme.executive):
        set_default_package(organization, package)
        assert Package.objects.get(is_default=True) == package
    set_default_package(organization, None)
    assert not Package.objects.filter(is_default=True).exists()
    set_default_package(organization, world.globex.basic)
    assert not Package.objects.filter(is_default=True).exists(), "another org's package is nobody's default"


def test_package_for_this_job_is_offered_once_something_is_chosen(world: World) -> None:
    assert offered(world) == ["Basic", "Executive"]
    set_default_package(world.acme.organization, world.acme.basic)
    assert offered(world)[-1] == "Package for this job"


def test_a_package_is_found_by_each_of_its_names(world: World) -> None:
    organization, basic = world.acme.organization, world.acme.basic
    basic.ashby_name = "Standard"
    basic.save()
    for text in (str(basic.assessment_type_id), "JF-acme-1", "Basic", "basic", "standard"):
        assert find_package(organization, text) == basic


@pytest.mark.parametrize("text", ["Nothing", "", " ", "JF-globex-1", "8a1f2b9e-0000-4000-8000-000000000000"])
def test_a_package_that_is_not_there_is_said_so(world: World, text: str) -> None:
    with pytest.raises(ValidationError, match="no package named"):
        find_package(world.acme.organization, text)


def test_two_packages_of_one_name_are_not_guessed_between(world: World) -> None:
    Package.objects.create(organization=world.acme.organization, justifacts_id="JF-3", name="BASIC")
    with pytest.raises(ValidationError, match="two packages named"):
        find_package(world.acme.organization, "Basic")
    assert find_package(world.acme.organization, "JF-3").name == "BASIC"
