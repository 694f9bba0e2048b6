"""Setting up an authenticator app and entering its codes, as a person does."""

import re
import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from integrations.accounts.two_factor import totp_code
from integrations.models import AuditLogEntry
from tests.fixtures.admin import signed_in
from tests.integrations.accounts.test_sign_in import PASSWORD, sign_in


def code_now(secret: str) -> str:
    """What the authenticator app shows."""
    return totp_code(secret, int(time.time()) // 30)


def set_up(person: User) -> tuple[str, list[str]]:
    """Set up an app through the pages; its secret and the recovery codes."""
    client = signed_in(person).client
    secret = re.findall(r'to-copy">(\w+)<', client.get(reverse("mfa_activate_totp")).content.decode())[0]
    page = client.post(reverse("mfa_activate_totp"), {"code": code_now(secret)}, follow=True)
    codes = re.findall(r"<code>(\d{8})</code>", page.content.decode())
    assert len(codes) == 10
    return secret, codes


def has_set_up(person: User) -> tuple[str, list[str]]:
    """The rows that ``set_up`` leaves, without its pages."""
    secret, seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "73656564" * 10
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": encrypt(secret)})
    codes = Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.RECOVERY_CODES,
        data={"seed": encrypt(seed), "used_mask": 0},
    )
    return secret, codes.wrap().get_unused_codes()


def enter_code(client: Client, code: str, address: str = "203.0.113.7") -> Any:
    return client.post(reverse("mfa_authenticate"), {"code": code}, REMOTE_ADDR=address)


def after_password(name: str = "ada") -> Client:
    client = Client()
    assert sign_in(name, PASSWORD, client=client).url == reverse("mfa_authenticate")
    return client


def trail(action: str) -> list[tuple[str, dict[str, Any]]]:
    return list(AuditLogEntry.objects.filter(action=action).order_by("pk").values_list("actor", "details"))
