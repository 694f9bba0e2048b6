"""A candidate asks to be forgotten: the certificate, what is kept and why, and what a restore brings back."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from assessments import recovery_log
from assessments.models import ErasureCertificate, Order
from assessments.privacy.candidates import orders_of_candidate
from assessments.privacy.certificates import certificate_as_json, certificate_as_text, certificates_of
from assessments.privacy.legal_hold import place_hold
from assessments.privacy.requests import erase_candidate, plan_erasure
from assessments.privacy.retention import erase_due
from assessments.recovery import recover_after_restore
from assessments.support.notes import resolve_attention
from integrations.audit import log
from integrations.encryption.rotation import count_pending as not_under_the_first_key
from integrations.models import AuditLogEntry
from tests.fixtures.world import World, data

pytestmark = pytest.mark.anywhere

ZOE = "zoe.oneil@example.com"


def complete(world: World, number: str = "JF-2026-1", **changes: Any) -> Order:
    world.ashby_takes_everything()
    order = world.placed(number, **changes)
    world.push(order, "Complete", assessment_result=data("result", "Review"))
    world.work()
    return Order.objects.get(pk=order.pk)


def forgotten(world: World, email: str = ZOE) -> ErasureCertificate:
    return erase_candidate(world.acme.organization, email, "ada", timezone.now())


def is_erased(order: Order) -> bool:
    order.refresh_from_db()
    return order.is_erased


def test_all_orders_of_the_candidate_and_no_others(world: World) -> None:
    own = [complete(world, f"JF-{number}") for number in range(2)]
    other = complete(
        world, "JF-9", candidate={**world.start_body()["candidate"], "email": "zoe.oneil@example.org"}
    )
    certificate = forgotten(world, " ZOE.ONEIL@example.com ")
    assert sorted(certificate.orders) == sorted(str(order.pk) for order in own)
    assert (certificate.counts["orders"], certificate.kept, certificate.by) == (2, [], "ada")
    assert [is_erased(order) for order in (*own, other)] == [True, True, False]


def test_another_organizations_orders_of_the_same_person_stay(world: World) -> None:
    body = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    answer = world.call("/ashby/assessment.start", body, key=world.globex.verification_key)
    theirs = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
    assert orders_of_candidate(world.globex.organization, ZOE) == [theirs]
    assert forgotten(world).orders == []
    assert not is_erased(theirs)


class TestKept:
    def test_what_is_held(self, world: World) -> None:
        order = complete(world)
        place_hold(order.pk, "ada", "A dispute")
        (line,) = forgotten(world).kept
        assert line["order"] == str(order.pk)
        assert "legal hold" in line["why"]
        assert not is_erased(order)

    def test_what_is_on_the_way(self, world: World) -> None:
        order = world.placed()
        (line,) = forgotten(world).kept
        assert "in progress (“Received”). Cancel it" in line["why"]
        assert not is_erased(order)

    def test_what_ashby_does_not_know_yet(self, world: World) -> None:
        order = world.placed()
        world.push(order, "Complete", assessment_result=data("result", "Clear"))
        (line,) = forgotten(world).kept
        assert "Ashby does not know yet how the check ended" in line["why"]
        world.ashby_takes_everything()
        world.work()
        assert forgotten(world).kept == []
        assert is_erased(order)

    def test_what_justifacts_has_to_stop_first(self, world: World) -> None:
        world.ashby_takes_everything()
        order = world.placed()
        world.justifacts("assessment.cancel", {}, 503)
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        world.work()
        (line,) = forgotten(world).kept
        assert "Justifacts does not know yet that the check was cancelled" in line["why"]
        assert not is_erased(order)

    def test_what_justifacts_did_not_stop_until_a_person_has(self, world: World) -> None:
        """It may go on there and be billed: that somebody has to call is not forgotten with the candidate."""
        world.ashby_takes_everything()
        order = world.placed()
        world.justifacts("assessment.cancel", {"success": False, "errors": ["too_late"]}, 422)
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        world.work()
        (line,) = forgotten(world).kept
        assert "The order needs attention" in line["why"]
        order.refresh_from_db()
        assert (order.is_erased, order.needs_attention) == (False, True)
        resolve_attention(order.pk, "ada", "They have stopped it.")
        assert forgotten(world).kept == []
        assert is_erased(order)


class TestCertificate:
    def test_it_says_what_when_and_by_whom_and_names_nobody(self, world: World) -> None:
        order = complete(world)
        certificate = forgotten(world)
        for said in (certificate_as_text(certificate), str(certificate_as_json(certificate))):
            assert str(certificate.pk) in said
            assert str(order.pk) in said
            assert "ada" in said
            assert not [word for word in ("zoe", "zoë", "neil") if word in said.casefold()]
        assert "- 1 orders: name, e-mail, links" in certificate_as_text(certificate)

    def test_who_knows_the_address_finds_it_again(self, world: World) -> None:
        certificate = forgotten(world)
        assert list(certificates_of(world.acme.organization, "Zoe.ONeil@example.com")) == [certificate]
        assert not certificates_of(world.globex.organization, ZOE)
        assert not certificates_of(world.acme.organization, "zoe@example.com")

    def test_nobody_changes_it(self, world: World) -> None:
        certificate = forgotten(world)
        certificate.by = "somebody else"
        for deed in (certificate.save, certificate.delete, ErasureCertificate.objects.all().delete):
            with pytest.raises(TypeError):
                deed()
        with pytest.raises(TypeError):
            ErasureCertificate.objects.update(by="somebody else")
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE assessments_erasurecertificate SET by = 'somebody else'")

    def test_the_audit_trail_says_the_same_and_is_whole(self, world: World) -> None:
        complete(world)
        certificate = forgotten(world)
        line = AuditLogEntry.objects.get(action="erased")
        assert (line.actor, line.object_id) == ("ada", str(certificate.pk))
        assert line.details == {**certificate.counts, "kept": 0}
        assert not [chain for chain in log.verify() if chain.problem]

    def test_where_nothing_is_found_it_says_so(self, world: World) -> None:
        certificate = forgotten(world, "nobody@example.com")
        assert (certificate.counts, certificate.orders, certificate.kept) == ({}, [], [])
        assert "no data of this candidate could be erased" in certificate_as_text(certificate)


def test_the_plan_is_what_is_done_and_writes_nothing(world: World) -> None:
    first, second = complete(world, "JF-1"), world.placed("JF-2")
    before = world.written()
    found = plan_erasure(world.acme.organization, ZOE)
    assert (list(found.to_erase), [order for order, _why in found.kept]) == ([first], [second])
    assert (world.written(), ErasureCertificate.objects.count()) == (before, 0)
    certificate = forgotten(world)
    assert (certificate.orders, certificate.kept[0]["order"]) == ([str(first.pk)], str(second.pk))


class TestJournal:
    def test_the_line_of_the_start_is_blanked_where_it_stands(self, world: World) -> None:
        gone, stays = complete(world, "JF-1"), None
        stays = complete(
            world, "JF-2", candidate={**world.start_body()["candidate"], "email": "bob@example.com"}
        )
        forgotten(world)
        entries = list(recovery_log.entries(timezone.now() - timedelta(days=1)))
        assert [entry["assessment_id"] for entry in entries] == [str(stays.pk)]
        later = world.start()
        entries = list(recovery_log.entries(timezone.now() - timedelta(days=1)))
        assert [entry["assessment_id"] for entry in entries] == [str(stays.pk), str(later.pk)]
        assert str(gone.pk) not in str(entries)
        assert recovery_log.count_pending() == 0
        assert not not_under_the_first_key()


class TestAfterARestore:
    """The backup is of before the erasure: the candidate is back, and the certificate is gone."""

    @staticmethod
    def restored(order: Order, **facts: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM assessments_erasurecertificate")
        names = [field.attname for field in Order._meta.concrete_fields if not field.primary_key]
        before = {name: getattr(order, name) for name in names}
        Order.objects.filter(pk=order.pk).update(**before | facts)

    def test_it_is_erased_again_and_the_certificate_is_back(self, world: World) -> None:
        order = complete(world)
        certificate = forgotten(world)
        self.restored(order)
        assert recover_after_restore(timezone.now()).erased_again == 1
        assert is_erased(order)
        again = ErasureCertificate.objects.get()
        assert certificate_as_json(again) == certificate_as_json(certificate)
        assert recover_after_restore(timezone.now()).erased_again == 0, "a second run finds nothing"

    def test_where_that_was_not_run_the_clock_does_it(self, world: World) -> None:
        order = complete(world)
        forgotten(world)
        self.restored(order)
        assert erase_due(timezone.now()) == 1
        assert is_erased(order)

    def test_an_order_that_the_backup_has_on_the_way_has_its_turn_at_its_end(self, world: World) -> None:
        order = complete(world)
        forgotten(world)
        open_again = {"status": "in_process", "completed_at": None, "result": "", "turnaround_minutes": None}
        self.restored(order, **open_again)
        assert recover_after_restore(timezone.now()).erased_again == 0
        world.push(order, "Complete", assessment_result=data("result", "Review"))
        assert erase_due(timezone.now()) == 0, "Ashby has to be told first"
        world.work()
        assert erase_due(timezone.now()) == 1
        assert is_erased(order)

    def test_a_hold_since_then_is_kept_to(self, world: World) -> None:
        order = complete(world)
        forgotten(world)
        self.restored(order)
        place_hold(order.pk, "ada", "A dispute")
        assert recover_after_restore(timezone.now()).erased_again == 0
        assert not is_erased(order)

    def test_an_order_that_the_backup_does_not_have_is_not_made_again(self, world: World) -> None:
        """Nor from a copy of the journal that still has its line."""
        order = complete(world)
        forgotten(world)
        recovery_log.log_start(order)
        for rows in (order.attempts, order.updates, order.events):
            rows.all().delete()
        order.inbound_requests.all().update(order=None)
        Order.objects.filter(pk=order.pk).delete()
        assert recover_after_restore(timezone.now()).made_again == 0
        assert not Order.objects.exists()


def test_a_journal_that_cannot_be_written_stops_no_erasure(world: World, settings, caplog, tmp_path) -> None:
    order = complete(world)
    in_the_way = tmp_path / "a file"
    in_the_way.touch()
    settings.RECOVERY_LOG_DIR = in_the_way
    forgotten(world)
    assert is_erased(order)
    assert "cannot write the erasure log" in caplog.text
