"""People: invited by mail, with a role in each organization, and seeing nothing else."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.accounts.roles import organizations_of
from integrations.models import Membership, Organization
from tests.fixtures.admin import Desk, colleague, member, signed_in, words
from tests.fixtures.world import World

INVITE = "integrations_membership_add"
LIST = "integrations_membership_changelist"


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


def seen_after_inviting(world: World, desk: Desk, name: str) -> list[str]:
    """All that the inviter is shown of that person, who is then removed; the name itself left out."""
    email = f"{name}@example.com"
    organization = world.acme.organization.pk
    pages = [desk.press(INVITE, organization=organization, email=email, name="Ann Other", role="support")]
    searched = ("", "example", name, "operatorsson", "other", "ann")
    pages += [desk.open(LIST, q=text) for text in searched]
    pages += [desk.open(LIST, o=str(column)) for column in range(1, 8)]
    membership = Membership.objects.get(user__email=email)
    for page in ("change", "history", "delete"):
        pages.append(desk.open(f"integrations_membership_{page}", membership.pk))
    membership.delete()
    return [page.replace(name, "NAME") for page in pages]


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
            reverse("admin:login"),
            {"username": "bea@example.com", "password": password["new_password1"]},
        )
        assert signed.status_code == 302
        listed = words(client.get(reverse("admin:integrations_organization_changelist")).content.decode())
        assert "Acme" in listed
        assert "Globex" not in listed

    def test_the_link_works_once_and_not_for_ever(self, invited: str, client: Client) -> None:
        with time_machine.travel(timezone.now() + timedelta(days=4)):
            assert "new_password1" not in client.get(invited, follow=True).content.decode()

    def test_a_person_who_lost_the_mail_is_invited_again(
        self, world: World, invited: str, org_admin: Desk
    ) -> None:
        membership = Membership.objects.get(user__email="bea@example.com")
        org_admin.act("integrations_membership", "invite_again", membership)
        assert len(mail.outbox) == 2

    def test_a_person_who_forgot_the_password_gets_a_link(
        self, invited: str, client: Client, workers_take_messages: Callable[[], Any]
    ) -> None:
        page = client.get(reverse("admin:login")).content.decode()
        assert reverse("admin_password_reset") in page
        with workers_take_messages():
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
        assert "is already a member of this organization" in page
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

    def test_nobody_learns_by_an_invitation_who_has_an_account(self, world: World, org_admin: Desk) -> None:
        """Not from the answer, the list, its search and order, the member's page or its history."""
        olga = colleague("olga", "operator")
        User.objects.filter(pk=olga.pk).update(
            first_name="Olga", last_name="Operatorsson", last_login=timezone.now() - timedelta(days=1)
        )
        before = User.objects.filter(pk=olga.pk).values().get()
        with time_machine.travel(timezone.now(), tick=False):
            known = seen_after_inviting(world, org_admin, "olga")
            unknown = seen_after_inviting(world, org_admin, "oleg")
        assert known == unknown
        assert User.objects.filter(pk=olga.pk).values().get() == before

    def test_a_person_who_has_signed_in_is_shown_by_name(self, world: World, org_admin: Desk) -> None:
        bea = member("bea", world.acme.organization)
        User.objects.filter(pk=bea.pk).update(first_name="Bea", last_name="Stone")
        assert "Bea Stone" not in org_admin.open(LIST)
        assert "bea@example.com" not in org_admin.open(LIST, q="stone")
        User.objects.filter(pk=bea.pk).update(last_login=timezone.now())
        assert "Bea Stone" in org_admin.open(LIST)
        assert "bea@example.com" in org_admin.open(LIST, q="stone")

    def test_a_locked_account_stays_locked_after_an_invitation(self, world: World, org_admin: Desk) -> None:
        """An operator has taken the sign-in away: an invitation would give back all that they held."""
        max_ = colleague("max", "operator")
        User.objects.filter(pk=max_.pk).update(is_staff=False)
        org_admin.press(
            INVITE, organization=world.acme.organization.pk, email="max@example.com", role="support"
        )
        assert not User.objects.get(pk=max_.pk).is_staff

    def test_an_account_that_held_nothing_is_let_in(self, world: World, org_admin: Desk) -> None:
        User.objects.create_user("new", "new@example.com")
        org_admin.press(
            INVITE, organization=world.acme.organization.pk, email="new@example.com", role="support"
        )
        assert User.objects.get(username="new").is_staff

    @pytest.mark.parametrize(
        ("email", "username"),
        [
            ("Zoe.O'Neil@example.com", "zoe.o-neil@example.com"),
            ("old@example.com", "old@example.com-2"),  # A name that somebody with a new address has kept.
        ],
    )
    def test_any_address_gets_an_account_of_its_own(
        self, world: World, org_admin: Desk, email: str, username: str
    ) -> None:
        User.objects.create_user("old@example.com", "new@example.com", is_staff=True)
        org_admin.press(INVITE, organization=world.acme.organization.pk, email=email, role="support")
        assert User.objects.get(email=email).username == username
        assert mail.outbox[-1].to == [email]
        assert f"sign in as {username}" in mail.outbox[-1].body

    def test_a_mail_server_that_is_away_is_said(self, world: World, org_admin: Desk, settings) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        page = org_admin.press(
            INVITE, organization=world.acme.organization.pk, email="bea@example.com", role="support"
        )
        assert "could not be sent" in page
        assert "Send invitation again" in page


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
        assert mia.has_perm("assessments.resolve_unknown_placement", globex)
        assert list(organizations_of(mia, "integrations.change_connection")) == [acme]
        assert list(organizations_of(mia, "assessments.view_order")) == [acme, globex]

    def test_support_that_is_admin_of_one_sets_up_that_one(self, world: World) -> None:
        sam = colleague("sam", "support")
        Membership.objects.create(user=sam, organization=world.acme.organization, role="org admin")
        assert list(organizations_of(sam, "integrations.change_connection")) == [world.acme.organization]
        assert organizations_of(sam, "assessments.view_order").count() == 2

    def test_a_group_without_an_organization_sees_none(self, world: World) -> None:
        assert not organizations_of(colleague("leo", "org admin"), "assessments.view_order").exists()

    def test_a_deactivated_person_has_no_permissions(self, world: World) -> None:
        user = colleague("olga", "operator")
        user.is_active = False
        assert not user.has_perm("integrations.change_connection", world.acme.organization)
        assert not organizations_of(user, "assessments.view_order").exists()

    def test_one_organization_is_not_asked_for(self, world: World, org_admin: Desk) -> None:
        page = org_admin.html(INVITE)
        acme = Organization.objects.get(slug="acme").pk
        assert f'<option value="{acme}" selected>Acme</option>' in page
        assert "Globex" not in page
