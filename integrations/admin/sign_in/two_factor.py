"""Setting up two-factor authentication, using it to sign in, and confirming one's identity before a change.

The views are allauth's. Its other URLs are not mounted.
"""

from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base import views as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from django.views.generic.edit import FormMixin

from integrations.accounts import two_factor
from integrations.admin.sign_in import AdminPageMixin
from integrations.audit.log import Action
from integrations.background import enqueue
from integrations.tasks import mail_factor_change

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


class Authenticate(AdminPageMixin, mfa.AuthenticateView):
    template_name = "two_factor/authenticate.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kinds = two_factor.factor_types_of(self.stage.login.user)
        own = {"can_use_app": Kind.TOTP in kinds, "can_use_passkey": Kind.WEBAUTHN in kinds}
        return {**super().get_context_data(**kwargs), **own}


class AddApp(totp.ActivateTOTPView):
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        # The code that proved the app must not sign anybody in.
        app = Authenticator.objects.get(user=self.request.user, type=Kind.TOTP)
        two_factor.use_totp_code(app, form.cleaned_data["code"])
        return response


def _page(route: str, name: str, view: Any, template: str, title: Any, **change: Any) -> Any:
    """``view`` as a page of the admin. ``change``: the kind and the action of a change of factors."""
    mixin = FactorChangeMixin if change else AdminPageMixin
    attributes = {"template_name": f"two_factor/{template}.html", "title": title, **change}
    page: Any = type(view.__name__, (mixin, view), attributes)
    return path(route, admin.site.admin_view(page.as_view()), name=name)


_CONFIRM = _("Confirm your identity")
_REMOVED = Action.FACTOR_REMOVED
urlpatterns = [
    path("second-step/", Authenticate.as_view(), name="mfa_authenticate"),
    _page("", "mfa_index", mfa.IndexView, "index", AdminPageMixin.title),
    _page("", "mfa_list_webauthn", mfa.IndexView, "index", AdminPageMixin.title),
    _page("app/", "mfa_activate_totp", AddApp, "app", _("Set up an authenticator app"), kind="totp"),
    _page(
        "app/remove/",
        "mfa_deactivate_totp",
        totp.DeactivateTOTPView,
        "app_remove",
        _("Remove the authenticator app"),
        kind="totp",
        action=_REMOVED,
    ),
    _page(
        "passkeys/add/",
        "mfa_add_webauthn",
        webauthn.AddWebAuthnView,
        "passkey",
        _("Add a passkey"),
        kind="webauthn",
    ),
    _page(
        "passkeys/<int:pk>/rename/",
        "mfa_edit_webauthn",
        webauthn.EditWebAuthnView,
        "passkey_rename",
        _("Rename a passkey"),
    ),
    _page(
        "passkeys/<int:pk>/remove/",
        "mfa_remove_webauthn",
        webauthn.RemoveWebAuthnView,
        "passkey_remove",
        _("Remove a passkey"),
        kind="webauthn",
        action=_REMOVED,
    ),
    _page(
        "recovery-codes/",
        "mfa_view_recovery_codes",
        recovery_codes.ViewRecoveryCodesView,
        "codes",
        _("Recovery codes"),
    ),
    _page(
        "recovery-codes/new/",
        "mfa_generate_recovery_codes",
        recovery_codes.GenerateRecoveryCodesView,
        "codes_new",
        _("New recovery codes"),
        kind="recovery_codes",
    ),
    _page("again/", "account_reauthenticate", ReauthenticateView, "confirm", _CONFIRM),
    _page("again/code/", "mfa_reauthenticate", mfa.ReauthenticateView, "confirm", _CONFIRM),
    _page(
        "again/passkey/",
        "mfa_reauthenticate_webauthn",
        webauthn.ReauthenticateWebAuthnView,
        "confirm_by_passkey",
        _CONFIRM,
    ),
    # For people without a password or a factor here: they use single sign-on.
    _page("again/sign-in/", "sign_in_again", TemplateView, "confirm_by_signing_in", _CONFIRM),
]
