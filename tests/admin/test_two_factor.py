"""The second step: taken after the password, set up by who has to, changed by who it is, and reset."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client
from django.urls import resolve, reverse

from integrations import encryption
from integrations.models import AuditEvent, Organization
from integrations.two_factor_rule import OPEN
from tests.admin.conftest import colleague, member, signed_in, words
from tests.admin.permission_table import cells
from tests.admin.pressing import Somebody, form
from tests.admin.test_sign_in import PASSWORD, is_in, sign_in
from tests.admin.two_companies import acme
from tests.world import World

SET_UP = "/admin/two-factor/"


@pytest.fixture
def clock() -> Iterator[Any]:
    """Stands still, until a test moves it."""
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        yield clock


@pytest.fixture
def ada(world: World) -> User:
    person = member("ada", world.acme.organization)
    person.set_password(PASSWORD)
    person.save()
    return person


def code_now(secret: str) -> str:
    """What the app shows."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def has_set_up(person: User, clock: Any) -> tuple[str, list[str]]:
    """Sets up an app through the pages; its secret, and the recovery codes. A minute passes."""
    client = signed_in(person).client
    secret = re.findall(r'to-copy">(\w+)<', client.get(reverse("mfa_activate_totp")).content.decode())[0]
    page = client.post(reverse("mfa_activate_totp"), {"code": code_now(secret)}, follow=True)
    codes = re.findall(r"<code>(\d{8})</code>", page.content.decode())
    assert len(codes) == 10
    clock.shift(60)
    return secret, codes


def second_step(client: Client, code: str, address: str = "203.0.113.7") -> Any:
    return client.post(reverse("mfa_authenticate"), {"code": code}, REMOTE_ADDR=address)


def at_the_second_step(name: str = "ada") -> Client:
    client = Client()
    assert sign_in(name, PASSWORD, client=client).url == reverse("mfa_authenticate")
    return client


def trail(action: str) -> list[tuple[str, dict[str, Any]]]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk").values_list("actor", "details"))


