"""The dashboard: what needs attention, and the charts."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assessments.models import Heartbeat, Order
from assessments.stalled.detect import detect_stalled
from integrations.connections.pauses import pause
from integrations.models import Connection, Membership, Organization
from tests.assessments.insights.test_dashboard import completed
from tests.fixtures.admin import Desk, member, signed_in, words
from tests.fixtures.load_data import fill
from tests.fixtures.world import Tenant, World


@pytest.fixture(autouse=True)
def _ashby_has_called(request: pytest.FixtureRequest) -> None:
    """Both organizations are set up, and a worker and a scheduler run."""
    if "world" in request.fixturenames:
        request.getfixturevalue("world")
        Connection.objects.update(last_inbound_call_at=timezone.now() - timedelta(days=1))
        for name in ("worker", "scheduler"):
            Heartbeat.beat(name, timezone.now())


@pytest.fixture
def ours(world: World) -> Desk:
    """An admin of Acme, and of no other organization."""
    user = User.objects.create_user("olga", is_staff=True)
    Membership.objects.create(user=user, organization=world.acme.organization, role="org admin")
    client = Client()
    client.force_login(user)
    return Desk(client)


def links(page: str) -> dict[str, str]:
    """Where the cards lead to, with their counts."""
    found = re.findall(r'<a href="([^"]*problem=[^"]*)"><strong>([\d,]+)</strong>', page)
    return {address.replace("&amp;", "&"): count for address, count in found}


def just_completed(tenant: Tenant, *, hours: int = 5, result: str = "Clear") -> Order:
    order = completed(tenant.basic, minutes=60 * hours, result=result)
    now = timezone.now()
    Order.objects.filter(pk=order.pk).update(created_at=now - timedelta(hours=hours), completed_at=now)
    return order


def started_at_globex(world: World) -> Order:
    body = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    answer = world.call("/ashby/assessment.start", body, key=world.globex.verification_key)
    return Order.objects.get(pk=answer.json()["results"]["assessment_id"])


def flag_order(order: Order, reason: str) -> None:
    Order.objects.filter(pk=order.pk).update(
        needs_attention=True, attention_reason=reason, attention_since=timezone.now() - timedelta(hours=3)
    )


# --- Needs your attention -----------------------------------------------------------------------------


def test_the_dashboard_says_when_nothing_needs_attention(world: World, desk: Desk) -> None:
    assert "Nothing needs your attention. No checks are in progress." in desk.open("index")


def test_a_check_in_progress_has_no_card(world: World, desk: Desk) -> None:
    world.ashby_takes_everything()
    world.placed()
    world.work()
    page = desk.html("index")
    assert "Nothing needs your attention. One check is in progress." in words(page)
    assert links(page) == {}


def test_an_order_that_needs_attention_is_listed_with_its_reason(world: World, desk: Desk) -> None:
    order = world.start()
    flag_order(order, "Ask Justifacts about it.")
    page = desk.html("index")
    text = words(page)
    assert "1 order needs attention" in text
    assert "Zoë O'Neil Acme · for 3 h Ask Justifacts about it." in text
    assert reverse("admin:assessments_order_change", args=[order.pk]) in page
    assert "Nothing needs your attention" not in text


@pytest.mark.parametrize("problem", ["attention", "ashby", "paused", "stalled", "unknown", "placing"])
def test_a_card_leads_to_the_orders_that_it_counts(world: World, desk: Desk, problem: str) -> None:
    order = world.placed()
    world.push(order, "Quality Control")
    Order.objects.update(status_since=timezone.now() - timedelta(days=5))
    detect_stalled(timezone.now())
    order.refresh_from_db()
    flag_order(order, "Ask.")
    pause(world.acme.organization, "Ashby refused the key.", timezone.now())
    candidate = {"ashby_id": "c-2", "first_name": "Bo", "last_name": "Ek", "email": "bo@example.com"}
    world.start(candidate=candidate)
    found = links(desk.html("index"))
    address = f"{reverse('admin:assessments_order_changelist')}?problem={problem}"
    assert found[address] == "1"
    assert desk.client.get(address).context["cl"].result_count == 1


def test_stalled_orders_and_unknown_statuses_are_counted(world: World, desk: Desk) -> None:
    order = world.placed()
    Order.objects.filter(pk=order.pk).update(
        status_since=timezone.now() - timedelta(days=4), status_unrecognized=True, justifacts_status="Odd"
    )
    detect_stalled(timezone.now())
    found = links(desk.html("index"))
    address = f"{reverse('admin:assessments_order_changelist')}?problem="
    assert (found[f"{address}stalled"], found[f"{address}unknown"]) == ("1", "1")


def test_a_pause_names_the_organization(world: World, desk: Desk) -> None:
    world.placed()
    pause(world.acme.organization, "Ashby refused the key.", timezone.now())
    sentence = "Ashby refuses the API key of Acme. Once the key works, the portal sends all updates in order."
    assert sentence in desk.open("index")


# --- Whose figures ------------------------------------------------------------------------------------


def test_an_org_admin_sees_nothing_of_another_organization(world: World, ours: Desk) -> None:
    flag_order(started_at_globex(world), "A secret of theirs.")
    just_completed(world.globex, result="Adverse")
    pause(world.globex.organization, "Ashby refused their key.", timezone.now())
    page = ours.html("index")
    text = words(page)
    assert "Nothing needs your attention. No checks are in progress" in text
    for theirs in ("Globex", "globex", "A secret of theirs", "Zoë", "their key", "Adverse"):
        assert theirs not in page
    assert "No checks were completed in the last 90 days." in text
    assert "All updates have been sent to Ashby." in text


def test_an_org_admin_sees_their_own_organization(world: World, ours: Desk) -> None:
    flag_order(world.start(), "Ask Justifacts about it.")
    just_completed(world.acme)
    text = words(ours.html("index"))
    assert "Ask Justifacts about it." in text
    assert "Basic 5 h · 5 h" in text


def test_with_several_organizations_one_can_be_chosen(world: World, desk: Desk) -> None:
    flag_order(world.start(), "Acme's reason.")
    flag_order(started_at_globex(world), "Globex's reason.")
    everything = desk.html("index")
    assert "Acme's reason." in words(everything)
    assert "Globex's reason." in words(everything)
    assert '<option value="globex">Globex</option>' in everything
    one = desk.html("index", organization="globex")
    assert "Acme's reason." not in words(one)
    assert "Globex's reason." in words(one)
    address = reverse("admin:assessments_order_changelist")
    assert links(one)[f"{address}?problem=attention&organization=globex"] == "1"
    assert '<option value="globex" selected>' in one


def test_a_single_organization_needs_no_choice(world: World, ours: Desk) -> None:
    assert "<select" not in ours.html("index")


@pytest.mark.parametrize("slug", ["globex", "no-such"])
def test_an_invisible_organization_answers_404(world: World, ours: Desk, slug: str) -> None:
    answer = ours.client.get(reverse("admin:index"), {"organization": slug})
    assert answer.status_code == 404
    assert "Globex" not in answer.content.decode()


def test_a_person_without_permissions_sees_no_figures(world: World) -> None:
    user = User.objects.create_user("newcomer", is_staff=True)
    client = Client()
    client.force_login(user)
    flag_order(world.start(), "Ask.")
    text = Desk(client).open("index")
    assert "You do not have access to anything yet. Ask the person who invited you." in text
    assert "Connections" not in text
    assert "Acme" not in text


def test_an_empty_portal_leads_to_the_first_organization(db, admin_client: Client) -> None:
    page = Desk(admin_client).html("index")
    assert "There are no organizations yet." in page
    assert reverse("admin:integrations_organization_add") in page


# --- The page -----------------------------------------------------------------------------------------


def test_every_chart_has_its_figures_as_a_table(world: World, desk: Desk) -> None:
    for hours, result in ((5, "Clear"), (30, "Clear"), (54, "Review")):
        just_completed(world.acme, hours=hours, result=result)
    text = desk.open("index")
    assert "3 checks were started in the last 30 days, grouped by current status." in text
    assert "Package Checks Median 90th percentile Basic 3 1 d 6 h 2 d 6 h" in text
    assert "Result Checks Share Clear 2 67 % Review 1 33 %" in text


def test_the_dashboard_links_to_the_lists(world: World, desk: Desk, ours: Desk) -> None:
    for person in (desk, ours):
        page = person.html("index")
        assert f'href="{reverse("admin:assessments_order_changelist")}"' in page
    assert reverse("admin:auth_user_changelist") not in ours.html("index")


def test_the_page_complies_with_the_content_security_policy(desk: Desk) -> None:
    fill(40)
    page = desk.html("index")
    assert "<rect" in page
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_the_number_of_queries_does_not_grow_with_the_data(world: World, desk: Desk, ours: Desk) -> None:
    def queries(person: Desk) -> int:
        with CaptureQueriesContext(database) as captured:
            person.html("index")
        return len(captured)

    flag_order(world.start(), "Ask.")
    before = queries(desk), queries(ours)
    Organization.objects.filter(slug="acme").update(name="Acme Ltd", slug="acme-ltd")
    Organization.objects.filter(slug="globex").update(name="Globex Ltd", slug="globex-ltd")
    fill(150, organizations=6)
    for organization in Organization.objects.exclude(slug="acme-ltd"):
        Membership.objects.create(
            user=User.objects.get(username="olga"), organization=organization, role="org admin"
        )
    after = queries(desk), queries(ours)
    assert after == before
    assert max(after) <= 30


def test_an_admin_is_led_to_an_unfinished_set_up(world: World) -> None:
    newcomer = Organization.objects.create(name="Initech", slug="initech")
    ida = signed_in(member("ida", newcomer))
    page = ida.html("index")
    assert reverse("admin:integrations_organization_setup", args=[newcomer.pk]) in page
    assert "Set up Initech" in page
    assert "Nothing needs your attention" not in page
    other = signed_in(member("sid", newcomer, "support"))
    assert "Set up Initech" not in other.open("index")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("worker", "No worker has run for more than a minute. New checks are accepted and wait"),
        ("scheduler", "No scheduler has run for more than a minute. Retries, polls and notifications wait"),
    ],
)
def test_the_dashboard_says_when_no_process_of_a_kind_runs(ours: Desk, name: str, sentence: str) -> None:
    assert "has run for more than a minute" not in ours.open("index")
    Heartbeat.objects.filter(name=name).update(at=timezone.now() - timedelta(seconds=61))
    page = ours.open("index")
    assert sentence in page
    assert "Nothing needs your attention" not in page
