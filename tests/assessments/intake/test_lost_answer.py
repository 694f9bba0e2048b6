"""Ashby never received the answer to a start, and starts the check again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from assessments.models import AshbyUpdate, InboundRequest, Order
from assessments.support.decisions import cancel_by_staff
from assessments.support.retry import skip_update
from integrations.catalog.mapping import map_job
from tests.assessments.intake.lost_answers import DAY, HOUR, MINUTE, NINE, NOT_FOUND, START, Lost
from tests.fixtures.world import World


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def lost(world: World, clock: time_machine.Traveller) -> Lost:
    return Lost(world, clock)


@pytest.mark.parametrize("seconds", [121, HOUR, 40 * DAY])
def test_a_repeated_start_gets_the_first_answer_once_ashby_said_not_found(lost: Lost, seconds: int) -> None:
    lost.clock.shift(seconds)
    for _ in range(3):
        lost.assert_first_answer()
    call = InboundRequest.objects.order_by("pk").last()
    assert call is not None
    assert (call.outcome, call.order) == ("repeated", lost.order)
    assert lost.order.events.filter(kind="answered_again").count() == 1


def test_refused_updates_are_delivered_in_order_after_a_repeated_start(lost: Lost, world: World) -> None:
    lost.given_up()
    world.push(lost.order, "Applicant Started")
    lost.assert_first_answer()
    assert not lost.order.needs_attention
    world.ashby_takes_everything()
    sent = len(world.sent("assessment.update"))
    lost.clock.shift(5)
    world.work()
    assert world.delivered(lost.order)[sent:] == ["Justifacts Received", "Started", "Applicant Started"]
    assert not world.waiting(lost.order)
    stamps = [body["timestamp"] for body in world.sent("assessment.update")[sent:]]
    assert stamps == sorted(stamps)


def test_the_order_page_says_that_the_recruiter_can_start_again(lost: Lost) -> None:
    lost.given_up()
    assert "start the same check again in Ashby" in lost.order.attention_reason
    assert "No such one." in lost.order.attention_reason


def test_an_answer_that_is_lost_twice_is_repeated_twice(lost: Lost, world: World) -> None:
    """Ashby answers "not found" for another quarter of an hour until the order needs attention; then Ashby
    accepts."""
    lost.given_up()
    lost.assert_first_answer()
    lost.clock.shift(5)
    world.work()
    assert lost.order.updates.get().state == AshbyUpdate.State.WAITING
    lost.given_up()
    lost.assert_first_answer()
    world.ashby_takes_everything()
    lost.clock.shift(5)
    world.work()
    assert not world.waiting(lost.order)


def test_after_a_repeated_start_ashby_gets_the_updates_within_a_minute(lost: Lost, world: World) -> None:
    """However many attempts were made before."""
    lost.given_up()
    lost.assert_first_answer()
    lost.clock.shift(5)
    world.work()
    world.ashby_takes_everything()
    lost.clock.shift(MINUTE)
    world.work()
    assert not world.waiting(lost.order)


def test_a_later_start_is_refused_once_ashby_has_the_order(lost: Lost, world: World) -> None:
    lost.clock.shift(HOUR)
    lost.assert_first_answer()
    world.ashby_takes_everything()
    lost.clock.shift(5)
    world.work()
    lost.assert_first_answer()
    lost.clock.shift(121)
    answer = lost.start_again()
    assert answer.status_code == 409
    assert "cancel it in Ashby, then start again" in answer.json()["message"]
    assert Order.objects.count() == 1


def test_a_lost_card_gets_the_current_status_after_a_repeated_start(world: World, clock: Any) -> None:
    """Ashby got every update, and later lost the assessment."""
    world.ashby_takes_everything()
    order = world.placed()
    body = world.start_body(application={"ashby_id": order.application_id})
    body["candidate"] = order.start_request.candidate.as_json()
    world.push(order, "Applicant Started")
    world.work()
    world.ashby("assessment.update", NOT_FOUND)
    world.push(order, "In Process: Justifacts")
    world.work()
    skip_update(order.updates.get(state=AshbyUpdate.State.WAITING).pk, "Ada", "Ashby does not know it")
    clock.shift(HOUR)
    answer = world.call(START, body)
    assert answer.json()["results"]["assessment_id"] == str(order.pk)
    world.ashby_takes_everything()
    world.justifacts("assessment.status", {}, 503)
    clock.shift(5)
    world.work()
    assert world.delivered(order)[-1] == "In Process: Justifacts"
    assert not world.waiting(order)


def test_a_disputed_result_reaches_ashby_after_a_repeated_start(lost: Lost, world: World) -> None:
    """The result keeps Ashby's card complete, although the portal does not know the last status."""
    lost.complete()
    world.push(lost.order, "Disputed")
    for update in lost.order.updates.all():
        assert skip_update(update.pk, "Ada")
    lost.assert_first_answer()
    world.ashby_takes_everything()
    lost.clock.shift(5)
    world.work()
    body = world.sent("assessment.update")[-1]
    assert (body["assessment_status"]["value"], body["assessment_result"]["value"]) == ("Disputed", "Clear")


