"""Support finds an order in the list."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assessments.admin.private_search import opened, sealed
from assessments.models import Order, OrderEvent
from assessments.stalled.detect import detect_stalled
from assessments.tracking.order_number import accept_new_number
from integrations.connections.pauses import pause
from tests.fixtures.admin import Desk, words
from tests.fixtures.world import World, data

LIST = "assessments_order_changelist"


def listed(page: str) -> set[str]:
    """The short ids of what the list leads to."""
    return set(re.findall(r"/order/([0-9a-f]{8})[0-9a-f-]{28}/change/", page))


def short(*orders: Order) -> set[str]:
    return {str(order.pk)[:8] for order in orders}


@pytest.fixture
def two(world: World) -> tuple[Order, Order]:
    mine = world.placed("JF-77")
    candidate = {"ashby_id": "c-2", "first_name": "Bo", "last_name": "Ek", "email": "bo@example.com"}
    other = world.start(candidate=candidate, job={"ashby_id": "job-2", "name": "Sales"})
    return mine, other


@pytest.mark.parametrize(
    "asked",
    [
        *("Zoë", "O'Neil", "zoe.oneil@example.com", "Zoë O'Neil", "JF-77", "Backend"),
        *("{id}", "{short}", "{application}"),
    ],
)
def test_an_order_is_found_by_name_address_number_job_and_id(
    two: tuple[Order, Order], desk: Desk, asked: str
) -> None:
    order, _ = two
    asked = asked.format(id=order.pk, short=str(order.pk)[:8], application=order.application_id)
    answer = desk.client.post(reverse(f"admin:{LIST}"), {"q": asked}, follow=True)
    page = answer.content.decode()
    assert listed(page) == short(order)
    assert answer.context["cl"].search_text == asked


@pytest.mark.parametrize("number", ["JF-77", "jf-80", "JF-91"])
def test_an_order_is_found_by_each_number_that_justifacts_gave_it(
    world: World, two: tuple[Order, Order], desk: Desk, number: str
) -> None:
    order, _ = two
    assert world.push(order, "Initiated", assessment_id="JF-80").status_code == 200
    accept_new_number(order.pk, "Ada", "Justifacts said so.")
    order.refresh_from_db()
    assert world.push(order, "Initiated", assessment_id="JF-91").status_code == 200
    answer = desk.client.post(reverse(f"admin:{LIST}"), {"q": number}, follow=True)
    assert listed(answer.content.decode()) == short(order)


def test_the_search_term_appears_in_no_url(two: tuple[Order, Order], desk: Desk) -> None:
    """From a URL it would get into histories, bookmarks and logs."""
    posted = {"q": "zoe.oneil@example.com", "status": "received"}
    answer = desk.client.post(reverse(f"admin:{LIST}"), posted, follow=True)
    ((target, _),) = answer.redirect_chain
    assert "zoe" not in unquote(target)
    assert "csrf" not in target
    assert "status=received" in target
    links = re.findall(r'(?:href|action)="([^"]*)"', answer.content.decode())
    assert not [link for link in links if "zoe" in unquote(unquote(link))]


def test_a_sealed_search_that_was_tampered_with_finds_nothing(two: tuple[Order, Order], desk: Desk) -> None:
    assert opened(sealed("zoe@example.com")) == "zoe@example.com"
    assert listed(desk.html(LIST, q="sealed:nonsense")) == set()


def test_an_empty_search_shows_all(two: tuple[Order, Order], desk: Desk) -> None:
    answer = desk.client.post(reverse(f"admin:{LIST}"), {"q": "  "}, follow=True)
    assert listed(answer.content.decode()) == short(*two)


def test_a_row_says_what_happens_next(world: World, two: tuple[Order, Order], desk: Desk) -> None:
    page = desk.open(LIST)
    assert "Send update to Ashby" in page
    assert "Send to Justifacts now" in page
    pause(world.acme.organization, "Ashby refused the key.", timezone.now())
    assert "Paused: Ashby refuses the key" in desk.open(LIST)
    world.acme.connection.__class__.objects.update(is_enabled=False)
    assert desk.open(LIST).count("Nothing: the connection is disabled") == 2


def test_problems_come_first_among_the_filters(world: World, two: tuple[Order, Order], desk: Desk) -> None:
    order, other = two
    assert listed(desk.html(LIST, problem="ashby")) == short(order)
    assert listed(desk.html(LIST, problem="placing")) == short(other)
    assert listed(desk.html(LIST, problem="attention")) == set()
    Order.objects.filter(pk=other.pk).update(needs_attention=True, attention_reason="Ask.")
    Order.objects.filter(pk=order.pk).update(status_since=timezone.now() - timedelta(days=4))
    detect_stalled(timezone.now())
    assert listed(desk.html(LIST, problem="stalled")) == short(order)
    assert listed(desk.html(LIST, problem="attention")) == short(other)
    assert listed(desk.html(LIST, problem="paused")) == set()
    pause(world.acme.organization, "Ashby refused the key.", timezone.now())
    assert listed(desk.html(LIST, problem="paused")) == short(order)


def test_packages_with_the_same_name_show_their_organization_in_the_filter(world: World, desk: Desk) -> None:
    world.start()
    theirs = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    world.call("/ashby/assessment.start", theirs, key=world.globex.verification_key)
    page = desk.open(LIST)
    assert "Acme: Basic" in page
    assert "Globex: Basic" in page


def test_an_unknown_status_is_found_until_a_known_status_arrives(
    world: World, two: tuple[Order, Order], desk: Desk
) -> None:
    order, _ = two
    world.push(order, "100% sure_ly odd")
    OrderEvent.objects.create(order=order, source=OrderEvent.Source.PERSON, kind="retried", summary="Later.")
    assert listed(desk.html(LIST, problem="unknown")) == short(order)
    world.push(order, "Applicant Started", timestamp=int(timezone.now().timestamp() * 1000))
    assert listed(desk.html(LIST, problem="unknown")) == set()


def test_adverse_is_not_shown_as_a_failure(world: World, desk: Desk) -> None:
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Adverse"))
    for page in (desk.html(LIST), desk.html("assessments_order_change", order.pk)):
        assert "result-adverse" in page
        assert "Adverse" in words(page)
        assert "fail" not in words(page.replace("Call failures", "")).casefold()


def test_more_orders_need_no_more_queries(world: World, desk: Desk) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            database,
        ) as captured:
            desk.html(LIST)
        return len(captured)

    world.placed("JF-1")
    desk.html(LIST)
    one = queries()
    for number in range(2, 5):
        world.placed(f"JF-{number}")
    assert queries() == one


def test_retry_makes_everything_due_and_names_the_person(
    two: tuple[Order, Order], desk: Desk, admin_user: User
) -> None:
    order, other = two
    later = timezone.now() + timedelta(hours=1)
    Order.objects.update(next_attempt_at=later)
    page = desk.act("assessments_order", "retry_now", order, other)
    assert "The portal is retrying 2 of 2 selected orders." in page
    assert not Order.objects.filter(next_attempt_at__gte=later).exists()
    retried = OrderEvent.objects.filter(kind="retried", source=OrderEvent.Source.PERSON)
    assert [admin_user.get_username() in event.summary for event in retried] == [True, True]


def test_poll_asks_only_where_there_is_something_to_ask(two: tuple[Order, Order], desk: Desk) -> None:
    page = desk.act("assessments_order", "poll_orders_now", *two)
    assert "The portal is polling 1 of 2 selected orders" in page


def test_a_read_only_person_is_offered_no_action(two: tuple[Order, Order], reader: Desk) -> None:
    assert "retry_now" not in reader.html(LIST)
    reader.act("assessments_order", "retry_now", *two)
    assert not OrderEvent.objects.filter(kind="retried").exists()


def test_a_stranger_signs_in_first(two: tuple[Order, Order], client: Any) -> None:
    order, _ = two
    for url in (reverse(f"admin:{LIST}"), f"/orders/{order.pk}/"):
        answer = client.get(url, follow=True)
        assert b"Zo\xc3\xab" not in answer.content
        assert "/login/" in answer.redirect_chain[-1][0]
