"""Erasure requests: the certificate, the orders that are kept, and erasing again after a restore."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from assessments.models import ErasureCertificate, Order
from assessments.privacy.certificates import certificate_as_json, certificate_as_text, certificates_of
from assessments.privacy.eligibility import place_hold
from assessments.privacy.requests import erase_candidate, orders_of_candidate, plan_erasure
from assessments.privacy.retention import erase_due
from assessments.recovery import recover_after_restore
from assessments.recovery_log import log as recovery_log
from assessments.recovery_log.store import Kind
from assessments.support.decisions import resolve_attention
from integrations.audit import log
from integrations.encryption.rotation import count_pending as count_not_under_the_first_key
from integrations.models import AuditLogEntry
from tests.fixtures.world import World, data

ZOE = "zoe.oneil@example.com"


def complete(world: World, number: str = "JF-2026-1", **changes: Any) -> Order:
    world.ashby_takes_everything()
    order = world.placed(number, **changes)
    world.push(order, "Complete", assessment_result=data("result", "Review"))
    world.work()
    return Order.objects.get(pk=order.pk)


def erase(world: World, email: str = ZOE) -> ErasureCertificate:
    return erase_candidate(world.acme.organization, email, "ada", timezone.now())


def is_erased(order: Order) -> bool:
    order.refresh_from_db()
    return order.is_erased


@pytest.mark.anywhere
def test_all_orders_of_the_candidate_are_erased_and_no_others(world: World) -> None:
    own = [complete(world, f"JF-{number}") for number in range(2)]
    other = complete(
        world, "JF-9", candidate={**world.start_body()["candidate"], "email": "zoe.oneil@example.org"}
    )
    certificate = erase(world, " ZOE.ONEIL@example.com ")
    assert sorted(certificate.orders) == sorted(str(order.pk) for order in own)
    assert (certificate.counts["orders"], certificate.kept, certificate.by) == (2, [], "ada")
    assert [is_erased(order) for order in (*own, other)] == [True, True, False]


def test_another_organizations_orders_of_the_same_person_are_kept(world: World) -> None:
    body = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    answer = world.call("/ashby/assessment.start", body, key=world.globex.verification_key)
    theirs = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
    assert orders_of_candidate(world.globex.organization, ZOE) == [theirs]
    assert erase(world).orders == []
    assert not is_erased(theirs)


class TestKeptOrders:
    def test_an_order_under_legal_hold_is_kept(self, world: World) -> None:
        order = complete(world)
        place_hold(order.pk, "ada", "A dispute")
        (kept,) = erase(world).kept
        assert kept["order"] == str(order.pk)
        assert "legal hold" in kept["why"]
        assert not is_erased(order)

    def test_an_active_order_is_kept(self, world: World) -> None:
        order = world.placed()
        (kept,) = erase(world).kept
        assert "in progress (“Received”). Cancel it" in kept["why"]
        assert not is_erased(order)

    def test_an_order_with_undelivered_updates_is_kept_until_they_are_delivered(self, world: World) -> None:
        order = world.placed()
        world.push(order, "Complete", assessment_result=data("result", "Clear"))
        (kept,) = erase(world).kept
        assert "Ashby does not know yet how the check ended" in kept["why"]
        world.ashby_takes_everything()
        world.work()
        assert erase(world).kept == []
        assert is_erased(order)

    def test_an_order_with_a_pending_cancellation_is_kept(self, world: World) -> None:
        world.ashby_takes_everything()
        order = world.placed()
        world.justifacts("assessment.cancel", {}, 503)
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        world.work()
        (kept,) = erase(world).kept
        assert "Justifacts does not know yet that the check was cancelled" in kept["why"]
        assert not is_erased(order)

    def test_an_order_that_needs_attention_is_kept_until_it_is_resolved(self, world: World) -> None:
        """Justifacts may continue and bill the check, so the question must not be erased."""
        world.ashby_takes_everything()
        order = world.placed()
        world.justifacts("assessment.cancel", {"success": False, "errors": ["too_late"]}, 422)
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        world.work()
        (kept,) = erase(world).kept
        assert "The order needs attention" in kept["why"]
        order.refresh_from_db()
        assert (order.is_erased, order.needs_attention) == (False, True)
        resolve_attention(order.pk, "ada", "They have stopped it.")
        assert erase(world).kept == []
        assert is_erased(order)


class TestCertificate:
    def test_the_certificate_says_what_was_erased_by_whom_and_has_no_name(self, world: World) -> None:
        order = complete(world)
        certificate = erase(world)
        for text in (certificate_as_text(certificate), str(certificate_as_json(certificate))):
            assert str(certificate.pk) in text
            assert str(order.pk) in text
            assert "ada" in text
            assert not [name for name in ("zoe", "zoë", "neil") if name in text.casefold()]
        assert "- 1 orders: name, e-mail, links" in certificate_as_text(certificate)

    def test_the_certificate_is_found_by_the_address(self, world: World) -> None:
        certificate = erase(world)
        assert list(certificates_of(world.acme.organization, "Zoe.ONeil@example.com")) == [certificate]
        assert not certificates_of(world.globex.organization, ZOE)
        assert not certificates_of(world.acme.organization, "zoe@example.com")

    @pytest.mark.anywhere
    def test_the_certificate_is_immutable(self, world: World) -> None:
        certificate = erase(world)
        certificate.by = "somebody else"
        for action in (certificate.save, certificate.delete, ErasureCertificate.objects.all().delete):
            with pytest.raises(TypeError):
                action()
        with pytest.raises(TypeError):
            ErasureCertificate.objects.update(by="somebody else")
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE assessments_erasurecertificate SET by = 'somebody else'")

    def test_the_audit_log_records_the_certificate(self, world: World) -> None:
        complete(world)
        certificate = erase(world)
        entry = AuditLogEntry.objects.get(action="erased")
        assert (entry.actor, entry.object_id) == ("ada", str(certificate.pk))
        assert entry.details == {**certificate.counts, "kept": 0}
        assert not [chain for chain in log.verify() if chain.problem]

    def test_the_certificate_says_if_nothing_was_erased(self, world: World) -> None:
        certificate = erase(world, "nobody@example.com")
        assert (certificate.counts, certificate.orders, certificate.kept) == ({}, [], [])
        assert "no data of this candidate could be erased" in certificate_as_text(certificate)


def test_the_plan_matches_the_erasure_and_writes_nothing(world: World) -> None:
    first, second = complete(world, "JF-1"), world.placed("JF-2")
    before = world.row_counts()
    found = plan_erasure(world.acme.organization, ZOE)
    assert (list(found.to_erase), [order for order, _why in found.kept]) == ([first], [second])
    assert (world.row_counts(), ErasureCertificate.objects.count()) == (before, 0)
    certificate = erase(world)
    assert (certificate.orders, certificate.kept[0]["order"]) == ([str(first.pk)], str(second.pk))


class TestRecoveryLog:
    def test_the_entry_of_an_erased_order_is_deleted(self, world: World) -> None:
        erased = complete(world, "JF-1")
        other = complete(
            world, "JF-2", candidate={**world.start_body()["candidate"], "email": "bob@example.com"}
        )
        erase(world)
        entries = list(recovery_log.entries(Kind.START, timezone.now() - timedelta(days=1)))
        assert [entry["assessment_id"] for entry in entries] == [str(other.pk)]
        later = world.start()
        entries = list(recovery_log.entries(Kind.START, timezone.now() - timedelta(days=1)))
        assert {entry["assessment_id"] for entry in entries} == {str(other.pk), str(later.pk)}
        assert str(erased.pk) not in str(entries)
        assert recovery_log.count_pending() == 0
        assert not count_not_under_the_first_key()


class TestAfterARestore:
    """The backup is older than the erasure: the candidate's data is back, and the certificate is gone."""

    @staticmethod
    def restore(order: Order, **changes: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM assessments_erasurecertificate")
        names = [field.attname for field in Order._meta.concrete_fields if not field.primary_key]
        before = {name: getattr(order, name) for name in names}
        Order.objects.filter(pk=order.pk).update(**before | changes)

    @pytest.mark.anywhere
    def test_the_order_is_erased_again_and_the_certificate_re_created(self, world: World) -> None:
        order = complete(world)
        certificate = erase(world)
        self.restore(order)
        assert recover_after_restore(timezone.now()).erased_again == 1
        assert is_erased(order)
        again = ErasureCertificate.objects.get()
        assert certificate_as_json(again) == certificate_as_json(certificate)
        assert recover_after_restore(timezone.now()).erased_again == 0, "a second run finds nothing"

    def test_the_retention_run_repeats_the_erasure_too(self, world: World) -> None:
        order = complete(world)
        erase(world)
        self.restore(order)
        assert erase_due(timezone.now()) == 1
        assert is_erased(order)

    def test_an_order_that_is_active_in_the_backup_is_erased_after_its_end(self, world: World) -> None:
        order = complete(world)
        erase(world)
        open_again = {"status": "in_process", "completed_at": None, "result": "", "turnaround_minutes": None}
        self.restore(order, **open_again)
        assert recover_after_restore(timezone.now()).erased_again == 0
        world.push(order, "Complete", assessment_result=data("result", "Review"))
        assert erase_due(timezone.now()) == 0, "Ashby needs the update first"
        world.work()
        assert erase_due(timezone.now()) == 1
        assert is_erased(order)

    def test_an_order_under_a_new_legal_hold_is_not_erased_again(self, world: World) -> None:
        order = complete(world)
        erase(world)
        self.restore(order)
        place_hold(order.pk, "ada", "A dispute")
        assert recover_after_restore(timezone.now()).erased_again == 0
        assert not is_erased(order)

    def test_an_erased_order_that_is_not_in_the_backup_is_not_rebuilt(self, world: World) -> None:
        """Even if a copy of the recovery log still has its entry."""
        order = complete(world)
        erase(world)
        recovery_log.log_start(order)
        for rows in (order.attempts, order.updates, order.events):
            rows.all().delete()
        order.inbound_requests.all().update(order=None)
        Order.objects.filter(pk=order.pk).delete()
        assert recover_after_restore(timezone.now()).made_again == 0
        assert not Order.objects.exists()


def test_an_erasure_succeeds_if_the_erasure_log_cannot_be_written(
    world: World, settings, caplog, tmp_path
) -> None:
    order = complete(world)
    in_the_way = tmp_path / "a file"
    in_the_way.touch()
    settings.RECOVERY_LOG_DIR = in_the_way
    erase(world)
    assert is_erased(order)
    assert "cannot write the erasure" in caplog.text
