"""The audit log: who saw whom and who changed what, in lines that nobody changes."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from assessments.models import Order
from integrations.audit import log, triggers
from integrations.models import AuditChainHead, AuditLogEntry, ImmutableRecordError
from tests.fixtures.admin import Desk, signed_in
from tests.fixtures.world import World

LIST = "integrations_auditlogentry_changelist"


def lines(**filters: Any) -> list[tuple[str, str, str, str]]:
    """Who did what to which, oldest first."""
    found = AuditLogEntry.objects.filter(**filters).order_by("pk")
    return [(line.actor, line.action, line.kind, line.object_id) for line in found]


def verify(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("verify_audit", *arguments, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.fixture
def order(world: World) -> Order:
    return world.start()


class TestRecording:
    def test_a_look_at_an_order_and_its_export(self, world: World, org_admin: Desk, order: Order) -> None:
        org_admin.open("assessments_order_change", order.pk)
        org_admin.client.get(reverse("admin:assessments_order_export"), {"status": "accepted"})
        assert lines(organization=world.acme.organization) == [
            ("ada", "viewed", "assessments_order_change", str(order.pk)),
            ("ada", "exported", "assessments_order_export", ""),
        ]
        assert not lines(organization=world.globex.organization), "nothing of theirs was in the file"

    @pytest.mark.parametrize("button", ["note", "hold", "cancel", "retry"])
    def test_a_look_at_a_button_s_page_which_names_the_candidate(
        self, world: World, org_admin: Desk, order: Order, button: str
    ) -> None:
        name = f"assessments_order_{button}"
        assert order.candidate_last_name in org_admin.open(name, order.pk)
        of_acme = lines(organization=world.acme.organization)
        assert of_acme == [("ada", "viewed", name, str(order.pk))]

    def test_every_button_even_one_that_is_refused(self, world: World, support: Desk, order: Order) -> None:
        path = reverse("admin:assessments_order_note", args=[order.pk])
        support.client.post(path, {"reason": "Called Zoë's office"})
        assert ("sam", "asked", "assessments_order_note", str(order.pk)) in lines()

    def test_a_change_names_its_fields_and_no_values(self, world: World, org_admin: Desk) -> None:
        connection_ = world.acme.connection
        posted = {
            "is_enabled": "on",
            "staging_base_url": "https://other.test/x/",
            "verification_key": "fresh-key-01",
        }
        org_admin.press("integrations_connection_change", connection_.pk, **posted)
        (line,) = AuditLogEntry.objects.filter(action="changed")
        assert (line.kind, line.organization) == ("integrations.connection", world.acme.organization)
        assert "Verification key" in str(line.details)
        assert "fresh-key" not in str(line.details)
        assert "other.test" not in str(line.details)

    def test_signing_in_and_failing_to(self, world: World, org_admin: Desk) -> None:
        door = reverse("admin:login")
        for name, typed in (("ada", "wrong"), ("my-password-by-mistake", "x")):
            Client().post(door, {"username": name, "password": typed})
        org_admin.client.post(reverse("admin:logout"))
        assert [line[:2] for line in lines()] == [
            ("ada", "signed_in"),
            ("ada", "sign_in_failed"),
            ("somebody", "sign_in_failed"),
            ("ada", "signed_out"),
        ]

    def test_commands(self, world: World, order: Order) -> None:
        call_command("order", str(order.pk), stdout=StringIO())
        call_command("orders", "--org", "acme", stdout=StringIO())
        found = AuditLogEntry.objects.filter(action="command").order_by("pk")
        assert [(line.kind, line.object_id) for line in found] == [("order", str(order.pk)), ("orders", "")]
        assert found[1].organization == world.acme.organization

    def test_a_button_on_another_organizations_row_adds_nothing_to_its_audit_log(
        self, world: World, org_admin: Desk
    ) -> None:
        path = reverse("admin:integrations_connection_change", args=[world.globex.connection.pk])
        assert org_admin.client.post(path, {}).status_code == 404
        assert lines(organization=world.globex.organization) == []
        assert ("ada", "asked", "integrations_connection_change", str(world.globex.connection.pk)) in lines()

    def test_ashbys_calls_ask_nothing_of_it(self, order: Order) -> None:
        assert lines() == []


class TestTamperProtection:
    @pytest.fixture
    def line(self, world: World) -> AuditLogEntry:
        for number in range(3):
            log.record_entry(log.Action.VIEWED, "ada", organization_id=1, object_id=number)
        return AuditLogEntry.objects.get(sequence=2)

    def test_the_application_does_not(self, line: AuditLogEntry) -> None:
        line.actor = "eve"
        for change in (line.save, line.delete, AuditLogEntry.objects.all().delete):
            with pytest.raises(ImmutableRecordError):
                change()
        with pytest.raises(ImmutableRecordError):
            AuditLogEntry.objects.update(actor="eve")

    def test_the_database_refuses_it_too(self, line: AuditLogEntry) -> None:
        if connection.vendor == "sqlite":
            # Taken away for the tests' own cleaning up.
            with connection.cursor() as cursor:
                cursor.execute(
                    triggers.SQLITE[1].replace("integrations_auditevent", "integrations_auditlogentry")
                )
        for statement in (
            "UPDATE integrations_auditlogentry SET actor = 'eve'",
            "DELETE FROM integrations_auditlogentry",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)

    def test_nobody_at_the_admin_can(self, line: AuditLogEntry, admin_client: Client) -> None:
        for name in ("change", "delete"):
            path = reverse(f"admin:integrations_auditlogentry_{name}", args=[line.pk])
            assert admin_client.post(path, {"post": "yes", "actor": "eve"}).status_code == 403
        assert admin_client.get(reverse("admin:integrations_auditlogentry_add")).status_code == 403

    def test_a_whole_chain_is_found_whole(self, line: AuditLogEntry) -> None:
        assert verify()["ok"]

    @pytest.mark.parametrize(
        ("forgery", "found"),
        [
            ("UPDATE integrations_auditlogentry SET actor = 'eve' WHERE sequence = 2", "line 2 was changed"),
            (
                "UPDATE integrations_auditlogentry SET details = '[1]' WHERE sequence = 1",
                "line 1 was changed",
            ),
            ("DELETE FROM integrations_auditlogentry WHERE sequence = 2", "line 2 was removed"),
            (
                "DELETE FROM integrations_auditlogentry WHERE sequence = 3",
                "it ends with line 2, and line 3 was",
            ),
            ("DELETE FROM integrations_auditlogentry", "it ends with line 0, and line 3 was written last"),
            ("DELETE FROM integrations_auditchainhead", "the record of its last line was removed"),
            (
                "UPDATE integrations_auditchainhead SET last = '2 abc'",
                "the record of its last line was changed",
            ),
        ],
    )
    def test_a_change_in_the_database_is_found(self, line: AuditLogEntry, forgery: str, found: str) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("DROP TRIGGER audit_line_never_changes")
            else:
                cursor.execute("ALTER TABLE integrations_auditlogentry DISABLE TRIGGER USER")
            cursor.execute(forgery)
        with pytest.raises(CommandError, match=found):
            verify()
        log.record_entry(log.Action.VIEWED, "ada", organization_id=1)
        with pytest.raises(CommandError):
            verify()

    def test_a_forged_line_with_a_hash_that_fits_lacks_the_end(self, line: AuditLogEntry) -> None:
        """Who knows how hashes are made can add one, but not the encrypted record of it."""
        last = AuditLogEntry.objects.get(sequence=3)
        forged = AuditLogEntry(
            chain=last.chain,
            sequence=4,
            organization_id=1,
            actor="eve",
            action="viewed",
            previous_hash=last.hash,
        )
        forged.hash = log.hash_of(forged)
        forged.save()
        with pytest.raises(CommandError, match="it ends with line 4, and line 3 was written last"):
            verify()


class TestReading:
    @pytest.fixture(autouse=True)
    def _two_organizations(self, world: World) -> None:
        for tenant, who in ((world.acme, "ann"), (world.globex, "gus")):
            log.record_entry(log.Action.VIEWED, who, organization_id=tenant.organization.pk, object_id="=1+1")

    def test_an_org_admin_reads_their_own(self, org_admin: Desk) -> None:
        page = org_admin.open(LIST)
        assert "ann" in page
        assert "gus" not in page

    def test_support_reads_all_and_finds_by_who(self, support: Desk) -> None:
        page = support.open(LIST)
        assert "ann" in page
        assert "gus" in page
        assert "gus" not in support.open(LIST, q="ann")

    def test_it_goes_into_a_file_which_is_written_down_too(self, org_admin: Desk) -> None:
        answer = org_admin.client.get(reverse("admin:integrations_auditlogentry_export"))
        file = b"".join(answer.streaming_content).decode()
        assert "ann" in file
        assert "gus" not in file
        assert "'=1+1" in file, "no formula"
        assert ("ada", "exported", "integrations_auditlogentry_export", "") in lines()

    def test_the_chain_of_a_single_organization_is_verified(self, world: World) -> None:
        (chain,) = verify("acme")["chains"]
        assert chain["lines"] == 2, "the look, and this command"
        with pytest.raises(CommandError, match="There is no organization"):
            verify("nowhere")


def test_a_person_without_permissions_sees_no_audit_log(world: World) -> None:
    from django.contrib.auth.models import User

    stranger = signed_in(User.objects.create_user("stranger", is_staff=True))
    assert stranger.client.get(reverse(f"admin:{LIST}")).status_code == 403
    assert AuditChainHead.objects.count() == 1
