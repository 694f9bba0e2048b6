"""Which package a start orders (``docs/protocol.md``, "Packages for jobs")."""

from typing import Any

import pytest
from django.utils import timezone

from assessments.models import InboundRequest, Order
from integrations.catalog.mapping import map_job, set_default_package
from integrations.models import Package
from tests.fixtures.world import World

JOB = {"ashby_id": "job-1", "name": "Backend Engineer"}


def start(world: World, type_id: object, **changes: Any) -> Any:
    body = world.start_body(**{"assessment_type_id": str(type_id), "job": JOB, **changes})
    return world.call("/ashby/assessment.start", body)


def by_job(world: World, **changes: Any) -> Any:
    return start(world, world.acme.connection.job_package_type_id, **changes)


def assert_refused(world: World, answer: Any, *words: str) -> None:
    """Asserts a 422 with a text for the recruiter, and that nothing changed."""
    assert (answer.status_code, world.error(answer)) == (422, "package_not_available")
    sentence = answer.json()["message"]
    assert all(phrase in sentence for phrase in words), sentence
    assert world.row_counts() == (0, 0, 0)
    assert InboundRequest.objects.get().message == sentence


def listed(world: World) -> list[str]:
    return [entry["name"] for entry in world.call("/ashby/assessment.list", {}).json()["results"]]


def test_the_choice_by_job_is_listed_once_a_mapping_exists(world: World) -> None:
    assert "Package for this job" not in listed(world)
    mapping = map_job(world.acme.organization, "job-1", world.acme.basic)
    assert "Package for this job" in listed(world)
    mapping.delete()
    assert "Package for this job" not in listed(world)
    set_default_package(world.acme.organization, world.acme.basic)
    assert "Package for this job" in listed(world)


def test_the_job_mapping_chooses_the_package(world: World) -> None:
    set_default_package(world.acme.organization, world.acme.basic)
    map_job(world.acme.organization, "job-1", world.acme.executive)
    assert by_job(world).status_code == 200
    order = Order.objects.get()
    assert (order.package, order.package_from_job_mapping) == (world.acme.executive, True)


def test_a_job_without_a_package_gets_the_default(world: World) -> None:
    set_default_package(world.acme.organization, world.acme.executive)
    map_job(world.acme.organization, "another-job", world.acme.basic)
    assert by_job(world).status_code == 200
    assert Order.objects.get().package == world.acme.executive


def test_without_mapping_or_default_the_refusal_names_the_job_and_who_can_help(world: World) -> None:
    assert_refused(world, by_job(world), "“Backend Engineer”", "no Justifacts package", "admin of Acme")


def test_a_job_without_a_name_is_identified_by_its_id(world: World) -> None:
    assert_refused(world, by_job(world, job={"ashby_id": "job-77"}), "“job-77”")


def test_a_job_may_use_another_package_than_the_mapped_one(world: World) -> None:
    map_job(world.acme.organization, "job-1", world.acme.executive)
    assert start(world, world.acme.basic.assessment_type_id).status_code == 200
    assert Order.objects.get().package == world.acme.basic


def test_a_strict_mapping_refuses_other_packages(world: World) -> None:
    map_job(world.acme.organization, "job-1", world.acme.executive, strict=True)
    answer = start(world, world.acme.basic.assessment_type_id)
    assert_refused(world, answer, "“Backend Engineer”", "only the package “Executive”", "admin of Acme")


def test_a_strict_mapping_accepts_its_package_by_either_choice(world: World) -> None:
    map_job(world.acme.organization, "job-1", world.acme.executive, strict=True)
    assert start(world, world.acme.executive.assessment_type_id).status_code == 200
    assert by_job(world).status_code == 200
    assert {order.package for order in Order.objects.all()} == {world.acme.executive}


def test_a_strict_mapping_does_not_affect_other_jobs(world: World) -> None:
    map_job(world.acme.organization, "job-2", world.acme.executive, strict=True)
    assert start(world, world.acme.basic.assessment_type_id).status_code == 200
    assert Order.objects.get().package == world.acme.basic


HIDDEN: list[dict[str, Any]] = [{"is_active": False}, {"withdrawn_at": timezone.now()}]


@pytest.mark.parametrize("how", HIDDEN, ids=["switched off", "withdrawn"])
@pytest.mark.parametrize("choice", ["itself", "mapped", "default"])
def test_a_package_that_is_not_offered_cannot_be_started(
    world: World, how: dict[str, Any], choice: str
) -> None:
    basic = world.acme.basic
    if choice == "mapped":
        map_job(world.acme.organization, "job-1", basic)
    if choice == "default":
        set_default_package(world.acme.organization, basic)
    Package.objects.filter(pk=basic.pk).update(**how)
    answer = start(world, basic.assessment_type_id) if choice == "itself" else by_job(world)
    assert_refused(world, answer, "“Basic” is not offered any more", "Acme")


@pytest.mark.parametrize(
    "type_id",
    [
        "8a1d5a9e-61f5-4d59-9c3a-000000000000",
        "JF-acme-1",
        "Basic",
        "1",
        "0" * 36,
        "{}",
        "' OR 1=1 --",
        "🦊",
        "x" * 200,
    ],
)
def test_an_unknown_package_is_refused(world: World, type_id: str) -> None:
    assert_refused(world, start(world, type_id), "not one of Acme's Justifacts packages")


def test_another_organizations_package_is_refused(world: World) -> None:
    assert_refused(world, start(world, world.globex.basic.assessment_type_id), "not one of Acme's")


def test_another_organizations_job_choice_is_refused(world: World) -> None:
    set_default_package(world.acme.organization, world.acme.basic)
    set_default_package(world.globex.organization, world.globex.basic)
    assert_refused(world, start(world, world.globex.connection.job_package_type_id), "not one of Acme's")


def test_a_type_id_in_capitals_is_recognized(world: World) -> None:
    type_id = str(world.acme.basic.assessment_type_id).upper()
    body = world.start_body(assessment_type_id=type_id)
    first = world.call("/ashby/assessment.start", body)
    assert first.status_code == 200
    assert world.call("/ashby/assessment.start", body).content == first.content


def test_the_order_is_placed_with_justifacts_own_package_id(world: World) -> None:
    map_job(world.acme.organization, "job-1", world.acme.executive)
    by_job(world)
    world.justifacts_takes()
    world.ashby_takes_everything()
    world.work()
    assert world.sent("assessment.start")[0]["assessment_type_id"] == "JF-acme-2"
