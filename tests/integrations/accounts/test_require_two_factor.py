"""Two-factor authentication: who must have it, changing it, and resetting it."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.urls import resolve, reverse

from integrations.accounts.middleware import OPEN_DURING_SETUP
from integrations.models import Organization
from tests.fixtures.admin import colleague, member, signed_in, words
from tests.fixtures.admin_clicks import Browser, form
from tests.fixtures.companies import acme
from tests.fixtures.console import Console
from tests.fixtures.world import World
from tests.integrations.accounts.test_sign_in import PASSWORD, is_in, sign_in
from tests.integrations.accounts.two_factor import (
    after_password,
    code_now,
    enter_code,
    has_set_up,
    set_up,
    trail,
)
from tests.integrations.admin.permission_table import cells

SET_UP = "/admin/two-factor/"


@pytest.fixture
def ada(world: World) -> User:
    person = member("ada", world.acme.organization)
    person.set_password(PASSWORD)
    person.save()
    return person


class TestRequirement:
    @pytest.fixture(autouse=True)
    def _required(self, settings: Any) -> None:
        settings.REQUIRE_TWO_FACTOR = True

    @pytest.mark.parametrize("role", ["operator", "support"])
    def test_operators_and_support_must_set_it_up_at_the_first_sign_in(
        self, world: World, clock: Any, role: str
    ) -> None:
        person = colleague("sam", role)
        client = signed_in(person).client
        page = client.get(reverse("admin:index"), follow=True)
        assert page.redirect_chain == [(SET_UP, 302)]
        assert "before you continue" in words(page.content.decode())
        has_set_up(person)
        assert is_in(signed_in(person).client)

    def test_no_page_or_action_of_the_admin_opens_before_set_up(self, world: World) -> None:
        """Every URL but those in ``OPEN_DURING_SETUP``, and a POST of every form and list action."""
        company = acme(world)
        browser = Browser(colleague("olga", "operator"))
        tried = 0
        for (group, about), wanted in cells().items():
            where = "" if group == "the portal" else group
            path = company.path(where + ("" if about == "." or about.startswith("action ") else about))
            is_action = about.startswith("action ")
            answers = [] if is_action else [browser.asks(path)]
            if is_action or "+" in wanted["operator"][0]:
                answers.append(browser.posts(path, **form(company), action=about[7:]))
            if name_of(path) in OPEN_DURING_SETUP:
                assert not answers[0].names(["Zoë", "Backend Engineer"]), path
                continue
            tried += 1
            for answer in answers:
                assert (answer.status, answer.leads_to, answer.changed) == (302, SET_UP, False), path
        assert tried > 180

    @pytest.mark.parametrize(
        "path", ["/admin/nonsense", "/admin/x/y/z/", "/admin/jsi18n/", "/admin/autocomplete/"]
    )
    def test_unknown_urls_lead_to_the_set_up_too(self, world: World, path: str) -> None:
        assert signed_in(colleague("olga", "operator")).client.get(path).url == SET_UP

    def test_the_url_of_an_order_leads_to_the_set_up(self, world: World) -> None:
        order = world.start()
        client = signed_in(colleague("sam", "support")).client
        assert client.get(f"/orders/{order.pk}/", follow=True).redirect_chain[-1][0] == SET_UP

    def test_members_of_one_organization_may_set_it_up(self, world: World, ada: User) -> None:
        assert is_in(signed_in(ada).client)
        assert signed_in(ada).client.get(SET_UP).status_code == 200

    def test_members_of_two_organizations_must_set_it_up(self, world: World, ada: User) -> None:
        member("ada", world.globex.organization, "support")
        assert not is_in(signed_in(ada).client)

    def test_a_superuser_must_set_it_up(self, db: None) -> None:
        assert not is_in(signed_in(User.objects.create_superuser("root")).client)

    def test_signing_out_is_possible_before_set_up(self, world: World) -> None:
        client = signed_in(colleague("sam", "support")).client
        assert client.post(reverse("admin:logout")).status_code == 200
        assert not client.get(reverse("admin:index")).url.startswith(SET_UP)


class TestOrganizationThatRequiresIt:
    def test_all_its_members_must_set_it_up(self, world: World, ada: User, clock: Any) -> None:
        bea = signed_in(member("bea", world.acme.organization, "support"))
        assert is_in(bea.client)
        desk = signed_in(ada)
        page = reverse("admin:integrations_organization_change", args=[world.acme.organization.pk])
        form = {"require_two_factor": "on", "retention_days": "730", "name": "Stolen"}
        assert desk.client.post(page, form).status_code == 302
        acme_now = Organization.objects.get(pk=world.acme.organization.pk)
        assert (acme_now.name, acme_now.require_two_factor) == ("Acme", True)
        assert not is_in(bea.client)
        assert not is_in(desk.client), "the admin who required it, too"
        has_set_up(ada)
        assert is_in(signed_in(ada).client)

    def test_a_support_member_cannot_turn_it_off(self, world: World) -> None:
        hal = signed_in(member("hal", world.acme.organization, "support"))
        page = reverse("admin:integrations_organization_change", args=[world.acme.organization.pk])
        Organization.objects.filter(slug="acme").update(require_two_factor=True)
        answer = hal.client.post(page, {})
        assert answer.url == SET_UP
        assert Organization.objects.get(slug="acme").require_two_factor


class TestChanging:
    def test_a_change_ends_the_other_sessions(self, ada: User, clock: Any) -> None:
        elsewhere, here = signed_in(ada).client, signed_in(ada).client
        page = here.get(reverse("mfa_activate_totp")).content.decode()
        secret = re.findall(r'to-copy">(\w+)<', page)[0]
        here.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
        assert is_in(here)
        assert not is_in(elsewhere)
        assert trail("factor_added") == [("ada", {"kind": "totp"})]

    def test_the_password_is_required_ten_minutes_after_the_sign_in(self, ada: User, clock: Any) -> None:
        has_set_up(ada)
        client = signed_in(ada).client
        clock.shift(11 * 60)
        asked = client.get(reverse("mfa_deactivate_totp"), follow=True)
        assert asked.redirect_chain[0][0].startswith(reverse("account_reauthenticate"))
        assert client.post(reverse("mfa_deactivate_totp")).status_code == 302
        assert Authenticator.objects.filter(user=ada, type="totp").exists()
        client.post(asked.redirect_chain[0][0], {"password": "wrong"})  # nosec B105 # made up for this test
        assert client.get(reverse("mfa_deactivate_totp")).status_code == 302
        client.post(asked.redirect_chain[0][0], {"password": PASSWORD})
        client.post(reverse("mfa_deactivate_totp"))
        assert not Authenticator.objects.filter(user=ada).exists(), "recovery codes go with the app"
        assert trail("factor_removed") == [("ada", {"kind": "totp"})]

    def test_wrong_passwords_are_limited_there_from_all_addresses_together(
        self, ada: User, clock: Any
    ) -> None:
        has_set_up(ada)
        client, again = signed_in(ada).client, reverse("account_reauthenticate")
        clock.shift(11 * 60)
        for number in range(5):
            address = f"198.51.100.{number}"
            client.post(again, {"password": "wrong"}, REMOTE_ADDR=address)  # nosec B105 # made up
        assert b"Too many attempts" in client.post(again, {"password": PASSWORD}).content

    def test_a_code_confirms_the_identity_in_place_of_the_password(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada)
        client = signed_in(ada).client
        clock.shift(11 * 60)
        assert client.get(reverse("mfa_deactivate_totp")).status_code == 302
        client.post(reverse("mfa_reauthenticate"), {"code": code_now(secret)})
        client.post(reverse("mfa_deactivate_totp"))
        assert not Authenticator.objects.filter(user=ada, type="totp").exists()

    def test_somebody_without_a_password_signs_in_again(self, world: World, clock: Any) -> None:
        client = signed_in(colleague("sam", "support")).client
        clock.shift(11 * 60)
        page = client.get(reverse("mfa_activate_totp"), follow=True)
        assert "sign out, sign in again" in words(page.content.decode())

    def test_recovery_codes_are_shown_once_and_replaced_by_new_ones(self, ada: User, clock: Any) -> None:
        _secret, old = set_up(ada)
        client, page = signed_in(ada).client, reverse("mfa_view_recovery_codes")
        said = client.get(page).content.decode()
        assert not [code for code in old if code in said]
        made = client.post(reverse("mfa_generate_recovery_codes"), follow=True).content.decode()
        new = re.findall(r"<code>(\d{8})</code>", made)
        assert len(set(new) - set(old)) == 10
        assert new[0] not in client.get(page).content.decode()
        assert enter_code(after_password(), old[0]).status_code == 200
        assert enter_code(after_password(), new[0]).status_code == 302

    @pytest.mark.parametrize("page", ["mfa_edit_webauthn", "mfa_remove_webauthn"])
    def test_a_passkey_of_somebody_else_cannot_be_changed(self, world: World, ada: User, page: str) -> None:
        data = {"name": "Laptop", "credential": {}}
        hers = Authenticator.objects.create(user=ada, type="webauthn", data=data)
        bea = signed_in(member("bea", world.acme.organization)).client
        for answer in (bea.get(reverse(page, args=[hers.pk])), bea.post(reverse(page, args=[hers.pk]))):
            assert answer.status_code == 404
        assert Authenticator.objects.get(pk=hers.pk).data == data


class TestMail:
    """Sent by a worker, so that somebody who did not make the change can react."""

    def test_each_change_is_mailed_without_secrets(
        self, ada: User, clock: Any, workers_take_messages: Callable[[], Any]
    ) -> None:
        with workers_take_messages():
            secret, codes = set_up(ada)
            client = signed_in(ada).client
            client.post(reverse("mfa_generate_recovery_codes"))
            client.post(reverse("mfa_deactivate_totp"))
            assert not mail.outbox
        texts = [sent.body for sent in mail.outbox]
        for text, what in zip(texts, ("app was set up", "recovery codes", "app was removed"), strict=True):
            assert what in text
            assert f"account {ada.get_username()}" in text
            assert reverse("admin_password_reset") in text
            assert not [each for each in (secret, *codes) if each in text]
        assert {tuple(sent.to) for sent in mail.outbox} == {(ada.email,)}

    @pytest.mark.parametrize("way", ["operator", "command"])
    def test_a_reset_is_mailed(
        self, ada: User, clock: Any, way: str, workers_take_messages: Callable[[], Any]
    ) -> None:
        has_set_up(ada)
        with workers_take_messages():
            if way == "operator":
                signed_in(colleague("olga", "operator")).act("auth_user", "reset_two_factor", ada)
            else:
                call_command("reset_two_factor", "ada")
        assert "An operator removed your authenticator app" in mail.outbox[-1].body
        assert mail.outbox[-1].to == [ada.email]

    def test_nothing_is_mailed_to_somebody_without_an_address(
        self, ada: User, clock: Any, workers_take_messages: Callable[[], Any]
    ) -> None:
        User.objects.filter(pk=ada.pk).update(email="")
        with workers_take_messages():
            has_set_up(ada)
        assert not mail.outbox


class TestResetting:
    def test_the_command_removes_all_factors_and_sessions(self, ada: User, clock: Any, capsys: Any) -> None:
        secret, _codes = has_set_up(ada)
        client = after_password()
        enter_code(client, code_now(secret))
        call_command("reset_two_factor", "ADA@example.com")
        assert "signed out everywhere" in capsys.readouterr().out
        assert not is_in(client)
        assert sign_in("ada", PASSWORD).url == reverse("admin:index")
        ((actor, details),) = trail("factor_reset")
        assert actor.endswith("on the machine")
        assert details == {"removed": 2}

    def test_the_command_logs_nothing_if_the_broker_is_unavailable(
        self, ada: User, console: Console, monkeypatch: Any, caplog: Any
    ) -> None:
        def broker_unavailable(*_: Any) -> None:
            logging.getLogger("integrations.background").warning("broker is unavailable")

        monkeypatch.setattr("integrations.management.commands.reset_two_factor.enqueue", broker_unavailable)
        console.run("reset_two_factor", "ada")
        assert caplog.records == []
        broker_unavailable()
        assert len(caplog.records) == 1, "logging works again"

    @pytest.mark.parametrize("name", ["eve@example.com", ""])
    def test_the_command_fails_for_an_unknown_person(self, ada: User, name: str) -> None:
        with pytest.raises(CommandError, match=r"There is nobody"):
            call_command("reset_two_factor", name)

    def test_an_operator_resets_it_in_the_list_of_users(self, ada: User, clock: Any) -> None:
        has_set_up(ada)
        theirs = signed_in(ada).client
        operator = signed_in(colleague("olga", "operator"))
        said = operator.act("auth_user", "reset_two_factor", ada)
        assert "1 person was signed out" in said
        assert not is_in(theirs)
        assert trail("factor_reset") == [("olga", {"removed": 2})]

    def test_support_and_members_cannot_reset_it(self, world: World, ada: User, clock: Any) -> None:
        has_set_up(ada)
        for desk in (
            signed_in(colleague("sam", "support")),
            signed_in(member("bea", world.acme.organization)),
        ):
            posted = {"action": "reset_two_factor", "_selected_action": [ada.pk]}
            assert desk.client.post(reverse("admin:auth_user_changelist"), posted).status_code == 403
        assert Authenticator.objects.filter(user=ada).count() == 2


def name_of(path: str) -> str:
    return str(resolve(path).url_name)
