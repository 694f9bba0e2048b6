"""Keys change without a gap: the old one works beside the new one until it is retired, by a click or by
falling silent."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.urls import reverse
from requests import PreparedRequest

from assessments.models import Order
from assessments.outbox.deliver import deliver_next
from assessments.placement.next_call import make_next_call
from integrations.connections.api_keys import add_ashby_key
from integrations.connections.check import check
from integrations.connections.connect import connect
from integrations.connections.key_rotation import UNUSED_AFTER
from integrations.models import AshbyApiKey, AuditLogEntry, Connection, PreviousVerificationKey
from integrations.tasks import retire_silent_keys
from tests.fixtures.admin import member, signed_in
from tests.fixtures.world import ASHBY, JUSTIFACTS, World, basic

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NEXT = "verify-acme-the-next-one"
NEXT_AT_ASHBY = "ashby-acme-the-next-one"
REFUSED = (401, {}, json.dumps({"success": False, "errors": ["no such key"]}))


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


def replace_verification_key(key: str = NEXT) -> None:
    connect("Acme", slug="acme", verification_key=key, who="Ada")


def old_key() -> PreviousVerificationKey:
    return PreviousVerificationKey.objects.get()


def takes_only(key: str, results: dict[str, Any], seen: list[str]) -> Callable[[PreparedRequest], Any]:
    """The other side, which knows this key and no other."""

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        seen.append(str(request.headers["Authorization"]))
        if request.headers["Authorization"] != basic(key):
            return REFUSED
        return 200, {}, json.dumps({"success": True, "results": results})

    return answer


def finds_nothing(key: str) -> Callable[[PreparedRequest], Any]:
    """The other side, which knows this key alone, and nothing of the order."""
    unknown = {"success": False, "errorInfo": {"code": "assessment_not_found", "message": "None."}}

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        return (200, {}, json.dumps(unknown)) if request.headers["Authorization"] == basic(key) else REFUSED

    return answer


class TestInboundCalls:
    def test_the_old_and_the_new_key_let_ashby_in(self, world: World) -> None:
        replace_verification_key()
        for key in (NEXT, world.acme.verification_key):
            assert world.call("/ashby/assessment.list", {}, key=key).status_code == 200
            assert world.call("/ashby/assessment.start", world.start_body(), key=key).status_code == 200
        assert set(Order.objects.values_list("organization", flat=True)) == {world.acme.organization.pk}

    def test_each_says_when_it_was_first_and_last_used(
        self, world: World, clock: time_machine.Traveller
    ) -> None:
        world.call("/ashby/assessment.list", {})
        clock.shift(timedelta(hours=1))
        world.call("/ashby/assessment.list", {})
        replace_verification_key()
        assert (old_key().first_used_at, old_key().last_used_at) == (NINE, NINE + timedelta(hours=1))
        connection = Connection.objects.get(organization=world.acme.organization)
        assert connection.verification_key_first_used_at is None
        clock.shift(timedelta(hours=1))
        world.call("/ashby/assessment.list", {}, key=NEXT)
        world.call("/ashby/assessment.list", {})
        connection.refresh_from_db()
        assert connection.verification_key_first_used_at == NINE + timedelta(hours=2)
        assert old_key().last_used_at == NINE + timedelta(hours=2)

    def test_the_old_one_may_be_retired_by_a_click(self, world: World) -> None:
        replace_verification_key()
        ada = signed_in(member("ada", world.acme.organization))
        page = ada.client.get(
            reverse("admin:integrations_connection_change", args=[world.acme.connection.pk])
        )
        retire = reverse("admin:integrations_previousverificationkey_delete", args=[old_key().pk])
        assert retire in page.content.decode()
        assert world.acme.verification_key not in page.content.decode()
        assert ada.client.post(retire, {"post": "yes"}).status_code == 302
        assert world.call("/ashby/assessment.list", {}).status_code == 403
        assert world.call("/ashby/assessment.list", {}, key=NEXT).status_code == 200

    def test_an_organization_can_go_back_to_its_previous_key(self, world: World) -> None:
        replace_verification_key()
        replace_verification_key(world.acme.verification_key)
        assert old_key().key.reveal() == NEXT
        for key in (NEXT, world.acme.verification_key):
            assert world.call("/ashby/assessment.list", {}, key=key).status_code == 200

    def test_a_replaced_key_belongs_to_no_other_organization(self, world: World) -> None:
        replace_verification_key()
        with pytest.raises(ValidationError, match="not free"):
            connect("Globex", slug="globex", verification_key=world.acme.verification_key)
        assert world.call("/ashby/assessment.start", world.start_body()).status_code == 200

    def test_an_organization_that_is_switched_off_is_so_for_the_old_key_too(self, world: World) -> None:
        replace_verification_key()
        Connection.objects.filter(organization=world.acme.organization).update(is_enabled=False)
        assert world.call("/ashby/assessment.list", {}).status_code == 403


class TestWhomWeCall:
    def test_an_order_is_placed_once_while_justifacts_knows_the_old_key_only(self, world: World) -> None:
        seen: list[str] = []
        replace_verification_key()
        world.wire.add_callback(
            "POST",
            f"{JUSTIFACTS}assessment.start",
            takes_only(world.acme.verification_key, {"assessment_id": "JF-1"}, seen),
        )
        order = world.start()
        make_next_call(order.pk)
        order.refresh_from_db()
        assert order.justifacts_order_id == "JF-1"
        assert seen == [basic(NEXT), basic(world.acme.verification_key)]
        assert old_key().last_used_at == NINE

    def test_updates_are_delivered_while_ashby_knows_only_the_old_key(self, world: World) -> None:
        seen: list[str] = []
        order = world.placed()
        old = AshbyApiKey.objects.get(organization=world.acme.organization)
        add_ashby_key(world.acme.connection, NEXT_AT_ASHBY, who="Ada")
        world.wire.add_callback(
            "POST", f"{ASHBY}/assessment.update", takes_only(world.acme.ashby_key, {}, seen)
        )
        assert deliver_next(order.pk)
        assert seen == [basic(NEXT_AT_ASHBY), basic(world.acme.ashby_key)]
        old.refresh_from_db()
        assert (old.first_used_at, old.last_used_at) == (NINE, NINE)
        assert Connection.objects.get(organization=world.acme.organization).paused_at is None

    def test_when_both_are_refused_the_deliveries_pause(self, world: World) -> None:
        order = world.placed()
        add_ashby_key(world.acme.connection, NEXT_AT_ASHBY, who="Ada")
        world.wire.add_callback("POST", f"{ASHBY}/assessment.update", lambda _request: REFUSED)
        deliver_next(order.pk)
        assert Connection.objects.get(organization=world.acme.organization).paused_at == NINE

    def test_ashby_may_change_to_the_new_key_between_two_calls(self, world: World) -> None:
        """Asked with the new key it knows the old one alone, and asked with the old one the new one alone."""
        order, seen = world.placed(), list[str]()
        add_ashby_key(world.acme.connection, NEXT_AT_ASHBY, who="Ada")

        def changes(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
            known = NEXT_AT_ASHBY if seen else world.acme.ashby_key
            return takes_only(known, {}, seen)(request)

        world.wire.add_callback("POST", f"{ASHBY}/assessment.update", changes)
        assert deliver_next(order.pk)
        assert seen == [basic(key) for key in (NEXT_AT_ASHBY, world.acme.ashby_key, NEXT_AT_ASHBY)]
        assert Connection.objects.get(organization=world.acme.organization).paused_at is None

    def test_a_call_of_unknown_outcome_is_not_made_with_another_key(self, world: World) -> None:
        replace_verification_key()
        world.justifacts("assessment.start", {"success": False}, status=500)
        order = world.start()
        make_next_call(order.pk)
        assert len([call for call in world.wire.calls if call.request.url.endswith("assessment.start")]) == 1

    def test_an_update_that_an_older_key_does_not_find_is_delivered_later(self, world: World, clock) -> None:
        """It may be another company's, from before: there Ashby has no such assessment."""
        order = world.placed()
        clock.shift(timedelta(hours=1))
        add_ashby_key(world.acme.connection, NEXT_AT_ASHBY, who="Ada")
        knows_nothing = finds_nothing(world.acme.ashby_key)
        world.wire.add_callback("POST", f"{ASHBY}/assessment.update", knows_nothing)
        assert not deliver_next(order.pk)
        order.refresh_from_db()
        assert (order.updates.get().state, order.needs_attention) == ("waiting", False)
        world.ashby_takes_everything()
        clock.shift(timedelta(seconds=5))
        assert deliver_next(order.pk)

    def test_an_order_that_an_older_key_does_not_find_is_never_placed_again(
        self, world: World, clock
    ) -> None:
        """It may be another account's, which knows nothing of what this one has taken."""
        order = world.start()
        world.justifacts("assessment.start", "garbage")
        make_next_call(order.pk)
        replace_verification_key()
        knows_nothing = finds_nothing(world.acme.verification_key)
        world.wire.add_callback("POST", f"{JUSTIFACTS}assessment.status", knows_nothing)
        for _ in range(4):
            clock.shift(timedelta(minutes=5))
            make_next_call(order.pk)
        order.refresh_from_db()
        assert (order.next_call, order.needs_attention) == ("look_up", True)
        assert len(world.sent("assessment.start")) == 1

    def test_the_test_of_a_connection_asks_for_the_new_keys_only(self, world: World) -> None:
        replace_verification_key()
        add_ashby_key(world.acme.connection, NEXT_AT_ASHBY, who="Ada")
        for url, key in (
            (f"{ASHBY}/apiKey.info", world.acme.ashby_key),
            (f"{JUSTIFACTS}assessment.list", world.acme.verification_key),
        ):
            world.wire.add_callback("POST", url, takes_only(key, {}, []))
        found = check(Connection.objects.get(organization=world.acme.organization))
        assert [finding.ok for finding in found] == [False, False]


