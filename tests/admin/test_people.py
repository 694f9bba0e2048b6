"""People: invited by mail, with a role in each organization, and seeing nothing else."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Membership, Organization
from integrations.people import organizations_of
from tests.admin.conftest import Desk, colleague, member, signed_in, words
from tests.world import World

INVITE = "integrations_membership_add"


@pytest.fixture
def invited(world: World, org_admin: Desk) -> str:
    """The link in the mail to bea, whom Acme's admin has invited."""
    said = org_admin.press(
        INVITE,
        organization=world.acme.organization.pk,
        email="bea@example.com",
        name="Bea Stone",
        role="org admin",
    )
    assert "was added successfully" in said
    return link_in(mail.outbox[-1].body)


def link_in(body: str) -> str:
    found = re.search(r"https://portal\.test(\S+)", body)
    assert found
    return found[1]


class TestInvitation:
    def test_the_mail_says_who_invites_to_what(self, world: World, invited: str) -> None:
        (message,) = mail.outbox
        assert message.to == ["bea@example.com"]
        assert "Acme" in message.subject
        for text in ("as org admin", "ada invited you", "sign in as bea@example.com", "within 3 days"):
            assert text in message.body

    def test_the_link_leads_to_a_password_and_to_the_own_organization(
        self, world: World, invited: str, client: Client
    ) -> None:
        page = client.get(invited, follow=True)
        form = page.redirect_chain[-1][0]
        assert "token" not in form or "set-password" in form
        password = {"new_password1": "correct horse battery", "new_password2": "correct horse battery"}
        client.post(form, password, follow=True)
        signed = client.post(
            reverse("admin:login"), {"username": "bea@example.com", "password": "correct horse battery"}
        )
        assert signed.status_code == 302
        listed = words(client.get(reverse("admin:integrations_organization_changelist")).content.decode())
        assert "Acme" in listed
        assert "Globex" not in listed

    def test_the_link_works_once_and_not_for_ever(self, invited: str, client: Client) -> None:
        with time_machine.travel(timezone.now() + timedelta(days=4)):
            assert "new_password1" not in client.get(invited, follow=True).content.decode()

    def test_who_lost_the_mail_is_invited_again(self, world: World, invited: str, org_admin: Desk) -> None:
        membership = Membership.objects.get(user__email="bea@example.com")
        org_admin.act("integrations_membership", "invite_again", membership)
        assert len(mail.outbox) == 2

    def test_who_forgot_the_password_gets_a_link(self, invited: str, client: Client) -> None:
        page = client.get(reverse("admin:login")).content.decode()
        assert reverse("admin_password_reset") in page
        client.post(reverse("admin_password_reset"), {"email": "BEA@example.com"})
        assert "https://portal.test/admin/reset/" in mail.outbox[-1].body

    def test_nobody_learns_who_has_an_account(self, world: World, client: Client) -> None:
        member("ada", world.acme.organization)
        answers = [
            client.post(reverse("admin_password_reset"), {"email": email}, follow=True).content
            for email in ("ada@example.com", "nobody@example.com")
        ]
        assert answers[0] == answers[1]

    def test_somebody_with_an_account_keeps_it(self, world: World, invited: str) -> None:
        globex_admin = signed_in(member("gus", world.globex.organization))
        globex_admin.press(
            INVITE, organization=world.globex.organization.pk, email="Bea@Example.com", role="support"
        )
        person = User.objects.get(email__iexact="bea@example.com")
        assert set(person.memberships.values_list("organization__name", "role")) == {
            ("Acme", "org admin"), ("Globex", "support")
        }  # fmt: skip

    def test_a_member_is_not_invited_twice(self, world: World, invited: str, org_admin: Desk) -> None:
        page = org_admin.press(
            INVITE, organization=world.acme.organization.pk, email="bea@example.com", role="support"
        )
        assert "is a member of this organization already" in page
        assert len(mail.outbox) == 1

    def test_nobody_invites_into_another_organization(self, world: World, org_admin: Desk) -> None:
        page = org_admin.press(
            INVITE, organization=world.globex.organization.pk, email="bea@example.com", role="org admin"
        )
        assert "Select a valid choice" in page
        assert "Globex" not in page
        assert not User.objects.filter(email="bea@example.com").exists()

    def test_nobody_invites_an_operator(self, world: World, org_admin: Desk) -> None:
        page = org_admin.press(
            INVITE, organization=world.acme.organization.pk, email="bea@example.com", role="operator"
        )
        assert "Select a valid choice" in page
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.create(
                user=User.objects.get(username="ada"), organization=world.globex.organization, role="operator"
            )

    def test_a_mail_server_that_is_away_is_said(self, world: World, org_admin: Desk, settings) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        page = org_admin.press(
            INVITE, organization=world.acme.organization.pk, email="bea@example.com", role="support"
        )
        assert "could not be sent" in page
        assert "Invite again" in page


