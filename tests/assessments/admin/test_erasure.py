"""An org admin erases candidate data, puts an order under legal hold, and sets retention and notes."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from assessments.models import ErasureCertificate, Order
from assessments.privacy.requests import erase_candidate
from assessments.privacy.retention import erase_due
from integrations.models import AuditLogEntry
from tests.fixtures.admin import Desk, words
from tests.fixtures.world import World, data

ZOE = "zoe.oneil@example.com"
ERASE_PAGE = "assessments_erasurecertificate_erase"
ORGANIZATION = "integrations_organization_change"


@pytest.fixture
def complete(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Review"))
    world.work()
    return Order.objects.get(pk=order.pk)


class TestErasing:
    def test_the_page_shows_what_would_be_erased_before_it_erases(
        self, world: World, complete: Order, org_admin: Desk
    ) -> None:
        acme = world.acme.organization.pk
        assert "Erase candidate data" in org_admin.open("assessments_erasurecertificate_changelist")
        page = org_admin.press(ERASE_PAGE, organization=acme, email=ZOE)
        assert f"This erases 1 order of {ZOE} at Acme" in page
        assert not ErasureCertificate.objects.exists()
        page = org_admin.press(ERASE_PAGE, organization=acme, email=ZOE, confirm="yes")
        assert "The candidate’s data has been erased. This certificate is the proof." in page
        assert "1 orders: name, e-mail, links, result" in page
        assert ZOE not in page
        complete.refresh_from_db()
        assert complete.is_erased
        assert ErasureCertificate.objects.get().by == "ada"

    def test_the_page_lists_kept_orders_with_reason_and_remedy(
        self, world: World, complete: Order, org_admin: Desk
    ) -> None:
        acme = world.acme.organization.pk
        org_admin.press("assessments_order_hold", complete.pk, reason="A dispute")
        page = org_admin.press(ERASE_PAGE, organization=acme, email=ZOE)
        assert "No order of zoe.oneil@example.com at Acme can be erased." in page
        assert "under legal hold. Lift the hold first" in page
        page = org_admin.press(ERASE_PAGE, organization=acme, email=ZOE, confirm="yes")
        assert "Some orders were kept" in page
        complete.refresh_from_db()
        assert not complete.is_erased

    def test_a_repeated_request_shows_the_first_certificate(
        self, world: World, complete: Order, org_admin: Desk
    ) -> None:
        acme = world.acme.organization.pk
        org_admin.press(ERASE_PAGE, organization=acme, email=ZOE, confirm="yes")
        assert "This candidate’s data was already erased" in org_admin.press(
            ERASE_PAGE, organization=acme, email=ZOE
        )

    def test_the_certificate_can_be_downloaded(self, world: World, complete: Order, org_admin: Desk) -> None:
        certificate = erase_candidate(world.acme.organization, ZOE, "ada", timezone.now())
        for kind in ("text", "json"):
            answer = org_admin.client.get(
                reverse(f"admin:assessments_erasurecertificate_{kind}", args=[certificate.pk])
            )
            assert "attachment" in answer["Content-Disposition"]
            assert str(certificate.pk) in answer.content.decode()
        assert json.loads(answer.content)["erased"]["orders"] == 1

    def test_an_org_admin_cannot_erase_in_another_organization(
        self, world: World, complete: Order, org_admin: Desk
    ) -> None:
        page = org_admin.press(
            ERASE_PAGE, organization=world.globex.organization.pk, email=ZOE, confirm="yes"
        )
        assert "Select a valid choice" in page
        assert "Globex" not in page
        certificate = erase_candidate(world.globex.organization, ZOE, "gus", timezone.now())
        assert str(certificate.pk) not in org_admin.html("assessments_erasurecertificate_changelist")
        for kind in ("change", "text", "json"):
            path = reverse(f"admin:assessments_erasurecertificate_{kind}", args=[certificate.pk])
            assert org_admin.client.get(path).status_code == 404

    def test_support_reads_certificates_and_cannot_erase(self, world: World, support: Desk) -> None:
        certificate = erase_candidate(world.acme.organization, ZOE, "ada", timezone.now())
        assert str(certificate.pk) in support.open(
            "assessments_erasurecertificate_change", str(certificate.pk)
        )
        answer = support.client.post(
            reverse(f"admin:{ERASE_PAGE}"),
            {"organization": world.acme.organization.pk, "email": ZOE, "confirm": "yes"},
        )
        assert answer.status_code == 403
        assert ErasureCertificate.objects.count() == 1

    def test_no_log_contains_the_address(self, world: World, complete: Order, org_admin: Desk) -> None:
        acme = world.acme.organization.pk
        org_admin.press(ERASE_PAGE, organization=acme, email=ZOE)
        org_admin.press(ERASE_PAGE, organization=acme, email=ZOE, confirm="yes")
        said = [f"{line.object_id} {line.details}" for line in AuditLogEntry.objects.all()]
        said += [f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all()]
        assert said
        assert "zoe" not in " ".join(said).casefold()

    def test_an_invalid_address_is_reported_at_its_field(self, world: World, org_admin: Desk) -> None:
        page = org_admin.press(
            ERASE_PAGE, organization=world.acme.organization.pk, email="zoe", confirm="yes"
        )
        assert "Enter a valid email address." in page
        assert not ErasureCertificate.objects.exists()


class TestHold:
    def test_a_hold_is_placed_and_lifted_with_a_reason(self, complete: Order, org_admin: Desk) -> None:
        assert "Put under legal hold" in org_admin.open("assessments_order_change", complete.pk)
        assert "This field is required" in org_admin.press("assessments_order_hold", complete.pk, reason=" ")
        page = org_admin.press("assessments_order_hold", complete.pk, reason="A dispute")
        assert "This order’s data is not erased: A dispute" in page
        assert "ada put the order under a legal hold. Reason: A dispute" in page
        assert "already" in org_admin.press("assessments_order_hold", complete.pk, reason="Again")
        page = org_admin.press("assessments_order_lift", complete.pk, reason="Settled")
        assert "ada lifted the legal hold. Reason: Settled" in page
        assert "The candidate’s data will be erased on" in page
        assert {"assessments_order_hold", "assessments_order_lift"} <= set(
            AuditLogEntry.objects.filter(action="asked").values_list("kind", flat=True)
        )

    def test_held_orders_are_found_by_a_filter(self, world: World, complete: Order, org_admin: Desk) -> None:
        world.start()
        org_admin.press("assessments_order_hold", complete.pk, reason="A dispute")
        page = org_admin.html("assessments_order_changelist", problem="held")
        assert str(complete.pk) in page
        assert page.count("/order/") < org_admin.html("assessments_order_changelist").count("/order/")

    def test_support_cannot_place_a_hold(self, complete: Order, support: Desk) -> None:
        assert "Put under legal hold" not in support.open("assessments_order_change", complete.pk)
        path = reverse("admin:assessments_order_hold", args=[complete.pk])
        assert support.client.post(path, {"reason": "A dispute"}).status_code == 403


class TestErasedOrder:
    @pytest.fixture(params=["at the candidate’s request", "at the end of its retention period"])
    def erased(self, request, world: World, complete: Order) -> tuple[Order, str]:
        if request.param == "at the candidate’s request":
            erase_candidate(world.acme.organization, ZOE, "ada", timezone.now())
        else:
            Order.objects.update(status_since=timezone.now() - timedelta(days=731))
            erase_due(timezone.now())
        return Order.objects.get(pk=complete.pk), request.param

    def test_the_page_of_an_erased_order_says_so_and_shows_its_figures(
        self, erased: tuple[Order, str], desk: Desk
    ) -> None:
        order, why = erased
        page = desk.open("assessments_order_change", order.pk)
        assert "The candidate’s data was erased on" in page
        assert why in page
        for figure in ("Complete", "Basic", "Backend Engineer", "JF-2026-1", str(order.application_id)):
            assert figure in page
        for gone in ("Zoë", "O'Neil", ZOE, "Review"):
            assert gone not in page
        for button in ("Add a note", "Poll now", "Send again", "Put under legal hold"):
            assert button not in page

    def test_lists_export_and_search_work_for_an_erased_order(
        self, erased: tuple[Order, str], world: World, desk: Desk
    ) -> None:
        order, _why = erased
        assert "Erased candidate" in desk.open("assessments_order_changelist")
        assert "Erased" in desk.open("assessments_order_changelist", q="JF-2026-1")
        assert str(order.pk) not in desk.html("assessments_order_changelist", q=ZOE)
        assert "Zoë" not in desk.open("index")
        for name in ("ashbyupdate", "orderevent", "callattempt", "inboundrequest"):
            assert "Zoë" not in desk.open(f"assessments_{name}_changelist")
        answer = desk.client.get(reverse("admin:assessments_order_export"))
        row = b"".join(answer.streaming_content).decode().splitlines()[1]
        assert str(order.pk) in row
        assert "Zoë" not in row

    def test_every_action_is_refused_with_a_sentence(self, erased: tuple[Order, str], desk: Desk) -> None:
        order, _why = erased
        given = {"reason": "Why not", "text": "Zoë", "number": "JF-3"}
        said = {
            "retry": "This order has no pending work",
            "poll": "There is nothing to request from Justifacts",
        }
        for action in ("retry", "poll", "cancel", "note", "hold", "link_existing", "resolve"):
            page = desk.press(f"assessments_order_{action}", order.pk, **given)
            assert (
                said.get(action, "The candidate’s data of this order was erased. No actions are available")
                in page
            ), action
            assert not order.events.filter(source="person").exists(), action


class TestSettings:
    def test_an_org_admin_sets_the_retention_and_not_the_name(self, world: World, org_admin: Desk) -> None:
        acme = world.acme.organization
        given = {"name": "Renamed", "slug": "renamed", "retention_days": 90, "adverse_action_url": ""}
        assert "was changed successfully" in org_admin.press(ORGANIZATION, acme.pk, **given)
        acme.refresh_from_db()
        assert (acme.name, acme.slug, acme.retention_days) == ("Acme", "acme", 90)
        line = AuditLogEntry.objects.filter(action="changed").latest("pk")
        assert line.organization == acme
        assert any("data is erased" in name for name in line.details["fields"])

    def test_a_retention_out_of_range_is_refused(self, world: World, org_admin: Desk) -> None:
        acme = world.acme.organization
        for days in ("29", "3651", "-1", ""):
            org_admin.press(ORGANIZATION, acme.pk, retention_days=days, adverse_action_url="")
            acme.refresh_from_db()
            assert acme.retention_days == 730, days

    def test_notes_must_be_a_public_https_url(self, world: World, org_admin: Desk) -> None:
        acme = world.acme.organization
        for address in (
            "http://acme.test/notes",
            "javascript:alert(1)",
            "https://who:secret@acme.test/",
            "https://10.0.0.1/",
        ):
            org_admin.press(ORGANIZATION, acme.pk, retention_days=730, adverse_action_url=address)
            acme.refresh_from_db()
            assert acme.adverse_action_url == "", address


class TestAdverseAction:
    NOTES = "https://acme.example.com/adverse-action"

    @pytest.fixture(autouse=True)
    def notes(self, world: World) -> None:
        organization = world.acme.organization
        organization.adverse_action_url = self.NOTES
        organization.full_clean()
        organization.save()

    @pytest.mark.parametrize("result", ["Review", "Adverse", "Consider"])
    def test_a_result_to_review_shows_the_companys_notes(self, world: World, desk: Desk, result: str) -> None:
        world.ashby_takes_everything()
        order = world.placed()
        world.push(order, "Complete", assessment_result=data("result", result))
        world.work()
        page = desk.html("assessments_order_change", order.pk)
        assert f'href="{self.NOTES}"' in page
        assert "Your company’s adverse-action notes" in words(page)
        payload = world.sent("assessment.update")[-1]
        assert payload["metadata"][-1] == {
            "identifier": "adverse_action_notes",
            "label": "Your company's adverse-action notes",
            "type": "url",
            "value": self.NOTES,
        }
        for said in (words(page), json.dumps(world.sent("assessment.update"))):
            # As words: an id may hold such letters by chance.
            assert not re.search(r"\b(fail\w*|unsuitable|bad)\b", said.casefold())
        assert "boolean_success" not in json.dumps(payload)

    def test_a_clear_result_shows_no_notes(self, world: World, desk: Desk) -> None:
        world.ashby_takes_everything()
        order = world.placed()
        world.push(order, "Complete", assessment_result=data("result", "Clear"))
        world.work()
        assert self.NOTES not in desk.html("assessments_order_change", order.pk)
        assert "adverse" not in json.dumps(world.sent("assessment.update"))
