"""How django-allauth is fitted in: its limits, its stages and its messages.

Nobody signs up, secrets are encrypted, and single sign-on lets in only people who were invited.
"""

import ipaddress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context, ratelimit
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.stages import AuthenticateStage
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.accounts.invitations import with_address
from integrations.encryption.secrets import Secret
from integrations.web.client_ip import client_address

from . import sessions

_TOO_MANY_ATTEMPTS = gettext_lazy("Too many attempts. Wait ten minutes, then try again.")
#: Messages of allauth that the page itself makes superfluous.
_SUPERFLUOUS = ("account/messages/logged_in.txt", "mfa/messages/recovery_codes_generated.txt")


class SecondFactorStage(AuthenticateStage):
    """allauth's stage, skipped where the identity provider's second factor counts.

    The sign-in is aborted if the password was changed, or the account deactivated, since the first step.
    """

    def handle(self) -> tuple[Any, bool]:
        self.state["password"] = self._password()
        is_by_provider = bool(self.login.signal_kwargs and "sociallogin" in self.login.signal_kwargs)
        if is_by_provider and settings.OIDC_PROVIDER_ENFORCES_MFA:
            return None, True
        response: tuple[Any, bool] = super().handle()
        return response

    def exit(self) -> HttpResponse:
        is_unchanged = self._password() == self.state.get("password")
        response: HttpResponse = super().exit() if is_unchanged else self.abort()
        return response

    def is_resumable(self, request: HttpRequest) -> bool:
        """False, so that the login page opens for somebody else instead of leading back here."""
        return False

    def _password(self) -> str:
        """A keyed hash of the password; empty for a deactivated account."""
        person = self.login.user
        return person.get_session_auth_hash() if person and person.is_active else ""


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": _TOO_MANY_ATTEMPTS,
        "rate_limited": _TOO_MANY_ATTEMPTS,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return [f"{SecondFactorStage.__module__}.{SecondFactorStage.__qualname__}"]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse every password, right or wrong, once there were too many wrong ones.

        In place of allauth's check, which counts an account from everywhere: five wrong passwords would
        lock somebody out of their account from any address. Raises ``ValidationError``.
        """
        for action, key in _login_limits(request, credentials):
            if not ratelimit.consume(request, action=action, key=key, dry_run=True):
                raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        for action, key in _login_limits(request, credentials):
            ratelimit.consume(request, action=action, key=key)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller's address as the portal reads it; of an IPv6 address the /64 network's first.

        allauth stores it in the list of sessions, whose column holds addresses alone: for a Unix socket
        this is 0.0.0.0.
        """
        address = client_address(request.META).partition("/")[0]
        try:
            return str(ipaddress.ip_address(address))
        except ValueError:
            return "0.0.0.0"  # nosec B104 # noqa: S104 - nothing is bound to it

    def is_safe_url(self, url: str) -> bool:
        """The host that was asked, and no other that the portal may have."""
        request = context.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def is_reauthentication_required(self, *, app: str, **_kwargs: Any) -> bool:
        """Not shortly after signing in."""
        return not sessions.is_fresh(context.request, settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """People without a password or a second factor here use single sign-on: they sign in again."""
        sign_in_again = {"id": "again", "description": _("Sign in again"), "url": reverse("sign_in_again")}
        own = {"mfa_reauthenticate:webauthn": _("Use a passkey"), "mfa_reauthenticate": _("Use a code")}
        found = super().get_reauthentication_methods(user)
        named = [{**way, "description": own.get(way["id"], way["description"])} for way in found]
        return named or [sign_in_again]

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *rest: Any, **more: Any
    ) -> None:
        if message_template not in _SUPERFLUOUS:
            super().add_message(request, level, message_template, *rest, **more)


def _login_limits(request: HttpRequest, credentials: dict[str, Any]) -> list[tuple[str, str]]:
    """Each limit of ``ACCOUNT_RATE_LIMITS`` on wrong passwords, with the key that it is counted by."""
    account, address = str(credentials.get("username") or "").strip().lower(), client_address(request.META)
    return [
        ("login_failed", f"{address} {account}"),
        ("login_failed_by_address", address),
        ("login_failed_by_account", account),
    ]


class MFAAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("That code is wrong or was already used. Wait for the next one."),
    }

    def encrypt(self, text: str) -> str:
        return Secret(text).encrypted()

    def decrypt(self, encrypted_text: str) -> str:
        return Secret(ciphertext=encrypted_text).reveal()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": settings.MFA_TOTP_ISSUER}

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return _("Passkey")


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    """At the first sign-in an account at the identity provider is matched to the one person with its verified
    e-mail address; from then on the provider's own id identifies it."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        # Neither the token nor the person's details at the provider are stored.
        sociallogin.token, sociallogin.account.extra_data = None, {}
        person = sociallogin.user if sociallogin.is_existing else _invited(sociallogin)
        if person is None or not (person.is_active and person.is_staff):
            # The same answer whatever the reason, so that nobody learns who has an account.
            text = _(
                "This address is not invited to the portal. Ask your organization's admin or an operator."
            )
            raise ImmediateHttpResponse(_back_to_login(request, text))
        if sociallogin.is_existing:
            sociallogin.account.save()
        else:
            sociallogin.connect(request, person)

    def get_requests_session(self) -> Any:
        """Without the machine's proxies and netrc, as for the portal's other calls."""
        session = super().get_requests_session()
        session.trust_env = False
        return session

    def on_authentication_error(self, request: HttpRequest, *_rest: Any, **_more: Any) -> None:
        raise ImmediateHttpResponse(single_sign_on_failed(request))


def _invited(login: SocialLogin) -> User | None:
    """The only active person with the verified address, unless they use another account at the provider:
    an address that was given to somebody else must not open the old account."""
    verified = [address.email for address in login.email_addresses if address.verified]
    # A database may take different letters for the same (ı and i): that is somebody else's address.
    found = ((person, email) for email in verified for person in with_address(email))
    people = [person for person, email in found if person.email.casefold() == email.casefold()]
    if len(people) != 1 or SocialAccount.objects.filter(user=people[0]).exists():
        return None
    return people[0]


def _back_to_login(request: HttpRequest, text: str) -> HttpResponse:
    messages.error(request, text)
    return HttpResponseRedirect(reverse("account_login"))


def single_sign_on_failed(request: HttpRequest) -> HttpResponse:
    """Lead back to the login page, with a sentence."""
    return _back_to_login(request, _("Single sign-on failed. Try again, or sign in with your password."))
