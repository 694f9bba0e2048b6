"""A candidate with several addresses: forgetting one names the orders under the others, to be included."""

from typing import Any

import pytest
from django.utils import timezone

from assessments.models import ErasureCertificate, Order
from assessments.orders.staff import NotPossible
from assessments.privacy.eligibility import place_hold
from assessments.privacy.requests import erase_candidate, plan_erasure
from tests.assessments.admin.test_erasure import ERASE_PAGE, ZOE
from tests.assessments.privacy.test_requests import complete, is_erased
from tests.fixtures.admin import Desk
from tests.fixtures.world import World

OTHER = "zoe@private.example.org"
ASHBY_ID = "3f0c9d4e-0b1a-4d55-9f6e-0a1b2c3d4e5f"


def person(world: World, email: str, ashby_id: str = ASHBY_ID) -> dict[str, Any]:
    candidate: dict[str, Any] = world.start_body()["candidate"]
    return candidate | {"email": email, "ashby_id": ashby_id}


@pytest.fixture
def orders(world: World) -> tuple[Order, Order, Order]:
    """Under the address, under another address, and another person's."""
    return (
        complete(world, "JF-1", candidate=person(world, ZOE)),
        complete(world, "JF-2", candidate=person(world, OTHER, ASHBY_ID.upper())),
        complete(world, "JF-3", candidate=person(world, "bo@example.com", "another-id")),
    )


def test_the_page_lists_other_addresses_and_erases_the_selected_orders(
    world: World, orders: tuple[Order, Order, Order], org_admin: Desk
) -> None:
    own, other, stranger = orders
    asked = {"organization": world.acme.organization.pk, "email": ZOE}
    page = org_admin.press(ERASE_PAGE, **asked)
    assert f"This erases 1 order of {ZOE} at Acme" in page
    assert "Orders of the same Ashby candidate under other e-mail addresses" in page
    assert OTHER in page
    assert f'name="also" value="{other.pk}"' in org_admin.client.post(_path(), asked).content.decode()
    assert str(stranger.pk) not in page
    org_admin.press(ERASE_PAGE, **asked, also=str(other.pk), confirm="yes")
    certificate = ErasureCertificate.objects.get()
    assert certificate.orders == [str(own.pk), str(other.pk)]
    assert [is_erased(order) for order in orders] == [True, True, False]


def test_no_other_address_is_included_unasked(
    world: World, orders: tuple[Order, Order, Order], org_admin: Desk
) -> None:
    org_admin.press(ERASE_PAGE, organization=world.acme.organization.pk, email=ZOE, confirm="yes")
    assert [is_erased(order) for order in orders] == [True, False, False]


@pytest.mark.parametrize("also", ["stranger", "nonsense"])
def test_an_order_of_another_candidate_is_never_included(
    world: World, orders: tuple[Order, Order, Order], org_admin: Desk, also: str
) -> None:
    chosen = str(orders[2].pk) if also == "stranger" else also
    page = org_admin.press(
        ERASE_PAGE, organization=world.acme.organization.pk, email=ZOE, also=chosen, confirm="yes"
    )
    assert "not an order of the same Ashby candidate" in page or "only orders that are shown" in page
    assert [is_erased(order) for order in orders] == [False, False, False]
    assert not ErasureCertificate.objects.exists()


def test_an_order_of_another_organization_is_neither_named_nor_included(
    world: World, orders: tuple[Order, Order, Order]
) -> None:
    elsewhere = orders[1]
    elsewhere.organization = world.globex.organization
    elsewhere.package = world.globex.basic
    elsewhere.save()
    assert not plan_erasure(world.acme.organization, ZOE).others
    with pytest.raises(NotPossible):
        erase_candidate(world.acme.organization, ZOE, "ada", timezone.now(), [elsewhere.pk])
    assert not is_erased(orders[0])


def test_an_order_under_legal_hold_is_kept_with_its_reason(
    world: World, orders: tuple[Order, Order, Order]
) -> None:
    place_hold(orders[1].pk, "ada", "A dispute")
    ((order, why),) = plan_erasure(world.acme.organization, ZOE).others
    assert order == orders[1]
    assert "legal hold" in str(why)
    certificate = erase_candidate(world.acme.organization, ZOE, "ada", timezone.now(), [order.pk])
    assert [line["order"] for line in certificate.kept] == [str(order.pk)]
    assert [is_erased(order) for order in orders] == [True, False, False]


def test_an_order_under_the_address_with_another_candidate_id_is_included_as_ever(world: World) -> None:
    merged = complete(world, "JF-1", candidate=person(world, ZOE, "before-the-merge"))
    without = complete(world, "JF-2", candidate=person(world, ZOE, ""))
    assert plan_erasure(world.acme.organization, ZOE).to_erase == [merged, without]


def test_orders_without_a_candidate_id_match_no_other_order(world: World) -> None:
    complete(world, "JF-1", candidate=person(world, ZOE, ""))
    complete(world, "JF-2", candidate=person(world, OTHER, ""))
    assert not plan_erasure(world.acme.organization, ZOE).others


def _path() -> str:
    return "/admin/assessments/erasurecertificate/erase/"
