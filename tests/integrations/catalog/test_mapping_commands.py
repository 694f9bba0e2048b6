"""map_job and set_default_package."""

import pytest

from integrations.models import Job, JobPackageMapping, Package
from tests.fixtures.console import Console
from tests.fixtures.world import World


@pytest.mark.parametrize("name", ["JF-acme-2", "Executive", "executive", "uuid"])
def test_a_job_is_mapped_to_a_package_however_it_is_named(world: World, console: Console, name: str) -> None:
    package = world.acme.executive
    name = str(package.assessment_type_id) if name == "uuid" else name
    found = console.json("map_job", "acme", "job-1", name)
    assert found["package_id"] == str(package.assessment_type_id)
    mapping = JobPackageMapping.objects.get()
    assert (mapping.job.ashby_id, mapping.package, mapping.is_strict) == ("job-1", package, False)


def test_mapping_a_job_again_changes_the_mapping(world: World, console: Console) -> None:
    console.run("map_job", "acme", "job-1", "Basic", "--strict")
    assert JobPackageMapping.objects.get().is_strict
    assert "Executive" in console.run("map_job", "acme", "job-1", "Executive")
    mapping = JobPackageMapping.objects.get()
    assert (mapping.package, mapping.is_strict) == (world.acme.executive, False)


def test_a_package_of_another_organization_is_none_of_ours(world: World, console: Console) -> None:
    line = console.fails("map_job", "acme", "job-1", str(world.globex.basic.assessment_type_id))
    assert "no package" in line
    assert not Job.objects.exists()


def test_two_packages_with_one_name_are_distinguished_by_id(world: World, console: Console) -> None:
    Package.objects.create(organization=world.acme.organization, justifacts_id="JF-3", name="Basic")
    assert "two packages named" in console.fails("map_job", "acme", "job-1", "Basic")
    assert console.json("map_job", "acme", "job-1", "JF-3")["package"] == "Basic"


def test_a_default_package_is_set_and_taken_back(world: World, console: Console) -> None:
    console.run("set_default_package", "acme", "Basic")
    assert console.json("set_default_package", "acme", "Executive")["package"] == "Executive"
    assert list(Package.objects.filter(is_default=True)) == [world.acme.executive]
    assert console.json("set_default_package", "acme", "--none")["package"] is None
    assert not Package.objects.filter(is_default=True).exists()


@pytest.mark.parametrize("arguments", [[], ["Basic", "--none"]])
def test_a_default_is_a_package_or_none(world: World, console: Console, arguments: list[str]) -> None:
    assert "--none" in console.fails("set_default_package", "acme", *arguments)
