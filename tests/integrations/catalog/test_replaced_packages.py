"""Justifacts makes a package again under another id, and an admin says once that it replaces the old one."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction

from assessments.models import Order
from integrations.catalog.mapping import map_job, set_default_package
from integrations.models import JobPackageMapping, Package
from tests.fixtures.admin import Desk
from tests.fixtures.world import World

PACKAGE = "integrations_package_change"


@pytest.fixture
def old(world: World) -> Package:
    """Standard, which interview plans, a default and a strict mapping name, is gone."""
    organization = world.acme.organization
    package = Package.objects.create(organization=organization, justifacts_id="S-1", name="Standard")
    set_default_package(organization, package)
    map_job(organization, "job-1", package, strict=True)
    map_job(organization, "job-2", package)
    sells(world, ("S-2", "Standard"), ("JF-acme-1", "Basic"), ("JF-acme-2", "Executive"))
    call_command("sync_packages", "acme")
    package.refresh_from_db()
    assert package.withdrawn_at
    return package


@pytest.fixture
def new(world: World, old: Package) -> Package:
    return Package.objects.get(justifacts_id="S-2")


def sells(world: World, *packages: tuple[str, str]) -> None:
    results = [{"assessment_type_id": number, "name": name} for number, name in packages]
    world.justifacts("assessment.list", {"success": True, "results": results})


def start(world: World, type_id: Any, job: str = "job-9", **changes: Any) -> Any:
    body = world.start_body(assessment_type_id=str(type_id), job={"ashby_id": job, "name": "Cook"}, **changes)
    return world.call("/ashby/assessment.start", body)


def replace(desk: Desk, old: Package, new: Package | None) -> str:
    return desk.press(PACKAGE, old.pk, is_active="on", is_default="on", replaced_by=new.pk if new else "")


def listed(world: World) -> list[tuple[str, str]]:
    answer = world.call("/ashby/assessment.list", {}).json()
    return [(each["name"], each["assessment_type_id"]) for each in answer["results"]]


def test_a_name_means_the_package_that_is_offered(world: World, old: Package, new: Package) -> None:
    for text in ("Standard", " standard ", "STANDARD", "S-2", str(new.assessment_type_id)):
        call_command("map_job", "acme", "job-7", text)
        assert JobPackageMapping.objects.get(job__ashby_id="job-7").package == new
    call_command("set_default_package", "acme", "standard")
    assert Package.objects.get(is_default=True) == new


def test_before_an_admin_says_so_nothing_is_guessed(world: World, old: Package, new: Package) -> None:
    assert start(world, old.assessment_type_id).status_code == 422
    assert start(world, world.acme.connection.job_package_type_id, "job-2").status_code == 422


def test_old_plans_the_default_and_mappings_order_the_replacement(
    world: World, desk: Desk, old: Package, new: Package
) -> None:
    assert "“Standard” (S-1) is replaced by “Standard” (S-2)" in replace(desk, old, new)
    by_job = world.acme.connection.job_package_type_id
    for type_id, job in (
        (old.assessment_type_id, "job-9"),
        (old.assessment_type_id, "job-1"),
        (new.assessment_type_id, "job-1"),
        (by_job, "job-1"),
        (by_job, "job-2"),
        (by_job, "job-9"),
    ):
        answer = start(world, type_id, job)
        assert answer.status_code == 200, answer.content
        assert Order.objects.get(pk=answer.json()["results"]["assessment_id"]).package == new
    refused = start(world, world.acme.basic.assessment_type_id, "job-1")
    assert refused.status_code == 422
    assert "takes only the package “Standard”" in refused.json()["message"]
    assert listed(world) == [
        ("Basic", str(world.acme.basic.assessment_type_id)),
        ("Executive", str(world.acme.executive.assessment_type_id)),
        ("Standard", str(new.assessment_type_id)),
        ("Package for this job", str(by_job)),
    ]
    world.justifacts_takes("JF-1")
    world.work()
    assert {body["assessment_type_id"] for body in world.sent("assessment.start")} == {"S-2"}


@pytest.mark.parametrize("first", ["old", "new"])
@pytest.mark.parametrize("second", ["old", "new"])
def test_one_application_gets_one_check_whichever_id_is_started(
    clock: Any, world: World, desk: Desk, old: Package, new: Package, first: str, second: str
) -> None:
    replace(desk, old, new)
    ids = {"old": old.assessment_type_id, "new": new.assessment_type_id}
    application = {"ashby_id": "application-1", "status": "Active"}
    answer = start(world, ids[first], application=application)
    again = start(world, ids[second], application=application)
    assert again.json()["results"]["assessment_id"] == answer.json()["results"]["assessment_id"]
    clock.shift(200)
    assert start(world, ids[second], application=application).status_code == 409
    assert Order.objects.count() == 1


@pytest.mark.parametrize("second", ["old", "new"])
def test_an_order_of_the_old_package_stands_in_the_way_of_its_replacement(
    clock: Any, world: World, desk: Desk, old: Package, new: Package, second: str
) -> None:
    Package.objects.filter(pk=old.pk).update(withdrawn_at=None)
    application = {"ashby_id": "application-1", "status": "Active"}
    assert start(world, old.assessment_type_id, application=application).status_code == 200
    Package.objects.filter(pk=old.pk).update(withdrawn_at=old.withdrawn_at)
    replace(desk, old, new)
    clock.shift(200)
    type_id = {"old": old.assessment_type_id, "new": new.assessment_type_id}[second]
    refused = start(world, type_id, application=application)
    assert refused.status_code == 409
    assert Order.objects.count() == 1


def test_a_replacement_can_be_taken_back(world: World, desk: Desk, old: Package, new: Package) -> None:
    replace(desk, old, new)
    replace(desk, old, None)
    old.refresh_from_db()
    assert old.replaced_by is None
    assert start(world, old.assessment_type_id).status_code == 422
    assert JobPackageMapping.objects.get(job__ashby_id="job-1").package == old


def test_a_package_that_is_sold_again_is_ordered_itself(
    world: World, desk: Desk, old: Package, new: Package
) -> None:
    replace(desk, old, new)
    sells(world, ("S-1", "Standard"), ("S-2", "Standard"), ("JF-acme-1", "B"), ("JF-acme-2", "E"))
    call_command("sync_packages", "acme")
    answer = start(world, old.assessment_type_id)
    assert Order.objects.get(pk=answer.json()["results"]["assessment_id"]).package == old
    assert "Replaced by" in desk.open(PACKAGE, old.pk), "what was said can still be taken back"


def test_a_chain_of_replacements_is_followed(world: World, desk: Desk, old: Package, new: Package) -> None:
    replace(desk, old, new)
    sells(world, ("S-3", "Standard"), ("JF-acme-1", "Basic"), ("JF-acme-2", "Executive"))
    call_command("sync_packages", "acme")
    newest = Package.objects.get(justifacts_id="S-3")
    assert start(world, old.assessment_type_id).status_code == 422
    desk.press(PACKAGE, new.pk, is_active="on", replaced_by=newest.pk)
    answer = start(world, old.assessment_type_id)
    assert Order.objects.get(pk=answer.json()["results"]["assessment_id"]).package == newest


def test_the_pages_say_what_replaces_what(world: World, desk: Desk, old: Package, new: Package) -> None:
    text = desk.open(PACKAGE, old.pk)
    assert "“Standard” (S-2) has the same name." in text
    page = desk.open("integrations_organization_setup", world.acme.organization.pk)
    assert "“Standard” is no longer sold under id S-1 but under id S-2." in page
    replace(desk, old, new)
    assert "replaced by “Standard” (S-2)" in desk.open("integrations_package_changelist")
    jobs = desk.open("integrations_job_changelist")
    assert "Standard, replaced by “Standard” (S-2) strict Standard" in jobs
    assert "none: the recruiter sees why" not in jobs
    page = desk.open("integrations_organization_setup", world.acme.organization.pk)
    assert "no longer sold replaced by “Standard” (S-2)" in page
    assert "The others use “Standard”" in page


def test_a_package_is_replaced_by_one_that_its_own_organization_offers(
    world: World, desk: Desk, old: Package, new: Package
) -> None:
    choices = desk.html(PACKAGE, old.pk)
    assert f'<option value="{new.pk}">Standard (S-2)</option>' in choices
    assert f'<option value="{world.globex.basic.pk}"' not in choices
    assert f'<option value="{old.pk}"' not in choices
    for wrong in (world.globex.basic, old):
        assert "Select a valid choice." in replace(desk, old, wrong)
    old.refresh_from_db()
    assert old.replaced_by is None
    assert "Replaced by" not in desk.open(PACKAGE, new.pk), "an offered package needs none"


def test_a_wrong_replacement_is_refused_by_the_model_and_the_database(
    world: World, old: Package, new: Package
) -> None:
    for wrong in (world.globex.basic, old):
        old.replaced_by = wrong
        with pytest.raises(ValidationError):
            old.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        Package.objects.filter(pk=old.pk).update(replaced_by=old.pk)
    old.replaced_by = new
    old.save()
    new.replaced_by = old
    with pytest.raises(ValidationError, match="cannot replace itself"):
        new.full_clean()
    Package.objects.filter(pk=new.pk).update(replaced_by=old, withdrawn_at=old.withdrawn_at)
    assert start(world, old.assessment_type_id).status_code == 422, "a circle has an end, too"


def test_last_months_orders_would_get_the_replacement(
    world: World, desk: Desk, old: Package, new: Package
) -> None:
    Package.objects.filter(pk=old.pk).update(withdrawn_at=None)
    assert start(world, old.assessment_type_id).status_code == 200
    Package.objects.filter(pk=old.pk).update(withdrawn_at=old.withdrawn_at)
    address = ("assessments_order_mapping_preview", world.acme.organization.pk)
    assert "refused" in desk.open(*address)
    replace(desk, old, new)
    assert "refused" not in desk.open(*address).partition("Totals")[0]


def test_a_second_name_that_is_offered_twice_is_not_guessed(world: World, old: Package, new: Package) -> None:
    Package.objects.create(organization=world.acme.organization, justifacts_id="S-9", name="standard")
    with pytest.raises(Exception, match=r"two packages named.*S-2, S-9"):
        call_command("map_job", "acme", "job-7", "Standard")


def test_a_package_that_is_gone_is_said_to_be_gone(world: World, old: Package, new: Package) -> None:
    for text in ("S-1", str(old.assessment_type_id)):
        with pytest.raises(Exception, match="not offered any more"):
            call_command("map_job", "acme", "job-7", text)
    new.delete()
    with pytest.raises(Exception, match="not offered any more"):
        call_command("map_job", "acme", "job-7", "Standard")
