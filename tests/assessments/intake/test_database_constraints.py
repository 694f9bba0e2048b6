"""Constraints that the database itself enforces."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from assessments.models import AshbyUpdate, Order, OrderEvent
from assessments.statuses import ENDED, Status
from integrations.encryption.secrets import Secret
from integrations.models import AshbyApiKey, Connection, CustomField, Job, JobPackageMapping, Package
from tests.fixtures.world import World

pytestmark = pytest.mark.anywhere


def assert_refused(write: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        write()


def another(world: World, order: Order, **changes: Any) -> Order:
    """A second order like this one, written without any service."""
    values = {
        "organization": order.organization,
        "package": order.package,
        "application_id": order.application_id,
        "job_id": "job",
        "candidate_first_name": "A",
        "candidate_last_name": "B",
        "candidate_email": "a@b.co",
    }
    return Order.objects.create(**{**values, **changes})


@pytest.mark.parametrize("status", [status for status in Status if status not in ENDED])
def test_an_application_and_package_have_one_active_order(world: World, status: Status) -> None:
    order = world.start()
    Order.objects.filter(pk=order.pk).update(status=status)
    assert_refused(lambda: another(world, order))
    another(world, order, application_id="other")
    another(world, order, package=world.acme.executive)
    another(world, order, organization=world.globex.organization, package=world.globex.basic)


@pytest.mark.parametrize("status", sorted(ENDED))
def test_an_application_and_package_may_have_many_ended_orders(world: World, status: str) -> None:
    order = world.start()
    Order.objects.filter(pk=order.pk).update(status=status, completed_at=timezone.now())
    second = another(world, order)
    assert_refused(lambda: Order.objects.filter(pk=order.pk).update(status=Status.IN_PROCESS))
    second.delete()
    Order.objects.filter(pk=order.pk).update(status=Status.IN_PROCESS)


def test_an_organization_has_one_connection(world: World) -> None:
    assert_refused(lambda: Connection.objects.create(organization=world.acme.organization))


def test_a_verification_key_belongs_to_one_organization(world: World) -> None:
    theirs = world.globex.connection
    theirs.verification_key = Secret(world.acme.verification_key)
    assert_refused(theirs.save)


def test_several_organizations_may_lack_a_key(world: World) -> None:
    for tenant in (world.acme, world.globex):
        tenant.connection.verification_key = Secret("")
        tenant.connection.save()
    assert Connection.objects.filter(verification_key_index=None).count() == 2


def test_one_key_is_selected_and_each_key_exists_once(world: World) -> None:
    organization = world.acme.organization
    assert_refused(
        lambda: AshbyApiKey.objects.create(
            organization=organization, name="b", key=Secret("another"), is_selected=True
        )
    )
    assert_refused(
        lambda: AshbyApiKey.objects.create(
            organization=organization, name="b", key=Secret(world.acme.ashby_key)
        )
    )
    AshbyApiKey.objects.create(organization=organization, name="b", key=Secret("another"))


def test_an_organization_has_one_default_package(world: World) -> None:
    Package.objects.filter(pk=world.acme.basic.pk).update(is_default=True)
    assert_refused(lambda: Package.objects.filter(pk=world.acme.executive.pk).update(is_default=True))
    Package.objects.filter(pk=world.globex.basic.pk).update(is_default=True)


def test_a_package_and_its_uuid_are_unique(world: World) -> None:
    organization = world.acme.organization
    assert_refused(
        lambda: Package.objects.create(organization=organization, justifacts_id="JF-acme-1", name="x")
    )
    assert_refused(
        lambda: Package.objects.create(
            organization=world.globex.organization,
            justifacts_id="x",
            name="x",
            assessment_type_id=world.acme.basic.assessment_type_id,
        )
    )


def test_a_job_has_one_package(world: World) -> None:
    job = Job.objects.create(organization=world.acme.organization, ashby_id="job-1")
    JobPackageMapping.objects.create(job=job, package=world.acme.basic)
    assert_refused(lambda: JobPackageMapping.objects.create(job=job, package=world.acme.executive))
    assert_refused(lambda: Job.objects.create(organization=world.acme.organization, ashby_id="job-1"))


def test_sequence_and_timestamp_of_an_update_are_unique(world: World) -> None:
    first, second = world.start(), world.start()
    values = {"payload": {}, "summary": "x"}
    AshbyUpdate.objects.create(order=first, sequence=1, timestamp=10, **values)
    assert_refused(lambda: AshbyUpdate.objects.create(order=first, sequence=1, timestamp=11, **values))
    assert_refused(lambda: AshbyUpdate.objects.create(order=first, sequence=2, timestamp=10, **values))
    AshbyUpdate.objects.create(order=second, sequence=1, timestamp=10, **values)


def test_a_justifacts_number_belongs_to_one_order(world: World) -> None:
    first, second = world.start(), world.start()
    number = {"justifacts_order_id": "JF-1", "may_have_been_sent": True}
    Order.objects.filter(pk=first.pk).update(**number)
    assert_refused(lambda: Order.objects.filter(pk=second.pk).update(**number))


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "lost"},
        {"next_call": "dance"},
        {"status": "complete", "completed_at": None},
        {"needs_attention": True, "attention_reason": ""},
        {"needs_attention": False, "attention_reason": "why?"},
    ],
)
def test_impossible_states_of_an_order_are_refused(world: World, wrong: dict[str, Any]) -> None:
    order = world.start()
    assert_refused(lambda: Order.objects.filter(pk=order.pk).update(**wrong))


def test_a_custom_field_of_an_unknown_type_is_refused(world: World) -> None:
    assert_refused(
        lambda: CustomField.objects.create(organization=world.acme.organization, name="x", type="Colour")
    )


def test_a_package_or_organization_with_orders_cannot_be_deleted(world: World) -> None:
    """The package and organization of an order cannot be deleted."""
    world.start()
    for row in (world.acme.basic, world.acme.organization):
        assert_refused(row.delete)


WAYS: list[Callable[[OrderEvent], Any]] = [
    lambda event: OrderEvent.objects.filter(pk=event.pk).update(summary="rewritten"),
    lambda event: OrderEvent.objects.bulk_update([event], ["kind"]),
    lambda event: connection.cursor().execute(
        "UPDATE assessments_orderevent SET summary = 'rewritten' WHERE id = %s", [event.pk]
    ),
    lambda event: connection.cursor().execute("UPDATE assessments_orderevent SET kind = kind"),
]


@pytest.mark.parametrize("way", WAYS, ids=["query set", "bulk", "SQL", "SQL on all"])
def test_an_order_event_cannot_be_changed_in_the_database(
    world: World, way: Callable[[OrderEvent], Any]
) -> None:
    event = world.start().events.get()
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        way(event)
    assert OrderEvent.objects.get().summary == event.summary


def test_the_model_refuses_to_save_an_order_event_again(world: World) -> None:
    event = world.start().events.get()
    event.summary = "rewritten"
    with pytest.raises(TypeError, match="immutable"):
        event.save()


def test_an_order_id_is_not_derived_from_ashbys_ids(world: World) -> None:
    order = world.start()
    assert_refused(lambda: another(world, order, application_id="x", assessment_id=uuid.UUID(str(order.pk))))
