"""Setting up two-factor authentication, using it to sign in, and confirming one's identity before a change.

The views are allauth's. Its other URLs are not mounted.
"""

from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.base.views import ReauthenticateView as CodeReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    EditWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from django.views.generic.edit import FormMixin

from integrations.accounts import two_factor
from integrations.audit.log import Action
from integrations.background import enqueue
from integrations.tasks import mail_factor_change

from .page import AdminPageMixin

Kind = Authenticator.Type


class FactorChangeMixin(AdminPageMixin, FormMixin):
    """A form that changes how somebody signs in: audited, mailed, and it ends their other sessions."""

    action = Action.FACTOR_ADDED
    kind = ""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        two_factor.record_factor_change(self.request, self.action, self.kind)
        enqueue(mail_factor_change, self.request.user.pk, self.action, self.kind)
        return response


class Index(AdminPageMixin, IndexView):
    template_name = "two_factor/index.html"


class Authenticate(AdminPageMixin, AuthenticateView):
    template_name = "two_factor/authenticate.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kinds = two_factor.factor_types_of(self.stage.login.user)
        own = {"can_use_app": Kind.TOTP in kinds, "can_use_passkey": Kind.WEBAUTHN in kinds}
        return {**super().get_context_data(**kwargs), **own}


class AddApp(FactorChangeMixin, ActivateTOTPView):
    title, kind = _("Set up an authenticator app"), "totp"
    template_name = "two_factor/app.html"

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        # The code that proved the app must not sign anybody in.
        app = Authenticator.objects.get(user=self.request.user, type=Kind.TOTP)
        two_factor.use_totp_code(app, form.cleaned_data["code"])
        return response


class RemoveApp(FactorChangeMixin, DeactivateTOTPView):
    title, kind, action = _("Remove the authenticator app"), "totp", Action.FACTOR_REMOVED
    template_name = "two_factor/app_remove.html"


class AddPasskey(FactorChangeMixin, AddWebAuthnView):
    title, kind = _("Add a passkey"), "webauthn"
    template_name = "two_factor/passkey.html"


class RenamePasskey(AdminPageMixin, EditWebAuthnView):
    title = _("Rename a passkey")
    template_name = "two_factor/passkey_rename.html"


class RemovePasskey(FactorChangeMixin, RemoveWebAuthnView):
    title, kind, action = _("Remove a passkey"), "webauthn", Action.FACTOR_REMOVED
    template_name = "two_factor/passkey_remove.html"


class RecoveryCodes(AdminPageMixin, ViewRecoveryCodesView):
    title = _("Recovery codes")
    template_name = "two_factor/codes.html"


class NewRecoveryCodes(FactorChangeMixin, GenerateRecoveryCodesView):
    title, kind = _("New recovery codes"), "recovery_codes"
    template_name = "two_factor/codes_new.html"


class ConfirmByPassword(AdminPageMixin, ReauthenticateView):
    title = _("Confirm your identity")
    template_name = "two_factor/confirm.html"


class ConfirmByCode(AdminPageMixin, CodeReauthenticateView):
    title = _("Confirm your identity")
    template_name = "two_factor/confirm.html"


class ConfirmByPasskey(AdminPageMixin, ReauthenticateWebAuthnView):
    title = _("Confirm your identity")
    template_name = "two_factor/confirm_by_passkey.html"


class ConfirmBySigningIn(AdminPageMixin, TemplateView):
    """For people without a password or a factor here: they use single sign-on."""

    title = _("Confirm your identity")
    template_name = "two_factor/confirm_by_signing_in.html"


_PAGES: list[tuple[str, Any, list[str]]] = [
    ("", Index, ["mfa_index", "mfa_list_webauthn"]),
    ("app/", AddApp, ["mfa_activate_totp"]),
    ("app/remove/", RemoveApp, ["mfa_deactivate_totp"]),
    ("passkeys/add/", AddPasskey, ["mfa_add_webauthn"]),
    ("passkeys/<int:pk>/rename/", RenamePasskey, ["mfa_edit_webauthn"]),
    ("passkeys/<int:pk>/remove/", RemovePasskey, ["mfa_remove_webauthn"]),
    ("recovery-codes/", RecoveryCodes, ["mfa_view_recovery_codes"]),
    ("recovery-codes/new/", NewRecoveryCodes, ["mfa_generate_recovery_codes"]),
    ("again/", ConfirmByPassword, ["account_reauthenticate"]),
    ("again/code/", ConfirmByCode, ["mfa_reauthenticate"]),
    ("again/passkey/", ConfirmByPasskey, ["mfa_reauthenticate_webauthn"]),
    ("again/sign-in/", ConfirmBySigningIn, ["sign_in_again"]),
]
urlpatterns = [
    path("second-step/", Authenticate.as_view(), name="mfa_authenticate"),
    *(
        path(route, admin.site.admin_view(view.as_view()), name=name)
        for route, view, names in _PAGES
        for name in names
    ),
]