class TestMembers:
    def test_a_member_is_removed_and_sees_nothing_any_more(self, world: World, org_admin: Desk) -> None:
        bea = signed_in(member("bea", world.acme.organization))
        order = world.start()
        bea.open("assessments_order_change", order.pk)
        membership = Membership.objects.get(user__username="bea")
        said = org_admin.act("integrations_membership", "remove_members", membership)
        assert "1 member was removed." in said
        page = reverse("admin:assessments_order_change", args=[order.pk])
        assert bea.client.get(page).status_code in (403, 404)

    def test_nobody_removes_themselves(self, world: World, org_admin: Desk) -> None:
        own = Membership.objects.get(user__username="ada")
        assert "You cannot remove yourself." in org_admin.act(
            "integrations_membership", "remove_members", own
        )
        assert Membership.objects.filter(pk=own.pk).exists()

    def test_a_role_is_changed(self, world: World, org_admin: Desk) -> None:
        bea = member("bea", world.acme.organization)
        org_admin.press("integrations_membership_change", bea.memberships.get().pk, role="support")
        assert bea.memberships.get().role == "support"


class TestRoles:
    def test_the_groups_hold_real_permissions(self, world: World) -> None:
        support = Group.objects.get(name="support").permissions
        held = set(support.values_list("codename", flat=True))
        assert {
            "view_order",
            "retry_order",
            "resend_order",
            "poll_order",
            "cancel_order",
            "note_order",
        } <= held
        assert not {name for name in held if "connection" in name or "key" in name or "membership" in name}
        org_admin = set(Group.objects.get(name="org admin").permissions.values_list("codename", flat=True))
        assert {"change_connection", "add_ashbyapikey", "change_package", "add_membership"} <= org_admin
        assert "view_every_organization" not in org_admin
        assert "change_user" in Group.objects.get(name="operator").permissions.values_list(
            "codename", flat=True
        )

    def test_a_role_holds_in_its_organization_only(self, world: World) -> None:
        """Admin of Acme and support of Globex: one may be set up, of both the orders are seen."""
        acme, globex = world.acme.organization, world.globex.organization
        member("mia", acme)
        mia = User.objects.get(pk=member("mia", globex, "support").pk)
        assert mia.has_perm("integrations.change_connection", acme)
        assert not mia.has_perm("integrations.change_connection", globex)
        assert mia.has_perm("assessments.rescue_order", globex)
        assert list(organizations_of(mia, "integrations.change_connection")) == [acme]
        assert list(organizations_of(mia, "assessments.view_order")) == [acme, globex]

    def test_support_that_is_admin_of_one_sets_up_that_one(self, world: World) -> None:
        sam = colleague("sam", "support")
        Membership.objects.create(user=sam, organization=world.acme.organization, role="org admin")
        assert list(organizations_of(sam, "integrations.change_connection")) == [world.acme.organization]
        assert organizations_of(sam, "assessments.view_order").count() == 2

    def test_a_group_without_an_organization_sees_none(self, world: World) -> None:
        assert not organizations_of(colleague("leo", "org admin"), "assessments.view_order").exists()

    def test_who_was_switched_off_may_nothing(self, world: World) -> None:
        user = colleague("olga", "operator")
        user.is_active = False
        assert not user.has_perm("integrations.change_connection", world.acme.organization)
        assert not organizations_of(user, "assessments.view_order").exists()

    def test_one_organization_is_not_asked_for(self, world: World, org_admin: Desk) -> None:
        page = org_admin.html(INVITE)
        acme = Organization.objects.get(slug="acme").pk
        assert f'<option value="{acme}" selected>Acme</option>' in page
        assert "Globex" not in page