class TestTheSecondStep:
    def test_the_password_alone_opens_nothing(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        client = at_the_second_step()
        assert not is_in(client)
        assert "six digits" in words(client.get(reverse("mfa_authenticate")).content.decode())
        before = client.cookies["sessionid"].value
        assert second_step(client, code_now(secret)).url == reverse("admin:index")
        assert is_in(client)
        assert client.cookies["sessionid"].value != before

    def test_who_wanted_a_page_gets_it(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        client, wanted = Client(), reverse("admin:assessments_order_changelist")
        form = {"username": "ada", "password": PASSWORD, "next": wanted}
        client.post(f"{reverse('admin:login')}?next={wanted}", form)
        assert second_step(client, code_now(secret)).url == wanted

    def test_a_code_counts_once_and_not_before_it_was_shown(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        code = code_now(secret)
        assert second_step(at_the_second_step(), code).status_code == 302
        for seconds in (0, 29):
            clock.shift(seconds)
            assert b"was used already" in second_step(at_the_second_step(), code).content
        clock.shift(1)
        assert second_step(at_the_second_step(), code_now(secret)).status_code == 302

    def test_the_code_that_proved_the_app_opens_nothing(self, ada: User, clock: Any) -> None:
        client = signed_in(ada).client
        page = client.get(reverse("mfa_activate_totp")).content.decode()
        secret = re.findall(r'to-copy">(\w+)<', page)[0]
        client.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
        assert second_step(at_the_second_step(), code_now(secret)).status_code == 200

    def test_a_recovery_code_counts_once(self, ada: User, clock: Any) -> None:
        _secret, codes = has_set_up(ada, clock)
        assert second_step(at_the_second_step(), codes[3]).status_code == 302
        assert second_step(at_the_second_step(), codes[3]).status_code == 200
        assert second_step(at_the_second_step(), codes[4]).status_code == 302

    def test_after_five_wrong_ones_even_the_right_one_waits(self, ada: User, clock: Any) -> None:
        secret, codes = has_set_up(ada, clock)
        client = at_the_second_step()
        for number in range(5):
            assert b"Too many tries" not in second_step(client, "000000", f"198.51.100.{number}").content
        for right in (code_now(secret), codes[0]):
            assert b"Too many tries" in second_step(client, right).content
        assert trail("factor_failed") == [("ada", {})] * 5
        clock.shift(601)
        assert second_step(at_the_second_step(), code_now(secret)).status_code == 302

    @pytest.mark.parametrize("answer", ["{}", "[]", '"x"', "null", '{"id": 1}', '{"response": {}}', "\x00"])
    def test_what_is_no_answer_of_a_passkey_is_refused(self, ada: User, clock: Any, answer: str) -> None:
        has_set_up(ada, clock)
        client = at_the_second_step()
        refused = client.post(reverse("mfa_authenticate"), {"credential": answer})
        assert refused.status_code == 200
        assert not is_in(client)

    @pytest.mark.parametrize(
        "answer", ["{}", "[]", '"x"', '{"id": 1}', '{"id": "", "rawId": "", "response": {}}']
    )
    def test_nor_is_it_added(self, ada: User, answer: str) -> None:
        client, page = signed_in(ada).client, reverse("mfa_add_webauthn")
        client.get(page)
        assert client.post(page, {"name": "x", "credential": answer}).status_code == 200
        assert not Authenticator.objects.exists()

    def test_a_password_that_is_changed_meanwhile_counts_no_more(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        client = at_the_second_step()
        ada.set_password("another horse battery")
        ada.save()
        second_step(client, code_now(secret))
        assert not is_in(client)

    def test_who_is_switched_off_meanwhile_stays_out(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        client = at_the_second_step()
        User.objects.filter(pk=ada.pk).update(is_active=False)
        second_step(client, code_now(secret))
        assert not is_in(client)

    def test_it_waits_for_a_quarter_of_an_hour(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        client = at_the_second_step()
        clock.shift(15 * 60 + 1)
        assert second_step(client, code_now(secret)).url == reverse("admin:login")
        assert not is_in(client)

    def test_without_a_password_there_is_no_second_step(self, db: None) -> None:
        for answer in (Client().get(reverse("mfa_authenticate")), second_step(Client(), "000000")):
            assert (answer.status_code, answer.url) == (302, reverse("admin:login"))

    def test_nothing_that_is_stored_gives_a_code(self, ada: User, clock: Any) -> None:
        secret, codes = has_set_up(ada, clock)
        with database.cursor() as cursor:
            cursor.execute("SELECT data FROM mfa_authenticator")
            rows = cursor.fetchall()
        stored = [json.loads(row) for (row,) in rows]
        assert {"secret", "seed"} <= {key for data in stored for key in data}
        for data in stored:
            assert all(text.startswith("gAAAA") for key in ("secret", "seed") if (text := data.get(key)))
        assert not [word for word in [secret, *codes] if word in json.dumps(stored)]

    def test_nor_does_what_waits_to_be_proved(self, ada: User, clock: Any) -> None:
        client, page = signed_in(ada).client, reverse("mfa_activate_totp")
        secret = re.findall(r'to-copy">(\w+)<', client.get(page).content.decode())[0]
        wrong = client.post(page, {"code": "000000"}).content.decode()
        assert secret in wrong, "the same square as before"
        stored = dict(client.session.items())
        assert "mfa.totp.secret" in stored
        assert secret not in json.dumps(stored)
        assert client.post(page, {"code": code_now(secret)}).status_code == 302

    def test_encryption_keys_rotate_and_the_app_goes_on(self, ada: User, clock: Any, settings: Any) -> None:
        secret, codes = has_set_up(ada, clock)
        old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
        settings.FIELD_ENCRYPTION_KEYS = [new, old]
        assert encryption.left()["mfa.Authenticator.data"] == 2
        assert encryption.rotate()["mfa.Authenticator.data"] == 2
        assert not encryption.left()["mfa.Authenticator.data"]
        settings.FIELD_ENCRYPTION_KEYS = [new]
        assert second_step(at_the_second_step(), code_now(secret)).status_code == 302
        assert second_step(at_the_second_step(), codes[0]).status_code == 302

    def test_what_no_key_can_read_is_set_up_anew(self, ada: User, clock: Any, settings: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        assert second_step(at_the_second_step(), code_now(secret)).status_code == 200
        assert encryption.unreadable()["mfa.Authenticator.data"] == 2
        assert encryption.clear_unreadable()["mfa.Authenticator.data"] == 2
        assert sign_in("ada", PASSWORD).url == reverse("admin:index")

    def test_a_failure_says_nothing_of_the_code(self, ada: User, clock: Any) -> None:
        has_set_up(ada, clock)
        second_step(at_the_second_step(), "123456")
        assert "123456" not in json.dumps(list(AuditEvent.objects.values_list("details", flat=True)))


class TestWhoHasTo:
    @pytest.fixture(autouse=True)
    def _required(self, settings: Any) -> None:
        settings.REQUIRE_TWO_FACTOR = True

    @pytest.mark.parametrize("role", ["operator", "support"])
    def test_operators_and_support_set_one_up_at_the_first_sign_in(
        self, world: World, clock: Any, role: str
    ) -> None:
        person = colleague("sam", role)
        client = signed_in(person).client
        page = client.get(reverse("admin:index"), follow=True)
        assert page.redirect_chain == [(SET_UP, 302)]
        assert "Before you go on" in words(page.content.decode())
        has_set_up(person, clock)
        assert is_in(signed_in(person).client)

    def test_nothing_of_the_admin_opens_before(self, world: World) -> None:
        """Every address and list action there is, GET and POST; see ``OPEN`` for what set-up needs."""
        company = acme(world)
        somebody = Somebody(colleague("olga", "operator"))
        tried = 0
        for group, about in cells():
            where = "" if group == "the portal" else group
            path = company.path(where + ("" if about == "." or about.startswith("action ") else about))
            answers = [somebody.asks(path), somebody.posts(path, **form(company), action=about[7:])]
            if name_of(path) in OPEN:
                assert not answers[0].names(["Zoë", "Backend Engineer"]), path
                continue
            tried += 1
            for answer in answers:
                assert (answer.status, answer.leads_to, answer.changed) == (302, SET_UP, False), path
        assert tried > 180

    @pytest.mark.parametrize(
        "path", ["/admin/nonsense", "/admin/x/y/z/", "/admin/jsi18n/", "/admin/autocomplete/"]
    )
    def test_nor_what_is_no_page(self, world: World, path: str) -> None:
        assert signed_in(colleague("olga", "operator")).client.get(path).url == SET_UP

    def test_an_orders_address_leads_to_no_order(self, world: World) -> None:
        order = world.start()
        client = signed_in(colleague("sam", "support")).client
        assert client.get(f"/orders/{order.pk}/", follow=True).redirect_chain[-1][0] == SET_UP

    def test_an_organizations_people_may_and_need_not(self, world: World, ada: User) -> None:
        assert is_in(signed_in(ada).client)
        assert signed_in(ada).client.get(SET_UP).status_code == 200

    def test_who_belongs_to_two_organizations_has_to(self, world: World, ada: User) -> None:
        member("ada", world.globex.organization, "support")
        assert not is_in(signed_in(ada).client)

    def test_a_superuser_has_to(self, db: None) -> None:
        assert not is_in(signed_in(User.objects.create_superuser("root")).client)

    def test_signing_out_and_a_new_password_stay_possible(self, world: World) -> None:
        client = signed_in(colleague("sam", "support")).client
        assert client.post(reverse("admin:logout")).status_code == 200
        assert not client.get(reverse("admin:index")).url.startswith(SET_UP)


class TestAnOrganizationThatAsksForIt:
    def test_its_admin_says_so_and_its_people_set_one_up(self, world: World, ada: User, clock: Any) -> None:
        bea = signed_in(member("bea", world.acme.organization, "support"))
        assert is_in(bea.client)
        desk = signed_in(ada)
        page = reverse("admin:integrations_organization_change", args=[world.acme.organization.pk])
        assert desk.client.post(page, {"require_two_factor": "on", "name": "Stolen"}).status_code == 302
        acme_now = Organization.objects.get(pk=world.acme.organization.pk)
        assert (acme_now.name, acme_now.require_two_factor) == ("Acme", True)
        assert not is_in(bea.client)
        assert not is_in(desk.client), "the one who asked, too"
        has_set_up(ada, clock)
        assert is_in(signed_in(ada).client)

    def test_support_of_it_cannot_take_it_away(self, world: World) -> None:
        hal = signed_in(member("hal", world.acme.organization, "support"))
        page = reverse("admin:integrations_organization_change", args=[world.acme.organization.pk])
        Organization.objects.filter(slug="acme").update(require_two_factor=True)
        has_set_up_already = hal.client.post(page, {})
        assert has_set_up_already.url == SET_UP
        assert Organization.objects.get(slug="acme").require_two_factor


class TestChanging:
    def test_whoever_else_is_signed_in_as_them_is_out(self, ada: User, clock: Any) -> None:
        elsewhere, here = signed_in(ada).client, signed_in(ada).client
        page = here.get(reverse("mfa_activate_totp")).content.decode()
        secret = re.findall(r'to-copy">(\w+)<', page)[0]
        here.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
        assert is_in(here)
        assert not is_in(elsewhere)
        assert trail("factor_added") == [("ada", {"kind": "totp"})]

    def test_a_while_after_the_sign_in_the_password_is_asked_for(self, ada: User, clock: Any) -> None:
        has_set_up(ada, clock)
        client = signed_in(ada).client
        clock.shift(11 * 60)
        asked = client.get(reverse("mfa_deactivate_totp"), follow=True)
        assert asked.redirect_chain[0][0].startswith(reverse("account_reauthenticate"))
        assert client.post(reverse("mfa_deactivate_totp")).status_code == 302
        assert Authenticator.objects.filter(user=ada, type="totp").exists()
        client.post(asked.redirect_chain[0][0], {"password": "wrong"})
        assert client.get(reverse("mfa_deactivate_totp")).status_code == 302
        client.post(asked.redirect_chain[0][0], {"password": PASSWORD})
        client.post(reverse("mfa_deactivate_totp"))
        assert not Authenticator.objects.filter(user=ada).exists(), "nor recovery codes for nothing"
        assert trail("factor_removed") == [("ada", {"kind": "totp"})]

    def test_a_password_is_not_guessed_there(self, ada: User, clock: Any) -> None:
        has_set_up(ada, clock)
        client, again = signed_in(ada).client, reverse("account_reauthenticate")
        clock.shift(11 * 60)
        for _ in range(5):
            client.post(again, {"password": "wrong"})
        assert b"Too many tries" in client.post(again, {"password": PASSWORD}).content

    def test_or_a_code(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        client = signed_in(ada).client
        clock.shift(11 * 60)
        client.post(reverse("mfa_reauthenticate"), {"code": code_now(secret)})
        assert client.get(reverse("mfa_deactivate_totp")).status_code == 200

    def test_who_has_no_password_here_signs_in_again(self, world: World, clock: Any) -> None:
        client = signed_in(colleague("sam", "support")).client
        clock.shift(11 * 60)
        page = client.get(reverse("mfa_activate_totp"), follow=True)
        assert "sign out and in again" in words(page.content.decode())

    def test_recovery_codes_are_shown_once_and_new_ones_replace_them(self, ada: User, clock: Any) -> None:
        _secret, old = has_set_up(ada, clock)
        client, page = signed_in(ada).client, reverse("mfa_view_recovery_codes")
        said = client.get(page).content.decode()
        assert not [code for code in old if code in said]
        made = client.post(reverse("mfa_generate_recovery_codes"), follow=True).content.decode()
        new = re.findall(r"<code>(\d{8})</code>", made)
        assert len(set(new) - set(old)) == 10
        assert new[0] not in client.get(page).content.decode()
        assert second_step(at_the_second_step(), old[0]).status_code == 200
        assert second_step(at_the_second_step(), new[0]).status_code == 302

    @pytest.mark.parametrize("page", ["mfa_edit_webauthn", "mfa_remove_webauthn"])
    def test_nobody_touches_anothers_passkey(self, world: World, ada: User, page: str) -> None:
        data = {"name": "Laptop", "credential": {}}
        hers = Authenticator.objects.create(user=ada, type="webauthn", data=data)
        bea = signed_in(member("bea", world.acme.organization)).client
        for answer in (bea.get(reverse(page, args=[hers.pk])), bea.post(reverse(page, args=[hers.pk]))):
            assert answer.status_code == 404
        assert Authenticator.objects.get(pk=hers.pk).data == data


class TestResetting:
    def test_by_a_command(self, ada: User, clock: Any, capsys: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        client = at_the_second_step()
        second_step(client, code_now(secret))
        call_command("reset_two_factor", "ADA@example.com")
        assert "signed out everywhere" in capsys.readouterr().out
        assert not is_in(client)
        assert sign_in("ada", PASSWORD).url == reverse("admin:index")
        ((actor, details),) = trail("factor_reset")
        assert actor.endswith("on the machine")
        assert details == {"removed": 2}

    @pytest.mark.parametrize("name", ["eve@example.com", ""])
    def test_of_nobody(self, ada: User, name: str) -> None:
        with pytest.raises(CommandError, match=r"There is nobody"):
            call_command("reset_two_factor", name)

    def test_by_an_operator(self, ada: User, clock: Any) -> None:
        has_set_up(ada, clock)
        theirs = signed_in(ada).client
        operator = signed_in(colleague("olga", "operator"))
        said = operator.act("auth_user", "reset_two_factor", ada)
        assert "1 person was signed out" in said
        assert not is_in(theirs)
        assert trail("factor_reset") == [("olga", {"removed": 2})]

    def test_by_nobody_else(self, world: World, ada: User, clock: Any) -> None:
        has_set_up(ada, clock)
        for desk in (
            signed_in(colleague("sam", "support")),
            signed_in(member("bea", world.acme.organization)),
        ):
            posted = {"action": "reset_two_factor", "_selected_action": [ada.pk]}
            assert desk.client.post(reverse("admin:auth_user_changelist"), posted).status_code == 403
        assert Authenticator.objects.filter(user=ada).count() == 2


def name_of(path: str) -> str:
    return str(resolve(path).url_name)
