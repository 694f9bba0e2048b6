"""How django-allauth is fitted in: nobody signs up, secrets are encrypted, and single sign-on lets in only
who was invited."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
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
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.accounts import sessions
from integrations.accounts.invitations import with_address
from integrations.encryption.secrets import Secret


class SecondStep(AuthenticateStage):
    """allauth's own, left out where the identity provider's second factor counts. A password that was
    changed meanwhile, or an account that was switched off, ends the sign-in."""

    def handle(self) -> tuple[Any, bool]:
        self.state["password"] = self._password()
        answer: tuple[Any, bool] = super().handle()
        return answer

    def exit(self) -> HttpResponse:
        if self._password() != self.state.get("password"):
            aborted: HttpResponse = self.abort()
            return aborted
        answer: HttpResponse = super().exit()
        return answer

    def _password(self) -> str:
        """By its keyed hash; none is like another where the account is switched off."""
        person = self.login.user
        return person.get_session_auth_hash() if person and person.is_active else ""

    def _should_handle(self, request: HttpRequest) -> bool:
        is_by_provider = bool(self.login.signal_kwargs and "sociallogin" in self.login.signal_kwargs)
        if is_by_provider and settings.OIDC_PROVIDER_ENFORCES_MFA:
            return False
        return bool(super()._should_handle(request))


_SAID_BY_THE_PAGE = ("account/messages/logged_in.txt", "mfa/messages/recovery_codes_generated.txt")


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return [f"{SecondStep.__module__}.{SecondStep.__qualname__}"]

    def is_reauthentication_required(self, *, app: str, **_kwargs: Any) -> bool:
        """Not of who has just signed in."""
        return not sessions.is_fresh(context.request, settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Who has neither a password nor a second factor here came by single sign-on, and comes again."""
        again = {"id": "again", "description": _("Sign in again"), "url": reverse("sign_in_again")}
        own = {"mfa_reauthenticate:webauthn": _("Use a passkey"), "mfa_reauthenticate": _("Use a code")}
        found = super().get_reauthentication_methods(user)
        named = [{**way, "description": own.get(way["id"], way["description"])} for way in found]
        return named or [again]

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *rest: Any, **more: Any
    ) -> None:
        """Not what the page itself says."""
        if message_template not in _SAID_BY_THE_PAGE:
            super().add_message(request, level, message_template, *rest, **more)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("That code is wrong or was already used. Try the next one."),
    }

    def encrypt(self, text: str) -> str:
        return Secret(text).encrypted()

    def decrypt(self, encrypted_text: str) -> str:
        return Secret(ciphertext=encrypted_text).reveal()

    def _get_site_name(self) -> str:
        return str(settings.MFA_TOTP_ISSUER)

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return _("Passkey")


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    """An account at the identity provider belongs to the one person here who has its verified address at
    the first sign-in; from then on it is known by the provider's own id."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        # Neither a token nor what the provider tells about the person is kept.
        sociallogin.token, sociallogin.account.extra_data = None, {}
        if not sociallogin.is_existing:
            person = _invited(sociallogin)
            if person is None:
                raise ImmediateHttpResponse(_refused(request))
            sociallogin.connect(request, person)
        elif not _may_come(sociallogin.user):
            raise ImmediateHttpResponse(_refused(request))
        else:
            sociallogin.account.save()

    def get_requests_session(self) -> Any:
        """As for our other calls, nothing of the machine's own settings counts: no proxy and no netrc."""
        session = super().get_requests_session()
        session.trust_env = False
        return session

    def on_authentication_error(self, request: HttpRequest, *_rest: Any, **_more: Any) -> None:
        raise ImmediateHttpResponse(did_not_succeed(request))


def _invited(login: SocialLogin) -> User | None:
    """Exactly one active person with the verified address, to whom no other account at the provider
    belongs: an address that was given to somebody else lets nobody into the old account."""
    verified = [address.email for address in login.email_addresses if address.verified]
    # A database may take letters for the same that are not (ı and i): then it is somebody else's address.
    people = [
        person
        for email in verified
        for person in with_address(email)
        if person.email.casefold() == email.casefold()
    ]
    if len(people) != 1 or SocialAccount.objects.filter(user=people[0]).exists():
        return None
    return people[0]


def _may_come(person: Any) -> bool:
    return bool(person.is_active and person.is_staff)


def _refused(request: HttpRequest) -> HttpResponse:
    """The same words whatever is wrong."""
    messages.error(
        request,
        _(
            "That e-mail address has not been invited to this portal. Ask your organization's "
            "admin or an operator."
        ),
    )
    return HttpResponseRedirect(reverse("admin:login"))


def did_not_succeed(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("Single sign-on failed. Try again, or sign in with your password."))
    return HttpResponseRedirect(reverse("admin:login"))
