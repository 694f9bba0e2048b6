"""Paused deliveries resume when a key is checked or replaced."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from integrations.connections.api_keys import add_ashby_key, select_ashby_key
from integrations.connections.check import check
from integrations.encryption.secrets import Secret
from integrations.models import AshbyApiKey
from tests.assessments.outbox.pausing import paused
from tests.fixtures.world import World, basic

WORKS = {"success": True, "results": {"title": "Justifacts", "scopes": ["candidates:write"]}}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def test_a_connection_check_with_a_working_key_resumes_in_order(world: World) -> None:
    first, second = paused(world)
    world.ashby_takes_everything()
    world.ashby("apiKey.info", WORKS)
    world.justifacts("assessment.list", {"success": True, "results": []})
    before = len(world.delivered(first))
    assert all(finding.ok for finding in check(world.acme.connection))
    world.work()
    assert world.delivered(first)[before:] == [
        "Justifacts Received",
        "Started",
        "Applicant Started",
        "In Process: Justifacts",
    ]
    assert not world.waiting(second)
    world.acme.connection.refresh_from_db()
    assert (world.acme.connection.pause_reason, world.acme.connection.ashby_problem) == ("", "")


@pytest.mark.parametrize("scopes", [[], ["jobs:read"], None, "candidates:write"])
def test_a_connection_check_without_the_needed_permission_keeps_the_pause(world: World, scopes) -> None:
    first, _ = paused(world)
    world.ashby("apiKey.info", {"success": True, "results": {"title": "Weak", "scopes": scopes}})
    world.justifacts("assessment.list", {"success": True, "results": []})
    ashby, justifacts = check(world.acme.connection)
    assert (ashby.ok, justifacts.ok) == (False, True)
    assert "Weak" in ashby.text
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.paused_at
    assert world.waiting(first)


@pytest.mark.parametrize("pick", ["a new key", "an older key"])
def test_another_working_key_resumes_in_order(world: World, pick: str) -> None:
    """The pasted key has surrounding blanks and a newline."""
    older = AshbyApiKey.objects.create(organization=world.acme.organization, name="old", key="ashby-key-two")
    first, second = paused(world)
    world.ashby_takes_everything()
    if pick == "a new key":
        AshbyApiKey.objects.filter(pk=older.pk).delete()
        add_ashby_key(world.acme.connection, "  ashby-key-two \n")
    else:
        select_ashby_key(older)
    before = len(world.delivered(first))
    world.work()
    assert world.delivered(first)[before:][-1] == "In Process: Justifacts"
    assert not world.waiting(second)
    assert world.wire.calls[-1].request.headers["Authorization"] == basic("ashby-key-two")
    assert AshbyApiKey.objects.filter(organization=world.acme.organization, is_selected=True).count() == 1


def test_another_refused_key_pauses_again(world: World) -> None:
    first, _ = paused(world)
    add_ashby_key(world.acme.connection, "also-bad")
    world.work()
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.paused_at
    assert world.waiting(first)[0] == "Justifacts Received"


def test_without_a_selected_key_deliveries_pause(world: World) -> None:
    world.ashby_takes_everything()
    AshbyApiKey.objects.filter(organization=world.acme.organization).delete()
    order = world.placed()
    world.work()
    connection = world.acme.connection
    connection.refresh_from_db()
    assert connection.paused_at
    assert "no Ashby API key in use" in connection.pause_reason
    assert not world.sent("assessment.update")
    add_ashby_key(connection, "the-first-one")
    world.work()
    assert world.delivered(order) == ["Justifacts Received"]


@pytest.mark.parametrize("how", ["another key", "the same key's new text"])
def test_a_refusal_of_the_former_key_does_not_pause_the_new_one(world: World, how: str) -> None:
    """Otherwise a working key would wait for staff who have already done their part."""

    def answer(request: object) -> tuple[int, dict, str]:
        world.ashby_takes_everything()
        if how == "another key":
            add_ashby_key(world.acme.connection, "the-new-key")
        else:
            key = world.acme.organization.ashby_api_keys.get()
            key.key = Secret("the-new-key")
            select_ashby_key(key)
        return 401, {}, json.dumps({"success": False, "errors": ["unauthorized"]})

    world.wire.add_callback("POST", "https://ashby.test/assessment.update", callback=answer)
    order = world.placed()
    world.work()
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.paused_at is None
    assert not world.waiting(order)
    assert world.wire.calls[-1].request.headers["Authorization"] == basic("the-new-key")