class TestRetirement:
    def test_a_replaced_key_is_retired_after_seven_unused_days(
        self, world: World, clock: time_machine.Traveller
    ) -> None:
        replace_verification_key()
        add_ashby_key(world.acme.connection, NEXT_AT_ASHBY, who="Ada")
        clock.shift(UNUSED_AFTER - timedelta(minutes=1))
        retire_silent_keys()
        assert PreviousVerificationKey.objects.count() == 1
        clock.shift(timedelta(minutes=1))
        retire_silent_keys()
        assert not PreviousVerificationKey.objects.exists()
        assert [
            key.key.reveal() for key in AshbyApiKey.objects.filter(organization=world.acme.organization)
        ] == [NEXT_AT_ASHBY]
        assert world.call("/ashby/assessment.list", {}).status_code == 403
        recorded = AuditLogEntry.objects.filter(action="deleted", actor="the portal")
        assert sorted(recorded.values_list("kind", flat=True)) == [
            "integrations.ashbyapikey",
            "integrations.previousverificationkey",
        ]

    def test_a_replaced_key_that_is_used_stays(self, world: World, clock: time_machine.Traveller) -> None:
        replace_verification_key()
        for _day in range(10):
            clock.shift(timedelta(days=1))
            assert world.call("/ashby/assessment.list", {}).status_code == 200
            retire_silent_keys()
        assert PreviousVerificationKey.objects.count() == 1

    def test_an_ashby_key_that_was_never_in_use_waits_for_its_turn(
        self, world: World, clock: time_machine.Traveller
    ) -> None:
        AshbyApiKey.objects.create(organization=world.acme.organization, name="spare", key="ashby-spare-1")
        clock.shift(timedelta(days=90))
        retire_silent_keys()
        assert AshbyApiKey.objects.filter(name="spare").exists()
