"""People hear that no worker or no scheduler runs, from the process that is left."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import responses
import time_machine
from django.core import mail
from django.utils import timezone

from assessments.models import Heartbeat, NotificationPreference
from assessments.notifications.missing_processes import report_missing_processes
from tests.assessments.notifications.sending import HOOK, NINE, member, portal_staff, with_chat
from tests.fixtures.world import World

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def clock(db) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        beat("worker", "scheduler")
        yield traveller


def beat(*kinds: str) -> None:
    for kind in kinds:
        Heartbeat.beat(kind, timezone.now())


def subjects() -> list[str]:
    report_missing_processes(timezone.now())
    new = [message.subject for message in mail.outbox]
    mail.outbox.clear()
    return new


@pytest.mark.parametrize(("kind", "left"), [("worker", "scheduler"), ("scheduler", "worker")])
def test_an_outage_and_its_end_are_notified_once(clock, kind: str, left: str) -> None:
    portal_staff("kim")
    clock.shift(59)
    beat(left)
    assert subjects() == []
    clock.shift(1)
    assert subjects() == [f"The portal: no {kind} runs"]
    clock.shift(10 * MINUTE)
    beat(left)
    assert subjects() == []
    beat(kind)
    assert subjects() == [f"The portal: a {kind} runs again"]
    assert subjects() == []


def test_those_who_see_every_organization_and_the_chats_are_notified(world: World, clock) -> None:
    with_chat(world)
    world.wire.add(responses.POST, HOOK, body="ok")
    portal_staff("kim")
    quiet = portal_staff("lee")
    NotificationPreference.objects.create(person=quiet, connection=False)
    member(world.acme.organization, "ada")
    clock.shift(MINUTE)
    beat("scheduler")
    report_missing_processes(timezone.now())
    (sent,) = mail.outbox
    assert sent.to == ["kim@example.com"]
    assert "New checks are accepted and wait" in sent.body
    (call,) = world.wire.calls
    assert json.loads(call.request.body)["text"].startswith("*The portal: no worker runs*\n")


def test_a_message_that_could_not_be_sent_is_sent_later(clock, settings) -> None:
    portal_staff("kim")
    clock.shift(MINUTE)
    beat("scheduler")
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert subjects() == []
    settings.EMAIL_BACKEND = working
    assert subjects() == ["The portal: no worker runs"]
