"""allauth's forms for signing in, with the portal's limits to wrong answers and its audit log."""

import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from allauth.account import forms as account_forms
from allauth.account.adapter import get_adapter
from allauth.core import context, ratelimit
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.utils import decrypt, encrypt
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, ReauthenticateWebAuthnForm
from django import forms
from django.contrib.auth.forms import UsernameField
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.accounts import two_factor
from integrations.audit.signals import record_failed_step
from integrations.encryption.secrets import SecretUnreadable
from integrations.web.client_ip import client_address

#: Where allauth keeps, in the session, the secret of an app that no code has proved yet.
_UNPROVED_SECRET = "mfa.totp.secret"  # nosec B105 # noqa: S105 - a key, not a secret


def _password_field(**attributes: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "current-password", **attributes})
    return forms.CharField(label=gettext_lazy("Password"), strip=False, widget=widget)


class LoginForm(account_forms.LoginForm):
    """In HTML the user name is ``username``, as in Django's own form: its template, scripts and password
    managers know that name. allauth calls it ``login``."""

    password = _password_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django's field normalizes Unicode, as it did when the name was chosen.
        widget = forms.TextInput(attrs={"autofocus": True})
        self.fields["login"] = UsernameField(label=_("Username"), max_length=150, widget=widget)

    def add_prefix(self, field_name: str) -> Any:
        return super().add_prefix("username" if field_name == "login" else field_name)

    @property
    def username(self) -> Any:
        return self["login"]


class _LimitedForm(forms.Form):
    """A form of ``self.user``, who gets five wrong answers in ten minutes, from all addresses together.

    Somebody who comes this far knows the password, and six digits are few. allauth has a limit too, but
    each right answer resets it. A wrong answer counts against the address as a wrong password does.
    """

    user: Any

    def limit_failures(self, check: Callable[[], Any]) -> Any:
        """What ``check`` returns. Raises its ``ValidationError``, or one once the limit is reached."""
        limit = {"action": "second_factor_failed", "key": str(self.user.pk)}
        if not ratelimit.consume(context.request, **limit, dry_run=True):
            raise get_adapter().validation_error("too_many_login_attempts")
        try:
            return check()
        except ValidationError:
            address = client_address(context.request.META)
            ratelimit.consume(context.request, **limit)
            ratelimit.consume(context.request, action="login_failed_by_address", key=address)
            record_failed_step(context.request, self.user)
            raise


class _CodeForm(_LimitedForm):
    """A code of the authenticator app, or a recovery code. Each is accepted once."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "size": 12}
        ),
    )
    authenticator: Authenticator

    def clean_code(self) -> Any:
        return self.limit_failures(self._check_code)

    def _check_code(self) -> Any:
        wrong = get_mfa_adapter().validation_error("incorrect_code")
        try:
            code = super().clean_code()  # type: ignore[misc] # of allauth's form
        except SecretUnreadable as error:
            # ``manage.py check`` says what to do.
            raise wrong from error
        is_app = self.authenticator.type == Authenticator.Type.TOTP
        if is_app and not two_factor.use_totp_code(self.authenticator, code):
            raise wrong
        return code


class CodeForm(_CodeForm, AuthenticateForm):
    pass


class ConfirmByCodeForm(_CodeForm, ReauthenticateForm):
    pass


class PasskeyForm(_LimitedForm, AuthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        return self.limit_failures(lambda: _well_formed(super(PasskeyForm, self).clean_credential))


class ConfirmByPasskeyForm(_LimitedForm, ReauthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        return self.limit_failures(lambda: _well_formed(super(ConfirmByPasskeyForm, self).clean_credential))


class ConfirmByPasswordForm(_LimitedForm, account_forms.ReauthenticateForm):
    password = _password_field(autofocus=True)

    def clean_password(self) -> Any:
        return self.limit_failures(super().clean_password)


class AddAppForm(ActivateTOTPForm):
    """Encrypts the app's secret in the session too, where it waits until a code has proved the app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        session = context.request.session
        if unproved := session.pop(_UNPROVED_SECRET, ""):
            with suppress(SecretUnreadable):
                session[_UNPROVED_SECRET] = decrypt(unproved)
        super().__init__(*args, **kwargs)
        session[_UNPROVED_SECRET] = encrypt(self.secret)


class AddPasskeyForm(AddWebAuthnForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80, required=False)

    def clean(self) -> Any:
        return _well_formed(super().clean)


def _well_formed(check: Callable[[], Any]) -> Any:
    """What ``check`` returns. fido2, which reads the browser's answer, expects the right structure."""
    try:
        return check()
    except (LookupError, TypeError, ValueError, AttributeError, struct.error) as error:
        raise ValidationError(_("Your browser's answer cannot be read. Try again."), code="form") from error
