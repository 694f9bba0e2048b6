"""What is known of a candidate is encrypted in the database and in every file, and support finds and reads it
all the same."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal_settings
from django.core import serializers
from django.core.exceptions import FieldError
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from assessments import recovery, search
from assessments.models import AshbyUpdate, CallAttempt, CandidateSearchTerm, InboundRequest, Order
from assessments.privacy.eligibility import place_hold
from integrations.encryption import rewrite
from integrations.encryption.secrets import Secret
from integrations.models import Organization
from tests.assessments.admin.orders.test_order_list import listed, short
from tests.fixtures.admin import Desk, member, signed_in
from tests.fixtures.world import World, data
from tests.integrations.encryption.test_secrets_at_rest import columns_that_hold

FIRST, LAST, MAIL = "Maríka-Jo", "O'Canaryson", "marika.canary@mail.test"
LINKS = ("https://app.ashbyhq.com/candidates/canary-1", "https://reports.justifacts.com/canary-2")
MARKS = (FIRST, LAST, "Canaryson", "marika.canary", *LINKS, "canary-answer", "hiring.canary@acme.test")


@pytest.fixture
def order(world: World) -> Order:
    """A whole life, in which both sides quote the candidate."""
    world.ashby_takes_everything()
    order = world.placed(
        candidate={
            "ashby_id": "c-9",
            "first_name": FIRST,
            "last_name": LAST,
            "email": MAIL,
            "ashby_profile_url": LINKS[0],
        },
        job={"ashby_id": "j", "name": "Cook", "hiringTeam": [{"email": "hiring.canary@acme.test"}]},
        additional_fields={"city": "canary-answer"},
    )
    said = f"We cannot find {LAST.upper()}, {FIRST} <{MAIL}>"
    world.ashby("assessment.update", {"success": False, "errorInfo": {"code": "odd", "message": said}})
    world.push(order, "Applicant Started")
    world.push(order, f"Waiting for {FIRST} {LAST}")
    world.push(
        order,
        "Complete",
        assessment_result=data("result", "Review"),
        assessment_profile_url=data("report", LINKS[1], "url"),
    )
    world.work()
    order.refresh_from_db()
    assert order.report_url == LINKS[1]
    return order


@pytest.fixture
def stranger(world: World) -> Order:
    return world.start(
        candidate={"first_name": "Bo", "last_name": "Marklund", "email": "bo@mail.test", "ashby_id": "c-1"}
    )


@pytest.mark.anywhere
def test_no_column_holds_the_candidate_in_clear(order: Order) -> None:
    assert [(mark, found) for mark in MARKS if (found := columns_that_hold(mark))] == []


def test_no_recovery_log_file_holds_the_candidate_in_clear(order: Order) -> None:
    written = [
        path.read_bytes() for path in Path(portal_settings.RECOVERY_LOG_DIR).rglob("*") if path.is_file()
    ]
    assert written
    assert not [mark for mark in MARKS for content in written if mark.encode() in content]


def test_partner_texts_are_stored_without_names_and_delivered_with_them(order: Order) -> None:
    sent = [attempt.message for attempt in CallAttempt.objects.exclude(message="")]
    assert "Ashby said: We cannot find •••, ••• <•••>" in sent
    assert f"Waiting for {FIRST} {LAST}" in {
        update.payload["assessment_status"]["value"] for update in _updates(order)
    }


def _updates(order: Order) -> Any:
    return order.updates.order_by("sequence")


def test_support_reads_all_of_it_on_the_order_s_page(order: Order, desk: Desk) -> None:
    page = desk.html("assessments_order_change", order.pk)
    for text in ("Maríka-Jo", "O&#x27;Canaryson", MAIL, LINKS[1], "canary-answer"):
        assert text in page
    call = InboundRequest.objects.filter(name="assessment.start").get()
    assert "additional_fields" in desk.open("assessments_inboundrequest_change", call.pk)


#: The whole of it or a beginning, in another case, in another order, with and without accents.
FINDS = (
    *(MAIL, MAIL.upper(), "marika.canary@", "Marika.canary@mai", FIRST, LAST),
    *(f"{FIRST} {LAST}", f"{LAST} {FIRST}"),
    *("MARIKA", "marík", "O'Can", "canarys", "Jo", "o'canaryson"),
)
#: The middle of a word, or fewer than three letters of a longer one.
FINDS_NOTHING = ("naryson", "ma", "marika.can@mail.test", "marika.canary@mail.texas", "canarysax")


def search_for(asked: str, client: Client) -> str:
    """The list of orders that the search shows."""
    page = client.post(reverse("admin:assessments_order_changelist"), {"q": asked}, follow=True)
    assert page.status_code == 200
    return page.content.decode()


def test_support_finds_the_order(order: Order, stranger: Order, desk: Desk) -> None:
    for asked in FINDS:
        assert listed(search_for(asked, desk.client)) == short(order), asked
    assert listed(search_for("mar", desk.client)) == short(order, stranger)


def test_a_text_that_does_not_match_finds_nothing(order: Order, desk: Desk) -> None:
    for asked in FINDS_NOTHING:
        assert not listed(search_for(asked, desk.client)), asked


def test_a_stranger_finds_nothing(order: Order, world: World) -> None:
    gus = signed_in(member("gus", world.globex.organization))
    for asked in (MAIL, LAST, "mar"):
        page = search_for(asked, gus.client)
        assert not listed(page), asked
        assert short(order).pop() not in page, asked


def test_once_forgotten_nobody_is_found(order: Order, stranger: Order, desk: Desk) -> None:
    assert search.unindex_orders(Order.objects.filter(pk=order.pk)) > 5
    assert set(CandidateSearchTerm.objects.values_list("order", flat=True)) == {stranger.pk}


def test_an_order_rebuilt_from_the_recovery_log_is_found(world: World, order: Order) -> None:
    Order.objects.all().delete()
    assert len(recovery.restore_missing_orders(world.acme.organization, order.created_at)) == 1
    assert Order.objects.filter(search.matches("canaryson", Order.objects.all())).exists()


@pytest.mark.anywhere
def test_an_unchanged_value_keeps_its_ciphertext(order: Order) -> None:
    """Neither encrypted twice nor again."""
    before = _stored()
    Order.objects.get(pk=order.pk).save()
    assert _stored() == before
    again = Order.objects.get(pk=order.pk)
    again.candidate_last_name, again.additional_fields["city"] = "Else", "other"
    again.save()
    again.refresh_from_db()
    assert (again.candidate_last_name, again.candidate_first_name) == ("Else", FIRST)
    assert again.additional_fields == {"city": "other"}


@pytest.mark.anywhere
def test_a_fixture_holds_ciphertext(order: Order) -> None:
    fixture = serializers.serialize("json", Order.objects.all())
    assert not [mark for mark in MARKS if mark in fixture]
    was = _readable()
    (found,) = serializers.deserialize("json", fixture)
    found.save()
    assert _readable() == was


@pytest.mark.parametrize("asked", [{"candidate_email": MAIL}, {"candidate_last_name__startswith": "O"}])
def test_nobody_compares_ciphertext_by_mistake(asked: dict[str, str]) -> None:
    """Which would silently find nothing."""
    with pytest.raises(FieldError):
        Order.objects.filter(**asked)


@pytest.mark.anywhere
def test_encrypting_what_is_stored_may_stop_anywhere(order: Order, stranger: Order, settings) -> None:
    """What an earlier version has written in clear is read as it stands until then."""
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"personal_data": 1}
    tables = [rewrite.Table.of(model) for model in (Order, AshbyUpdate, CallAttempt, InboundRequest)]
    was = _readable()
    for table in tables:
        rewrite.rewrite(database, table, rewrite.decrypted)
    assert _readable() == was
    assert columns_that_hold(MAIL) >= {("assessments_order", "candidate_email")}
    done = []

    def dies(text: str) -> str:
        done.append(text)
        if len(done) == 12:
            raise KeyboardInterrupt
        return rewrite.encrypted(text)

    with pytest.raises(KeyboardInterrupt):
        rewrite.rewrite(database, tables[0], dies)
    assert _readable() == was
    for table in tables:
        rewrite.rewrite(database, table, rewrite.encrypted)
        assert not rewrite.rewrite(database, table, rewrite.encrypted), "nothing is encrypted twice"
    assert _readable() == was
    assert not columns_that_hold(MAIL)


def _readable() -> list[Any]:
    names = rewrite.Table.of(Order).columns
    rows = [[getattr(order, name) for name in names] for order in Order.objects.order_by("pk")]
    return [rows, [update.payload for update in AshbyUpdate.objects.order_by("pk")]]


def _stored() -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute("SELECT candidate_last_name, candidate_email, application, job FROM assessments_order")
        return list(cursor.fetchall())


def test_why_an_order_is_held_is_encrypted_too(world: World, order: Order) -> None:
    reason = f"A dispute with {FIRST} {LAST}, {MAIL}"
    place_hold(order.pk, "Ada", reason)
    order.refresh_from_db()
    assert order.legal_hold_reason == reason
    assert [found for mark in (FIRST, LAST, MAIL) for found in columns_that_hold(mark)] == []


def test_response_times_do_not_reveal_candidates_of_other_organizations(
    world: World, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who searches for an address that only another organization knows has nothing decrypted for it."""
    read: list[str] = []
    reveal = Secret.reveal
    monkeypatch.setattr(Secret, "reveal", lambda secret: read.append(text := reveal(secret)) or text)

    def found_by(name: str, organization: Organization) -> set[str]:
        client = signed_in(member(name, organization)).client
        path = reverse("admin:assessments_order_changelist")
        return listed(client.post(path, {"q": MAIL}, follow=True).content.decode())

    assert (found_by("eve", world.globex.organization), FIRST in read) == (set(), False)
    assert not [text for text in read if text == MAIL or LAST in text]
    assert found_by("ada", world.acme.organization) == short(order)
