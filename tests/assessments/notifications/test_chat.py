"""An organization's chat is told what its people are told."""

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
    a_minute_passes,
    breaks,
    member,
    needs_a_human,
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


def said(world: World) -> list[str]:
    return [json.loads(call.request.body)["text"] for call in world.wire.calls]


def test_it_hears_when_the_connection_breaks_and_when_it_works_again(world: World, clock) -> None:
    chat_answers(world)
    breaks(world)
    a_minute_passes()
    clock.shift(HOUR)
    a_minute_passes()
    resume(world.acme.organization)
    a_minute_passes()
    first, second = said(world)
    assert first.startswith("*Acme: connection problem*\n")
    assert "Ashby refused the API key (403)." in first
    assert "notification-settings" not in first, "a chat has no choices of its own"
    assert second.startswith("*Acme: connection restored*\n")


def test_it_hears_once_an_hour(world: World, clock) -> None:
    chat_answers(world)
    for _ in range(7):
        needs_a_human(world)
        clock.shift(10 * MINUTE)
        a_minute_passes()
    assert [text.split("*")[1] for text in said(world)] == [
        "Acme: an order needs attention",
        "Acme: 6 orders need attention",
    ]


def test_no_word_of_anybodys_calls_everyone_or_becomes_a_link(world: World, clock) -> None:
    chat_answers(world)
    Organization.objects.filter(slug="acme").update(name="A&B <!channel>")
    needs_a_human(world, reason="Justifacts said <https://evil.test|click>.")
    clock.shift(MINUTE)
    a_minute_passes()
    (text,) = said(world)
    assert "<" not in text
    assert "A&amp;B &lt;!channel&gt;" in text
    assert "&lt;https://evil.test|click&gt;" in text
    assert "&amp;amp;" not in text


def test_it_is_no_more_told_of_a_candidate_than_a_mail_is(world: World, clock) -> None:
    chat_answers(world)
    needs_a_human(world, reason="Zoë O'Neil (zoe.oneil@example.com) is gone.")
    clock.shift(MINUTE)
    a_minute_passes()
    (text,) = said(world)
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


@pytest.mark.parametrize(("body", "status", "words", "again"), FAILURES)
def test_a_chat_that_fails_keeps_up_no_mail_is_seen_and_is_tried_again(
    world: World, clock, caplog, body: object, status: int, words: str, again: timedelta
) -> None:
    caplog.set_level("DEBUG")
    member(world.acme.organization, "ada")
    chat_answers(world, body, status)
    breaks(world)
    a_minute_passes()
    assert len(mail.outbox) == 1
    told = NotificationState.objects.get(person=None, kind="connection")
    assert (told.last_error, told.failed_at, told.ashby_broken_since) == (words, NINE, None)
    assert "very-secret-path" not in caplog.text

    chat_answers(world)
    tried = len(said(world))
    clock.shift(again - MINUTE)
    a_minute_passes()
    assert len(said(world)) == tried
    clock.shift(MINUTE)
    a_minute_passes()
    assert len(said(world)) == tried + 1
    told.refresh_from_db()
    assert (told.last_error, told.ashby_broken_since) == ("", NINE)
    assert len(mail.outbox) == 1, "who has the mail does not get it again"


def test_an_address_that_cannot_be_read_any_more_is_seen(world: World, settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    breaks(world)
    a_minute_passes()
    assert "cannot be read" in NotificationState.objects.get(person=None, kind="connection").last_error
    assert not world.wire.calls


def test_it_gets_the_digest(world: World, clock) -> None:
    chat_answers(world)
    world.start()
    a_minute_passes()
    assert said(world) == []
    clock.shift(timedelta(hours=22))
    a_minute_passes()
    (text,) = said(world)
    assert text.startswith("*Acme: Monday, 2 March*\n")


def test_without_an_address_there_is_no_chat(world: World) -> None:
    world.acme.connection.notice_webhook = ""
    world.acme.connection.save()
    breaks(world)
    a_minute_passes()
    assert not NotificationState.objects.exists()
