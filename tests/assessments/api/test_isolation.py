"""No organization sees, changes or receives data of another."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from assessments.models import InboundRequest, Order
from integrations.catalog.mapping import map_job, set_default_package
from integrations.connections.connect import connect
from integrations.models import CustomField
from tests.fixtures.world import ASHBY, Tenant, World, basic

LIST = "/ashby/assessment.list"
START = "/ashby/assessment.start"
UPDATE = "/justifacts/assessment.update"


def as_globex(tenant: Tenant) -> dict[str, str]:
    return {"key": tenant.verification_key}


def started(world: World, tenant: Tenant, body: dict[str, Any]) -> Order:
    body = {**body, "assessment_type_id": str(tenant.basic.assessment_type_id)}
    answer = world.call(START, body, **as_globex(tenant))
    assert answer.status_code == 200, answer.content
    return Order.objects.get(pk=answer.json()["results"]["assessment_id"])


def test_each_organization_lists_its_own_packages(world: World) -> None:
    lists = [
        {entry["assessment_type_id"] for entry in world.call(LIST, {}, **as_globex(tenant)).json()["results"]}
        for tenant in (world.acme, world.globex)
    ]
    assert [len(each) for each in lists] == [2, 2]
    assert not lists[0] & lists[1]


def test_each_organization_has_its_own_custom_fields(world: World) -> None:
    CustomField.objects.create(organization=world.acme.organization, name="Country", type="String")
    CustomField.objects.create(organization=world.globex.organization, name="Country", type="Number")
    for tenant, kind in ((world.acme, "String"), (world.globex, "Number")):
        answer = world.call("/ashby/customFields.fetch", {}, **as_globex(tenant))
        assert [field["type"] for field in answer.json()["fields"]] == [kind]


def test_the_job_choice_of_one_organization_is_unknown_to_another(world: World) -> None:
    map_job(world.acme.organization, "job-1", world.acme.basic, strict=True)
    set_default_package(world.acme.organization, world.acme.basic)
    names = [entry["name"] for entry in world.call(LIST, {}, **as_globex(world.globex)).json()["results"]]
    assert "Package for this job" not in names
    body = world.start_body(assessment_type_id=str(world.globex.executive.assessment_type_id))
    assert world.call(START, body, **as_globex(world.globex)).status_code == 200


def test_a_job_can_be_mapped_only_to_packages_of_its_organization(world: World) -> None:
    with pytest.raises(ValidationError, match="another organization"):
        map_job(world.acme.organization, "job-1", world.globex.basic)


@pytest.mark.anywhere
def test_equal_ids_in_two_organizations_are_two_orders(world: World) -> None:
    """The Ashby accounts of two organizations do not know each other's ids."""
    body = world.start_body()
    ours, theirs = started(world, world.acme, body), started(world, world.globex, body)
    assert ours != theirs
    assert (ours.organization, theirs.organization) == (world.acme.organization, world.globex.organization)
    assert (ours.package, theirs.package) == (world.acme.basic, world.globex.basic)


def test_a_repeated_start_never_gets_another_organizations_answer(world: World) -> None:
    body = world.start_body()
    started(world, world.acme, body)
    answer = world.call(START, body, **as_globex(world.globex))
    assert (answer.status_code, world.error(answer)) == (422, "package_not_available")
    assert "Acme" not in answer.content.decode()
    assert Order.objects.count() == 1


def test_cancelling_ends_only_the_organizations_own_order(world: World) -> None:
    body = world.start_body()
    ours, theirs = started(world, world.acme, body), started(world, world.globex, body)
    cancel = {"assessment_id": str(ours.pk)}
    assert world.call("/ashby/assessment.cancel", cancel, **as_globex(world.globex)).status_code == 404
    assert world.call("/ashby/assessment.cancel", cancel, **as_globex(world.acme)).status_code == 200
    assert {order.pk: order.status for order in Order.objects.all()} == {
        ours.pk: "cancelled",
        theirs.pk: "accepted",
    }


@pytest.mark.anywhere
def test_two_organizations_may_have_the_same_order_number(world: World) -> None:
    """Numbers are unique only for one verification key."""
    body = world.start_body()
    orders = {tenant: started(world, tenant, body) for tenant in (world.acme, world.globex)}
    for tenant, order in orders.items():
        label = {"assessment_id": "1", "reference_id": str(order.pk), "assessment_status": "Initiated"}
        assert world.call(UPDATE, label, **as_globex(tenant)).status_code == 200
    label = {"assessment_id": "1", "assessment_status": "Applicant Started"}
    assert world.call(UPDATE, label, **as_globex(world.globex)).status_code == 200
    statuses = [Order.objects.get(pk=order.pk).status for order in orders.values()]
    assert statuses == ["received", "applicant_started"]


def test_a_push_never_reaches_another_organizations_order(world: World) -> None:
    body = world.start_body()
    ours, theirs = started(world, world.acme, body), started(world, world.globex, body)
    label = {"assessment_id": "1", "reference_id": str(theirs.pk), "assessment_status": "Complete"}
    assert world.call(UPDATE, label, **as_globex(world.acme)).status_code == 404
    assert set(Order.objects.values_list("status", flat=True)) == {"accepted"}
    mixed = {"assessment_id": str(theirs.pk), "reference_id": str(ours.pk), "assessment_status": "Complete"}
    world.call(UPDATE, mixed, **as_globex(world.acme))
    theirs.refresh_from_db()
    assert (theirs.status, theirs.updates.count()) == ("accepted", 0)


def test_each_call_is_recorded_for_its_organization(world: World) -> None:
    ours = started(world, world.acme, world.start_body())
    world.call("/ashby/assessment.cancel", {"assessment_id": str(ours.pk)}, **as_globex(world.globex))
    world.call(START, b"not json", **as_globex(world.globex))
    calls = InboundRequest.objects.filter(organization=world.globex.organization)
    assert [(call.outcome, call.order) for call in calls] == [
        ("invalid_input", None),
        ("assessment_not_found", None),
    ]


def test_placement_uses_the_organizations_own_key_and_url(world: World) -> None:
    other = "https://justifacts.test/other/"
    connect("Globex", slug="globex", staging_base_url=other)
    for tenant in (world.acme, world.globex):
        started(world, tenant, world.start_body())
    world.justifacts_takes("JF-a")
    world.wire.post(f"{other}assessment.start", json={"success": True, "results": {"assessment_id": "JF-g"}})
    world.ashby_takes_everything()
    world.work()
    from_where = {
        call.request.url: call.request.headers["Authorization"]
        for call in world.wire.calls
        if str(call.request.url).endswith("assessment.start")
    }
    assert len(from_where) == 2
    assert len(set(from_where.values())) == 2
    delivered = [
        call.request.headers["Authorization"] for call in world.wire.calls if ASHBY in call.request.url
    ]
    assert len(set(delivered)) == 2


def test_a_verification_key_belongs_to_one_organization(world: World) -> None:
    with pytest.raises(ValidationError, match="another organization"):
        connect("Globex", slug="globex", verification_key=world.acme.verification_key)


def test_the_first_known_key_in_a_header_authenticates(world: World) -> None:
    """The answer holds only that organization's packages."""
    header = basic(world.globex.verification_key, world.acme.verification_key)
    results = world.call(LIST, {}, HTTP_AUTHORIZATION=header).json()["results"]
    assert {entry["assessment_type_id"] for entry in results} == {
        str(world.globex.basic.assessment_type_id),
        str(world.globex.executive.assessment_type_id),
    }
