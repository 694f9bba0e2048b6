"""The second factor at sign-in: a code that is accepted once, or a passkey."""

import base64
import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from integrations.accounts.two_factor import totp_code
from integrations.encryption import rotation
from integrations.models import AuditLogEntry
from tests.fixtures.admin import member, signed_in, words
from tests.fixtures.world import World
from tests.integrations.accounts.test_sign_in import PASSWORD, fewer_failures, is_in, sign_in
from tests.integrations.accounts.two_factor import (
    after_password,
    code_now,
    enter_code,
    has_set_up,
    set_up,
    trail,
)

__all__ = ["fewer_failures"]


@pytest.fixture
def ada(world: World) -> User:
    person = member("ada", world.acme.organization)
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """The last six digits of the test vectors in RFC 6238, appendix B, for SHA-1."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert totp_code(secret, seconds // 30) == code


class TestSecondFactor:
    def test_the_password_alone_signs_nobody_in(self, ada: User, clock: Any) -> None:
        secret, _codes = set_up(ada)
        clock.shift(60)
        client = after_password()
        assert not is_in(client)
        assert "six-digit code" in words(client.get(reverse("mfa_authenticate")).content.decode())
        before = client.cookies["sessionid"].value
        assert enter_code(client, code_now(secret)).url == reverse("admin:index")
        assert is_in(client)
        assert client.cookies["sessionid"].value != before

    def test_it_leads_to_the_page_that_was_asked_for(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada)
        client, wanted = Client(), reverse("admin:assessments_order_changelist")
        form = {"username": "ada", "password": PASSWORD, "next": wanted}
        client.post(f"{reverse('admin:login')}?next={wanted}", form)
        assert enter_code(client, code_now(secret)).url == wanted

    def test_a_code_is_accepted_once(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada)
        code = code_now(secret)
        assert enter_code(after_password(), code).status_code == 302
        for seconds in (0, 29):
            clock.shift(seconds)
            assert b"was already used" in enter_code(after_password(), code).content
        clock.shift(1)
        assert enter_code(after_password(), code_now(secret)).status_code == 302

    def test_a_code_is_accepted_once_even_if_the_cache_is_lost(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada)
        assert enter_code(after_password(), code_now(secret)).status_code == 302
        cache.clear()
        typed = f"{code_now(secret)[:3]} {code_now(secret)[3:]}"
        for code in (code_now(secret), typed):
            assert b"was already used" in enter_code(after_password(), code).content

    def test_the_code_that_set_up_the_app_is_not_accepted_again(self, ada: User, clock: Any) -> None:
        client = signed_in(ada).client
        page = client.get(reverse("mfa_activate_totp")).content.decode()
        secret = re.findall(r'to-copy">(\w+)<', page)[0]
        client.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
        assert b"was already used" in enter_code(after_password(), code_now(secret)).content

    def test_a_recovery_code_is_accepted_once(self, ada: User, clock: Any) -> None:
        _secret, codes = set_up(ada)
        assert enter_code(after_password(), codes[3]).status_code == 302
        assert enter_code(after_password(), codes[3]).status_code == 200
        assert enter_code(after_password(), codes[4]).status_code == 302

    def test_the_right_code_is_refused_for_ten_minutes_after_five_wrong_ones(
        self, ada: User, clock: Any
    ) -> None:
        secret, codes = has_set_up(ada)
        client = after_password()
        for number in range(5):
            assert b"Too many attempts" not in enter_code(client, "000000", f"198.51.100.{number}").content
        for right in (code_now(secret), codes[0]):
            assert b"Too many attempts" in enter_code(client, right).content
        assert trail("factor_failed") == [("ada", {})] * 5
        clock.shift(601)
        assert enter_code(after_password(), code_now(secret)).status_code == 302

    def test_a_right_code_does_not_reset_the_limit(self, ada: User, clock: Any) -> None:
        _secret, codes = has_set_up(ada)
        for code in ("000000", "000000", "000000", "000000", codes[0], "000000"):
            enter_code(after_password(), code)
        assert b"Too many attempts" in enter_code(after_password(), codes[1]).content

    def test_wrong_codes_count_against_the_address(self, ada: User, clock: Any, fewer_failures: None) -> None:
        has_set_up(ada)
        client = after_password()
        for number in range(6):
            sign_in(f"person-{number}", "wrong")
        assert enter_code(client, "000000").status_code == 200
        assert b"Too many attempts" in sign_in("bea", "any").content

    def test_another_account_can_sign_in_instead(self, world: World, ada: User, clock: Any) -> None:
        has_set_up(ada)
        User.objects.create_user("bea", None, PASSWORD, is_staff=True)
        client = after_password()
        assert client.get(reverse("account_login")).status_code == 200
        sign_in("bea", PASSWORD, client=client)
        assert is_in(client)

    @pytest.mark.parametrize("answer", ["{}", "[]", '"x"', "null", '{"id": 1}', '{"response": {}}', "\x00"])
    def test_a_malformed_passkey_answer_is_refused(self, ada: User, clock: Any, answer: str) -> None:
        has_set_up(ada)
        client = after_password()
        refused = client.post(reverse("mfa_authenticate"), {"credential": answer})
        assert refused.status_code == 200
        assert not is_in(client)

    @pytest.mark.parametrize(
        "answer", ["{}", "[]", '"x"', '{"id": 1}', '{"id": "", "rawId": "", "response": {}}']
    )
    def test_a_malformed_passkey_is_not_added(self, ada: User, answer: str) -> None:
        client, page = signed_in(ada).client, reverse("mfa_add_webauthn")
        client.get(page)
        assert client.post(page, {"name": "x", "credential": answer}).status_code == 200
        assert not Authenticator.objects.exists()

    def test_a_password_changed_meanwhile_aborts_the_sign_in(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada)
        client = after_password()
        ada.set_password("another horse battery")
        ada.save()
        enter_code(client, code_now(secret))
        assert not is_in(client)

    def test_an_account_deactivated_meanwhile_is_not_signed_in(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada)
        client = after_password()
        User.objects.filter(pk=ada.pk).update(is_active=False)
        enter_code(client, code_now(secret))
        assert not is_in(client)

    def test_it_expires_after_fifteen_minutes(self, ada: User, clock: Any) -> None:
        secret, _codes = has_set_up(ada)
        client = after_password()
        clock.shift(15 * 60 + 1)
        assert enter_code(client, code_now(secret)).url == reverse("admin:login")
        assert not is_in(client)

    def test_it_opens_only_after_the_password(self, db: None) -> None:
        for answer in (Client().get(reverse("mfa_authenticate")), enter_code(Client(), "000000")):
            assert (answer.status_code, answer.url) == (302, reverse("admin:login"))

    def test_stored_secrets_and_recovery_codes_are_encrypted(self, ada: User, clock: Any) -> None:
        secret, codes = set_up(ada)
        with database.cursor() as cursor:
            cursor.execute("SELECT data FROM mfa_authenticator")
            rows = cursor.fetchall()
        stored = [json.loads(row) for (row,) in rows]
        assert {"secret", "seed"} <= {key for data in stored for key in data}
        for data in stored:
            assert all(text.startswith("gAAAA") for key in ("secret", "seed") if (text := data.get(key)))
        assert not [each for each in [secret, *codes] if each in json.dumps(stored)]

    def test_the_secret_of_an_app_being_set_up_is_encrypted_in_the_session(
        self, ada: User, clock: Any
    ) -> None:
        client, page = signed_in(ada).client, reverse("mfa_activate_totp")
        secret = re.findall(r'to-copy">(\w+)<', client.get(page).content.decode())[0]
        wrong = client.post(page, {"code": "000000"}).content.decode()
        assert secret in wrong, "the same QR code as before"
        stored = dict(client.session.items())
        assert "mfa.totp.secret" in stored
        assert secret not in json.dumps(stored)
        assert client.post(page, {"code": code_now(secret)}).status_code == 302

    def test_codes_are_accepted_after_the_encryption_keys_rotated(
        self, ada: User, clock: Any, settings: Any
    ) -> None:
        secret, codes = has_set_up(ada)
        old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
        settings.FIELD_ENCRYPTION_KEYS = [new, old]
        assert rotation.count_pending()["mfa.Authenticator.data"] == 2
        assert rotation.rotate()["mfa.Authenticator.data"] == 2
        assert not rotation.count_pending()["mfa.Authenticator.data"]
        settings.FIELD_ENCRYPTION_KEYS = [new]
        assert enter_code(after_password(), code_now(secret)).status_code == 302
        assert enter_code(after_password(), codes[0]).status_code == 302

    def test_factors_whose_key_is_lost_can_be_cleared(self, ada: User, clock: Any, settings: Any) -> None:
        secret, _codes = has_set_up(ada)
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        assert enter_code(after_password(), code_now(secret)).status_code == 200
        assert rotation.unreadable()["mfa.Authenticator.data"] == 2
        assert rotation.clear_unreadable()["mfa.Authenticator.data"] == 2
        assert sign_in("ada", PASSWORD).url == reverse("admin:index")

    def test_the_audit_log_of_a_failure_does_not_hold_the_code(self, ada: User, clock: Any) -> None:
        has_set_up(ada)
        enter_code(after_password(), "123456")
        assert "123456" not in json.dumps(list(AuditLogEntry.objects.values_list("details", flat=True)))
