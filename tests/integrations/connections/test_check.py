"""Checking both sides of a connection, and since when one of them fails."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
import time_machine
from cryptography.fernet import Fernet

from integrations.connections.check import check
from integrations.connections.connect import connect
from integrations.connections.endpoints import Endpoint
from integrations.connections.health import record_call_result
from integrations.connections.pauses import pause, resume
from integrations.http.errors import NotSent, Refused, Unauthorized, Unknown
from integrations.models import Connection
from tests.fixtures.world import World

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
WORKS = {"success": True, "results": {"title": "Portal key", "scopes": ["candidates:write"]}}
PACKAGES = {"success": True, "results": [{"assessment_type_id": "1", "name": "Basic", "description": ""}]}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


def test_pause_and_resume_once_each(world: World) -> None:
    organization = world.acme.organization
    assert pause(organization, "Because.", NINE)
    assert not pause(organization, "Because again.", NINE)
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.pause_reason == "Because."
    world.globex.connection.refresh_from_db()
    assert world.globex.connection.paused_at is None
    assert resume(organization)
    assert not resume(organization)


def test_both_endpoints_work(world: World) -> None:
    world.ashby("apiKey.info", WORKS)
    world.justifacts("assessment.list", PACKAGES)
    ashby, justifacts = check(world.acme.connection)
    assert (ashby.side, ashby.ok, justifacts.side, justifacts.ok) == ("Ashby", True, "Justifacts", True)
    assert "Portal key" in ashby.text
    assert "offers 1 package." in justifacts.text
    connection = world.acme.connection
    connection.refresh_from_db()
    assert (
        connection.checked_at == connection.ashby_last_success_at == connection.justifacts_answered_at == NINE
    )
    assert (connection.ashby_problem, connection.justifacts_problem) == ("", "")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param(
            {"success": True, "results": {"title": "Weak", "scopes": ["jobs:read"]}},
            200,
            "may not write candidates",
            id="no candidates:write",
        ),
        pytest.param({"success": False}, 401, "refused the key", id="401"),
        pytest.param({"success": False}, 403, "refused the key", id="403"),
        pytest.param("error code: 1010", 403, "If this lasts, check the key", id="403 page"),
        pytest.param(
            {"success": False, "errors": ["missing_endpoint_permission"]},
            200,
            "refused the key",
            id="permission",
        ),
        pytest.param({}, 500, "500", id="500"),
        pytest.param("<html>", 200, "unreadable", id="garbage"),
        pytest.param(requests.ConnectTimeout(), 200, "connection", id="away"),
    ],
)
def test_ashby_does_not_work(world: World, body, status, words) -> None:
    world.ashby("apiKey.info", body, status)
    world.justifacts("assessment.list", PACKAGES)
    ashby, justifacts = check(world.acme.connection)
    assert (ashby.ok, justifacts.ok) == (False, True)
    assert words in ashby.text
    assert world.acme.ashby_key not in ashby.text
    connection = world.acme.connection
    connection.refresh_from_db()
    assert connection.ashby_problem == ashby.text
    assert (connection.ashby_last_success_at, connection.checked_at) == (None, NINE)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param({"success": False}, 403, "refused the verification key", id="403"),
        pytest.param("<html>", 401, "If this lasts, check the key", id="401 page"),
        pytest.param({"message": "No such page."}, 404, "No such page.", id="404"),
        pytest.param({}, 503, "503", id="503"),
        pytest.param("<html>", 200, "unreadable", id="garbage"),
        pytest.param(requests.ReadTimeout(), 200, "in time", id="time-out"),
    ],
)
def test_justifacts_does_not_work(world: World, body, status, words) -> None:
    world.ashby("apiKey.info", WORKS)
    world.justifacts("assessment.list", body, status)
    ashby, justifacts = check(world.acme.connection)
    assert (ashby.ok, justifacts.ok) == (True, False)
    assert words in justifacts.text
    assert world.acme.verification_key not in justifacts.text
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.justifacts_problem == justifacts.text


def test_without_keys_nobody_is_called(world: World) -> None:
    connection = connect("Initech")
    ashby, justifacts = check(connection)
    assert (ashby.ok, justifacts.ok) == (False, False)
    assert "no Ashby API key" in ashby.text
    assert "no verification key" in justifacts.text
    assert not world.wire.calls


def test_secrets_that_no_key_can_read_are_a_finding_not_a_crash(world: World, settings) -> None:
    """The encryption keys were lost, or swapped."""
    world.ashby("apiKey.info", WORKS)
    world.justifacts("assessment.list", PACKAGES)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    connection = Connection.objects.get(pk=world.acme.connection.pk)
    findings = check(connection)
    assert not any(finding.ok for finding in findings)
    assert all(finding.text for finding in findings)
    assert not world.wire.calls


MINUTE = timedelta(minutes=1)


def now_of(world: World) -> Connection:
    return Connection.objects.get(pk=world.acme.connection.pk)


class TestSinceWhenASideFails:
    def test_the_first_of_several_problems_in_a_row_is_its_beginning(self, world: World) -> None:
        stale = now_of(world)
        record_call_result(stale, Endpoint.JUSTIFACTS, Unknown("No answer."), NINE)
        # By a worker that had read the row before, and by one that reads it again.
        record_call_result(stale, Endpoint.JUSTIFACTS, NotSent("Too many."), NINE + MINUTE)
        record_call_result(
            now_of(world), Endpoint.JUSTIFACTS, Unauthorized("No such key."), NINE + 2 * MINUTE
        )
        connection = now_of(world)
        assert connection.justifacts_problem == "No such key."
        assert connection.justifacts_problem_since == NINE
        assert (connection.ashby_problem, connection.ashby_problem_since) == ("", None)

    def test_an_answer_ends_it(self, world: World) -> None:
        record_call_result(now_of(world), Endpoint.JUSTIFACTS, Unknown("No answer."), NINE)
        record_call_result(now_of(world), Endpoint.JUSTIFACTS, None, NINE + MINUTE)
        connection = now_of(world)
        assert (connection.justifacts_problem, connection.justifacts_problem_since) == ("", None)
        assert connection.justifacts_answered_at == NINE + MINUTE
        record_call_result(connection, Endpoint.JUSTIFACTS, Unknown("No answer."), NINE + 2 * MINUTE)
        assert now_of(world).justifacts_problem_since == NINE + 2 * MINUTE

    def test_a_problem_from_before_the_upgrade_begins_when_it_is_next_seen(self, world: World) -> None:
        Connection.objects.update(justifacts_problem="No answer.")
        record_call_result(now_of(world), Endpoint.JUSTIFACTS, Unknown("No answer."), NINE)
        assert now_of(world).justifacts_problem_since == NINE

    def test_a_refused_order_counts_as_an_answer_of_justifacts_only(self, world: World) -> None:
        record_call_result(now_of(world), Endpoint.JUSTIFACTS, Unknown("No answer."), NINE)
        record_call_result(now_of(world), Endpoint.ASHBY, Unknown("No answer."), NINE)
        record_call_result(now_of(world), Endpoint.JUSTIFACTS, Refused("Not this one."), NINE + MINUTE)
        record_call_result(now_of(world), Endpoint.ASHBY, Refused("Not this one."), NINE + MINUTE)
        connection = now_of(world)
        assert (connection.justifacts_problem, connection.justifacts_answered_at) == ("", NINE + MINUTE)
        assert (connection.ashby_problem, connection.ashby_last_success_at) == ("No answer.", None)

    def test_a_pause_begins_with_the_problem_that_was_there(self, world: World) -> None:
        record_call_result(now_of(world), Endpoint.ASHBY, Unknown("No answer."), NINE)
        pause(world.acme.organization, "Because.", NINE + MINUTE)
        connection = now_of(world)
        assert (connection.ashby_problem, connection.ashby_problem_since) == ("Because.", NINE)
        resume(world.acme.organization)
        assert now_of(world).ashby_problem_since is None
        pause(world.acme.organization, "Because.", NINE + MINUTE)
        assert now_of(world).ashby_problem_since == NINE + MINUTE

    def test_a_check_finds_the_beginning_and_the_end(self, world: World, clock) -> None:
        world.ashby("apiKey.info", {}, 500)
        world.justifacts("assessment.list", {}, 503)
        check(now_of(world))
        clock.shift(MINUTE)
        check(now_of(world))
        connection = now_of(world)
        assert connection.ashby_problem_since == connection.justifacts_problem_since == NINE
        world.ashby("apiKey.info", WORKS)
        world.justifacts("assessment.list", PACKAGES)
        check(now_of(world))
        connection = now_of(world)
        assert (connection.ashby_problem_since, connection.justifacts_problem_since) == (None, None)

    def test_the_candidate_whom_the_call_was_about_is_not_kept(self, world: World) -> None:
        failure = Unknown("Stumbled over Zoë, zoe@example.com.")
        record_call_result(now_of(world), Endpoint.JUSTIFACTS, failure, NINE, hide=("Zoë",))
        record_call_result(now_of(world), Endpoint.ASHBY, failure, NINE, hide=("Zoë",))
        connection = now_of(world)
        for text in (connection.justifacts_problem, connection.ashby_problem):
            assert text.startswith("Stumbled over")
            assert "zo" not in text.lower()