def test_a_changed_job_mapping_does_not_change_the_repeated_answer(world: World, clock: Any) -> None:
    map_job(world.acme.organization, "job-1", world.acme.basic)
    lost = Lost(world, clock, assessment_type_id=str(world.acme.connection.job_package_type_id))
    map_job(world.acme.organization, "job-1", world.acme.executive)
    lost.clock.shift(HOUR)
    lost.assert_first_answer()


@pytest.mark.parametrize("seconds", [1, HOUR, 40 * DAY])
def test_a_completed_order_unknown_to_ashby_is_not_placed_again(
    lost: Lost, world: World, seconds: int
) -> None:
    lost.given_up()
    lost.complete()
    lost.clock.shift(seconds)
    lost.assert_first_answer()
    world.ashby_takes_everything()
    sent = len(world.sent("assessment.update"))
    lost.clock.shift(5)
    world.work()
    assert world.delivered(lost.order)[sent:] == ["Justifacts Received", "Complete"]
    assert world.sent("assessment.update")[-1]["assessment_result"]["value"] == "Clear"
    assert not lost.order.needs_attention


def test_a_start_repeated_during_deliveries_creates_no_order(lost: Lost, world: World) -> None:
    """Ashby accepts updates shortly after its second start; the third is still the same click."""
    lost.complete()
    lost.clock.shift(HOUR)
    lost.assert_first_answer()
    world.ashby_takes_everything()
    lost.clock.shift(5)
    world.work()
    assert not world.waiting(lost.order)
    lost.clock.shift(100)
    lost.assert_first_answer()
    lost.clock.shift(30)
    assert lost.start_again().status_code == 200
    assert Order.objects.count() == 2, "Ashby has shown the result, and another check is wanted"


def test_a_completed_order_that_ashby_has_shown_can_be_ordered_again(world: World, clock: Any) -> None:
    """Ashby accepted an update and lost the assessment later: the recruiter has seen it."""
    world.ashby_takes_everything()
    lost = Lost.__new__(Lost)
    lost.world, lost.clock, lost.body = world, clock, world.start_body()
    lost.first = world.call(START, lost.body)
    world.justifacts_takes()
    world.work()
    world.ashby("assessment.update", NOT_FOUND)
    lost.complete()
    world.work()
    clock.shift(HOUR)
    assert lost.start_again().status_code == 200
    assert Order.objects.count() == 2


def test_a_cancelled_order_unknown_to_ashby_can_be_ordered_again(lost: Lost, world: World) -> None:
    lost.given_up()
    cancel_by_staff(lost.order.pk, "Ada", "The recruiter asked", datetime.now(UTC))
    assert lost.start_again().status_code == 200
    assert Order.objects.count() == 2


