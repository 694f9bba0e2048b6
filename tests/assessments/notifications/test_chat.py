"""Notifications that are sent to an organization's chat."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
import responses
import time_machine
from cryptography.fernet import Fernet
from django.core import mail

from assessments.models import NotificationState
from integrations.connections.pauses import resume
from integrations.models import Organization
from tests.assessments.notifications.sending import (
    HOOK,
    NINE,
    flag_order,
    member,
    pause_deliveries,
    run_sweep,
    with_chat,
)
from tests.fixtures.world import World

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def chat(world: World) -> None:
    with_chat(world)


def chat_answers(world: World, body: object = "ok", status: int = 200) -> None:
    world.wire.upsert(responses.POST, HOOK, body=body, status=status)


def chat_messages(world: World) -> list[str]:
    return [json.loads(call.request.body)["text"] for call in world.wire.calls]


def test_a_broken_and_a_restored_connection_are_sent_to_the_chat(world: World, clock) -> None:
    chat_answers(world)
    pause_deliveries(world)
    run_sweep()
    clock.shift(HOUR)
    run_sweep()
    resume(world.acme.organization)
    run_sweep()
    first, second = chat_messages(world)
    assert first.startswith("*Acme: connection problem*\n")
    assert "Ashby refused the API key (403)." in first
    assert "notification-settings" not in first, "a chat has no settings"
    assert second.startswith("*Acme: connection restored*\n")


def test_the_chat_gets_at_most_one_message_an_hour(world: World, clock) -> None:
    chat_answers(world)
    for _ in range(7):
        flag_order(world)
        clock.shift(10 * MINUTE)
        run_sweep()
    assert [text.split("*")[1] for text in chat_messages(world)] == [
        "Acme: an order needs attention",
        "Acme: 6 orders need attention",
    ]


def test_control_characters_are_escaped(world: World, clock) -> None:
    chat_answers(world)
    Organization.objects.filter(slug="acme").update(name="A&B <!channel>")
    flag_order(world, reason="Justifacts chat_messages <https://evil.test|click>.")
    clock.shift(MINUTE)
    run_sweep()
    (text,) = chat_messages(world)
    assert "<" not in text
    assert "A&amp;B &lt;!channel&gt;" in text
    assert "&lt;https://evil.test|click&gt;" in text
    assert "&amp;amp;" not in text


def test_a_message_contains_initials_but_no_name_and_address(world: World, clock) -> None:
    chat_answers(world)
    flag_order(world, reason="Zoë O'Neil (zoe.oneil@example.com) is gone.")
    clock.shift(MINUTE)
    run_sweep()
    (text,) = chat_messages(world)
    assert "Z.O. · Basic" in text
    for personal in ("Zoë", "Neil", "zoe.", "example.com"):
        assert personal not in text


FAILURES = [
    pytest.param("no_service", 404, "hooks.test answered 404.", HOUR, id="404"),
    pytest.param('{"message": "no T000/B000 here"}', 403, "hooks.test answered 403.", HOUR, id="403"),
    pytest.param("", 500, "hooks.test answered 500.", HOUR, id="500"),
    pytest.param("", 302, "hooks.test answered 302.", HOUR, id="redirect"),
    pytest.param("", 429, "hooks.test answered 429.", 5 * MINUTE, id="too many"),
    pytest.param(requests.ReadTimeout(HOOK), 0, "hooks.test did not answer in time.", HOUR, id="time-out"),
    pytest.param(
        requests.ConnectTimeout(HOOK), 0, "No connection to hooks.test could be made.", 5 * MINUTE, id="away"
    ),
]


@pytest.mark.parametrize(("body", "status", "error", "retry_after"), FAILURES)
def test_a_failed_message_is_recorded_and_retried_and_delays_no_mail(
    world: World, clock, caplog, body: object, status: int, error: str, retry_after: timedelta
) -> None:
    caplog.set_level("DEBUG")
    member(world.acme.organization, "ada")
    chat_answers(world, body, status)
    pause_deliveries(world)
    run_sweep()
    assert len(mail.outbox) == 1
    state = NotificationState.objects.get(person=None, kind="connection")
    assert (state.last_error, state.failed_at, state.ashby_broken_since) == (error, NINE, None)
    assert "very-secret-path" not in caplog.text

    chat_answers(world)
    attempts = len(chat_messages(world))
    clock.shift(retry_after - MINUTE)
    run_sweep()
    assert len(chat_messages(world)) == attempts
    clock.shift(MINUTE)
    run_sweep()
    assert len(chat_messages(world)) == attempts + 1
    state.refresh_from_db()
    assert (state.last_error, state.ashby_broken_since) == ("", NINE)
    assert len(mail.outbox) == 1, "the mail is not sent twice"


def test_an_unreadable_webhook_url_is_recorded_as_an_error(world: World, settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    pause_deliveries(world)
    run_sweep()
    assert "cannot be read" in NotificationState.objects.get(person=None, kind="connection").last_error
    assert not world.wire.calls


def test_the_chat_gets_the_digest(world: World, clock) -> None:
    chat_answers(world)
    world.start()
    run_sweep()
    assert chat_messages(world) == []
    clock.shift(timedelta(hours=22))
    run_sweep()
    (text,) = chat_messages(world)
    assert text.startswith("*Acme: Monday, 2 March*\n")


def test_an_organization_without_a_webhook_url_has_no_chat(world: World) -> None:
    world.acme.connection.chat_webhook = ""
    world.acme.connection.save()
    pause_deliveries(world)
    run_sweep()
    assert not NotificationState.objects.exists()
