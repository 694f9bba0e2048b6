"""The forms of the second step, and of asking again before a change: allauth's own, with a limit to guessing,
codes that count once, and a line in the audit trail for each failure."""

import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from allauth.account.forms import ReauthenticateForm as PasswordForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.mfa.utils import decrypt, encrypt
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.accounts import two_factor
from integrations.accounts.login_throttle import LoginThrottle
from integrations.audit.signals import record_failed_step
from integrations.encryption.secrets import SecretUnreadable
from integrations.web.client_ip import client_address

#: Whoever comes this far knows the password, and six digits are few: fewer tries than at the first step.
_TRIES_OF_AN_ACCOUNT = 5


class _Counted:
    """A form of ``self.user`` whose wrong answers are counted."""

    user: Any

    def count_failures(self, check: Callable[[], Any]) -> Any:
        address = client_address(context.request.META)
        tries = LoginThrottle("second step", str(self.user.pk), address, _TRIES_OF_AN_ACCOUNT)
        if tries.are_used_up():
            raise ValidationError(_("Too many attempts. Wait ten minutes."), code="too_many_tries")
        try:
            return check()
        except ValidationError:
            tries.count()
            record_failed_step(context.request, self.user)
            raise


class _Code(_Counted, forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "size": 12}
        ),
    )

    def clean_code(self) -> str:
        code: str = self.count_failures(self._take)
        return code

    def _take(self) -> str:
        code = str(self.cleaned_data["code"])
        self.authenticator = two_factor.verify_code(self.user, code)
        if self.authenticator is None:
            raise ValidationError(
                _("That code is wrong or was already used. Wait for the next one."), code="wrong"
            )
        return code


class SecondStepForm(_Code, AuthenticateForm):
    pass


class CodeAgainForm(_Code, ReauthenticateForm):
    pass


class AddAppForm(ActivateTOTPForm):
    """allauth keeps the secret in the session until a code has proved it; here it is encrypted there, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        session = context.request.session
        if waiting := session.pop(SECRET_SESSION_KEY, ""):
            with suppress(SecretUnreadable):
                session[SECRET_SESSION_KEY] = decrypt(waiting)
        super().__init__(*args, **kwargs)
        session[SECRET_SESSION_KEY] = encrypt(self.secret)


class PasskeyForm(_Counted, AuthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        return self.count_failures(lambda: _well_formed(super(PasskeyForm, self).clean_credential))


class PasskeyAgainForm(_Counted, ReauthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        return self.count_failures(lambda: _well_formed(super(PasskeyAgainForm, self).clean_credential))


class AddPasskeyForm(AddWebAuthnForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80, required=False)

    def clean(self) -> Any:
        return _well_formed(super().clean)


def _well_formed(check: Callable[[], Any]) -> Any:
    """What a browser answers is read by fido2, which takes for granted that it is of the right shape."""
    try:
        return check()
    except (LookupError, TypeError, ValueError, AttributeError, struct.error) as error:
        raise ValidationError(
            _("Your browser's response could not be read. Try again."), code="form"
        ) from error


class PasswordAgainForm(_Counted, PasswordForm):
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def clean_password(self) -> str:
        password: str = self.count_failures(super().clean_password)
        return password
