"""The second step: taken after the password, with a code that counts once, or a passkey."""

import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from integrations.encryption import rotation
from integrations.models import AuditLogEntry
from tests.fixtures.admin import member, signed_in, words
from tests.fixtures.world import World
from tests.integrations.accounts.test_sign_in import PASSWORD, is_in, sign_in
from tests.integrations.accounts.two_factor import (
    at_the_second_step,
    code_now,
    has_set_up,
    second_step,
    trail,
)


@pytest.fixture
def ada(world: World) -> User:
    person = member("ada", world.acme.organization)
    person.set_password(PASSWORD)
    person.save()
    return person


class TestTheSecondStep:
    def test_the_password_alone_opens_nothing(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        client = at_the_second_step()
        assert not is_in(client)
        assert "six-digit code" in words(client.get(reverse("mfa_authenticate")).content.decode())
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
            assert b"was already used" in second_step(at_the_second_step(), code).content
        clock.shift(1)
        assert second_step(at_the_second_step(), code_now(secret)).status_code == 302

    def test_the_code_that_proved_the_app_opens_nothing(self, ada: User, clock: Any) -> None:
        client = signed_in(ada).client
        page = client.get(reverse("mfa_activate_totp")).content.decode()
        secret = re.findall(r'to-copy">(\w+)<', page)[0]
        client.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
        answer = second_step(at_the_second_step(), code_now(secret))
        assert (answer.status_code, b"was used already" in answer.content) == (200, True)

    def test_a_recovery_code_counts_once(self, ada: User, clock: Any) -> None:
        _secret, codes = has_set_up(ada, clock)
        assert second_step(at_the_second_step(), codes[3]).status_code == 302
        assert second_step(at_the_second_step(), codes[3]).status_code == 200
        assert second_step(at_the_second_step(), codes[4]).status_code == 302

    def test_after_five_wrong_ones_even_the_right_one_waits(self, ada: User, clock: Any) -> None:
        secret, codes = has_set_up(ada, clock)
        client = at_the_second_step()
        for number in range(5):
            assert b"Too many attempts" not in second_step(client, "000000", f"198.51.100.{number}").content
        for right in (code_now(secret), codes[0]):
            assert b"Too many attempts" in second_step(client, right).content
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
        assert rotation.count_pending()["mfa.Authenticator.data"] == 2
        assert rotation.rotate()["mfa.Authenticator.data"] == 2
        assert not rotation.count_pending()["mfa.Authenticator.data"]
        settings.FIELD_ENCRYPTION_KEYS = [new]
        assert second_step(at_the_second_step(), code_now(secret)).status_code == 302
        assert second_step(at_the_second_step(), codes[0]).status_code == 302

    def test_what_no_key_can_read_is_set_up_anew(self, ada: User, clock: Any, settings: Any) -> None:
        secret, _codes = has_set_up(ada, clock)
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        answer = second_step(at_the_second_step(), code_now(secret))
        assert (answer.status_code, b"was used already" in answer.content) == (200, True)
        assert rotation.unreadable()["mfa.Authenticator.data"] == 2
        assert rotation.clear_unreadable()["mfa.Authenticator.data"] == 2
        assert sign_in("ada", PASSWORD).url == reverse("admin:index")

    def test_a_failure_says_nothing_of_the_code(self, ada: User, clock: Any) -> None:
        has_set_up(ada, clock)
        second_step(at_the_second_step(), "123456")
        assert "123456" not in json.dumps(list(AuditLogEntry.objects.values_list("details", flat=True)))