OTHER = [
    pytest.param({"email": "zoe.oneil@corrected.example"}, id="e-mail"),
    pytest.param({"last_name": "O'Neill"}, id="last name"),
    pytest.param({"first_name": "Zoé"}, id="first name"),
]
SAME = [
    pytest.param({"email": " ZOE.oneil@example.com\n"}, id="e-mail"),
    pytest.param({"last_name": "o'neil\u200b"}, id="last name"),
    pytest.param({"first_name": "Zoe\u0308"}, id="first name"),
    pytest.param({"ashby_id": "merged"}, id="candidate id"),
    pytest.param({"ashby_profile_url": "https://elsewhere.test/"}, id="link"),
]


@pytest.mark.parametrize("corrected", OTHER)
@pytest.mark.parametrize("seconds", [1, HOUR])
def test_corrected_candidate_data_is_not_answered_with_the_first_order(
    lost: Lost, world: World, corrected: dict[str, str], seconds: int
) -> None:
    """The order has the first name and address; a 200 would claim that it has the new ones."""
    lost.clock.shift(seconds)
    answer = lost.start_again(candidate=lost.body["candidate"] | corrected)
    assert (answer.status_code, world.error(answer)) == (409, "already_being_assessed")
    sentence = answer.json()["message"]
    assert "the name and the e-mail address that it was started with" in sentence
    assert f"https://portal.test/orders/{lost.order.pk}/" in sentence
    assert next(iter(corrected.values())) not in sentence
    assert Order.objects.count() == 1


@pytest.mark.parametrize("rewritten", SAME)
def test_another_spelling_of_the_candidate_counts_as_the_same(lost: Lost, rewritten: dict[str, str]) -> None:
    for seconds in (1, HOUR):
        lost.clock.shift(seconds)
        answer = lost.start_again(candidate=lost.body["candidate"] | rewritten)
        assert (answer.status_code, answer.content) == (200, lost.first.content)
    assert Order.objects.count() == 1


def test_a_completed_order_is_not_placed_again_for_another_email_address(lost: Lost) -> None:
    """The candidate has answered the invitation that was sent to the first address."""
    lost.complete()
    lost.clock.shift(HOUR)
    answer = lost.start_again(candidate=lost.body["candidate"] | {"email": "zoe@moved.example"})
    assert (answer.status_code, answer.content) == (200, lost.first.content)
    assert Order.objects.count() == 1


def test_a_completed_check_under_another_name_is_ordered_again(lost: Lost) -> None:
    """A report with a wrong name is useless."""
    lost.complete()
    lost.clock.shift(HOUR)
    assert lost.start_again(candidate=lost.body["candidate"] | {"last_name": "Else"}).status_code == 200
    assert Order.objects.count() == 2


def test_the_refusal_names_an_existing_action_before_ashby_has_answered(world: World, clock: Any) -> None:
    """Ashby may show no card: only the portal can cancel this order."""
    body = world.start_body()
    order = Order.objects.get(pk=world.call(START, body).json()["results"]["assessment_id"])
    clock.shift(timedelta(seconds=121))
    answer = world.call(START, body)
    assert answer.status_code == 409
    sentence = answer.json()["message"]
    assert "If Ashby does not show it, an admin of Acme can cancel it here" in sentence
    assert f"https://portal.test/orders/{order.pk}/" in sentence
    cancel_by_staff(order.pk, "Ada", "The recruiter asked", datetime.now(UTC))
    assert world.call(START, body).status_code == 200


def test_another_package_or_application_creates_another_order(lost: Lost, world: World) -> None:
    lost.clock.shift(HOUR)
    other = str(world.acme.executive.assessment_type_id)
    assert lost.start_again(assessment_type_id=other).json()["results"]["assessment_id"] != str(lost.order.pk)
    assert lost.start_again(application={"ashby_id": "x"}).json()["results"]["assessment_id"] != str(
        lost.order.pk
    )


def test_another_organizations_lost_order_is_not_used(lost: Lost, world: World) -> None:
    theirs = {**lost.body, "assessment_type_id": str(world.globex.basic.assessment_type_id)}
    answer = world.call(START, theirs, key=world.globex.verification_key)
    assert answer.json()["results"]["assessment_id"] != str(lost.order.pk)
