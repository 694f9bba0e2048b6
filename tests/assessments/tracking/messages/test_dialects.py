"""Any message within the protocol's grammar: its meaning is delivered to Ashby or the order needs
attention, nothing vanishes, and no call ends in a 5xx. ``FUZZ_DIALECTS=5000`` tries that many messages and
starts instead of a few dozen."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assessments.models import AshbyUpdate, Order, OrderEvent, PendingCall
from assessments.tracking.poll import poll
from tests.assessments.tracking.messages.dialects import (
    NO_ADDRESSES,
    NO_NAMES,
    NOTHING,
    Meaning,
    Message,
    Person,
    encoded,
    messages,
    people,
    scenarios,
    surroundings,
)
from tests.fixtures.world import World, basic

_EXAMPLES = int(os.environ.get("FUZZ_DIALECTS", settings.default.max_examples))
# The world is made once for all examples of a test; each example is rolled back.
often = settings(
    max_examples=_EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)
UPDATE, START = "/justifacts/assessment.update", "/ashby/assessment.start"


@pytest.fixture
def placed(world: World) -> dict[str, Order]:
    """Two placed orders by number; every example begins with them."""
    return {number: world.placed(number) for number in ("48213", "JF-5")}


@contextmanager
def undone() -> Iterator[None]:
    """One example; rolls back the database, rate limits and circuit breakers at the end."""
    cache.clear()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@often
@given(st.data())
def test_each_message_is_sent_to_ashby_or_flagged(
    world: World, placed: dict[str, Order], data: st.DataObject
) -> None:
    with undone():
        number = data.draw(st.sampled_from(sorted(placed)))
        order = Order.objects.get(pk=placed[number].pk)
        story = data.draw(scenarios())
        began = timezone.now() - timedelta(minutes=len(story) + 1)
        for minute, meaning in enumerate(story):
            sent = began + timedelta(minutes=minute)
            message = data.draw(messages(meaning, number, str(order.pk), sent))
            events = OrderEvent.objects.filter(order=order).count()
            _push(world, order, message)
            order.refresh_from_db()
            assert _is_delivered(order, meaning) or order.needs_attention, message
            assert OrderEvent.objects.filter(order=order).count() > events, message
            if order.needs_attention:
                assert order.attention_reason
        assert order.has_ended


@often
@given(st.data())
def test_a_changed_result_is_sent_or_flagged_whatever_its_timestamp(
    world: World, placed: dict[str, Order], data: st.DataObject
) -> None:
    with undone():
        order = Order.objects.get(pk=placed["48213"].pk)
        now = timezone.now()
        first, second = data.draw(st.permutations(["Clear", "Review", "Adverse"]))[:2]
        _push(world, order, data.draw(messages(Meaning("Complete", first), "48213", str(order.pk), now)))
        back = data.draw(st.sampled_from([timedelta(seconds=1), timedelta(hours=2), timedelta(days=3)]))
        later = data.draw(messages(Meaning("Complete", second), "48213", str(order.pk), now - back))
        _push(world, order, later)
        order.refresh_from_db()
        assert _is_delivered(order, later.meaning) or order.needs_attention, later


@often
@given(st.data())
def test_a_message_with_our_reference_and_another_number_is_applied_and_flagged(
    world: World, placed: dict[str, Order], data: st.DataObject
) -> None:
    with undone():
        order = Order.objects.get(pk=placed["48213"].pk)
        meaning = data.draw(st.sampled_from([Meaning("Applicant Started"), Meaning("Complete", "Adverse")]))
        # Both ids are in the message; this test is not about the reference, which the strategy may leave out.
        number = data.draw(st.sampled_from(["48213-R", "977"]))
        delivered = messages(meaning, number, str(order.pk), timezone.now())
        message = data.draw(delivered.filter(lambda one: str(order.pk).upper() in _text(one).upper()))
        _push(world, order, message)
        order.refresh_from_db()
        assert _is_delivered(order, meaning), message
        assert order.needs_attention
        assert number in order.attention_reason
        assert order.justifacts_order_id == "48213"


@often
@given(st.data())
def test_a_start_is_accepted_once_with_cleaned_names(world: World, data: st.DataObject) -> None:
    with undone():
        person = data.draw(people())
        type_id = str(world.acme.basic.assessment_type_id)
        body = data.draw(surroundings(type_id)) | {"candidate": {"ashby_id": 5, **person.written}}
        content, content_type = data.draw(encoded(body, of_push=False))
        content_type = content_type.replace(content_type.partition(";")[0], "application/json")
        answer = _post(world, START, content, content_type)
        assert answer.status_code == 200, (body, answer.content)
        order = Order.objects.get()
        _is_person(order, person)
        again = world.call(START, data.draw(_same_start(world, body)))
        assert again.status_code == 200, again.content
        assert again.json()["results"]["assessment_id"] == str(order.pk)
        assert Order.objects.count() == 1


@often
@given(st.data())
def test_a_start_without_a_usable_name_is_refused_with_an_explanation(
    world: World, data: st.DataObject
) -> None:
    with undone():
        person = data.draw(people())
        field = data.draw(st.sampled_from(["first_name", "last_name", "email"]))
        bad = data.draw(NO_ADDRESSES if field == "email" else NO_NAMES)
        candidate = {**person.written, field: bad}
        candidate = {name: value for name, value in candidate.items() if value is not NOTHING}
        body = data.draw(surroundings(str(world.acme.basic.assessment_type_id)))
        answer = world.call(START, {**body, "candidate": candidate})
        assert answer.status_code == 422, (candidate, answer.content)
        assert answer.json()["message"].endswith(".")
        assert Order.objects.count() == 0


@pytest.mark.anywhere
@often
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=250), st.booleans())
def test_any_text_as_a_name_is_accepted_or_refused_for_the_recruiter(
    world: World, text: str, is_first: bool
) -> None:
    with undone():
        names = (
            {"first_name": text, "last_name": "Lee"} if is_first else {"first_name": "Lee", "last_name": text}
        )
        answer = world.call(START, world.start_body(candidate={**names, "email": "lee@example.com"}))
        assert answer.status_code in (200, 422), answer.content
        assert answer.status_code == 200 or answer.json()["message"].endswith(".")
        assert Order.objects.count() == (answer.status_code == 200)


def _post(world: World, path: str, content: bytes, content_type: str) -> Any:
    """Posts the bytes unchanged: the test client's ``post`` would encode them again in the declared
    charset."""
    key = basic(world.acme.verification_key)
    return world.client.generic("POST", path, content, content_type=content_type, HTTP_AUTHORIZATION=key)


def _push(world: World, order: Order, message: Message) -> None:
    """Sends a message by push, or as the answer to a poll."""
    if message.by_push:
        answer = _post(world, UPDATE, message.content, message.content_type)
        assert answer.status_code == 200, (message, answer.content)
        return
    world.justifacts("assessment.status", message.content, content_type=message.content_type)
    Order.objects.filter(pk=order.pk).update(
        next_call=PendingCall.POLL, next_attempt_at=timezone.now() - timedelta(seconds=1)
    )
    poll([order.pk])


def _is_delivered(order: Order, meaning: Meaning) -> bool:
    """Whether Ashby's newest update has the intended meaning."""
    update = AshbyUpdate.objects.filter(order=order).order_by("sequence").last()
    if update is None:
        return False
    payload: dict[str, Any] = update.payload
    if meaning.reason:
        return bool(payload.get("cancelled_reason", {}).get("value") == meaning.reason)
    label = payload.get("assessment_status", {}).get("value", "")
    if _plain(label) != _plain(meaning.status):
        return False
    return not meaning.result or payload["assessment_result"]["value"] == meaning.result


def _plain(text: str) -> str:
    """The text without case, spacing and punctuation."""
    return "".join(filter(str.isalnum, str(text).casefold()))


def _text(message: Message) -> str:
    charset = message.content_type.partition("charset=")[2].strip('"') or "utf-8"
    return message.content.decode(charset)


def _is_person(order: Order, person: Person) -> None:
    kept = (order.candidate_first_name, order.candidate_last_name, order.candidate_email)
    assert kept == (person.first_name, person.last_name, person.email)


def _same_start(world: World, body: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The same start in another spelling: of the same application and package."""
    fresh = surroundings(str(world.acme.basic.assessment_type_id))
    same_application = {"ashby_id": str(body["application"]["ashby_id"]).strip()}
    return fresh.map(lambda other: {**other, "candidate": body["candidate"], "application": same_application})
