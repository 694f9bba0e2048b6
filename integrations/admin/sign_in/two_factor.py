"""Two-factor sign-in: what a person has set up, and setting it up, in the admin's clothes.

The views are django-allauth's; those of its own addresses that are not here are not mounted (404).
"""

from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.base.views import ReauthenticateView as CodeAgainView
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
from django.views.generic.base import ContextMixin
from django.views.generic.edit import FormMixin

from integrations.accounts import two_factor
from integrations.audit.log import Action
from integrations.background import enqueue
from integrations.tasks import mail_factor_change

Kind = Authenticator.Type


class AdminPageMixin(ContextMixin):
    """A page that looks like the admin's others."""

    request: Any
    title: Any = _("Two-factor authentication")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}
        if "form" in kwargs:
            # allauth's view of passkeys makes a new one, without what is wrong.
            context["form"] = kwargs["form"]
        is_missing = two_factor.needs_two_factor_setup(self.request)
        if is_missing:
            # Nothing of it could be opened.
            context |= {"available_apps": [], "is_nav_sidebar_enabled": False}
        return {**context, "title": self.title, "must_set_up": is_missing}


class FactorChangeMixin(AdminPageMixin, FormMixin):
    """A form that changes how somebody signs in."""

    action = Action.FACTOR_ADDED
    kind = ""

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        two_factor.note_change(self.request, self.action, self.kind)
        enqueue(mail_factor_change, self.request.user.pk, self.action, self.kind)
        return answer


class Index(AdminPageMixin, IndexView):
    template_name = "two_factor/index.html"


class SecondStep(AdminPageMixin, AuthenticateView):
    title = _("Two-factor authentication")
    template_name = "two_factor/second_step.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kinds = two_factor.kinds_of(self.stage.login.user)
        own = {"can_use_app": Kind.TOTP in kinds, "can_use_passkey": Kind.WEBAUTHN in kinds}
        return {**super().get_context_data(**kwargs), **own}


class AddApp(FactorChangeMixin, ActivateTOTPView):
    title, kind = _("Set up an authenticator app"), "totp"
    template_name = "two_factor/app.html"

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        # The code that proves the app is used up by that.
        two_factor.verify_code(self.request.user, form.cleaned_data["code"])
        return answer


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


class Codes(AdminPageMixin, ViewRecoveryCodesView):
    title = _("Recovery codes")
    template_name = "two_factor/codes.html"


class NewCodes(FactorChangeMixin, GenerateRecoveryCodesView):
    title, kind = _("New recovery codes"), "recovery_codes"
    template_name = "two_factor/codes_new.html"


class PasswordAgain(AdminPageMixin, ReauthenticateView):
    title = _("Confirm your identity")
    template_name = "two_factor/again.html"


class CodeAgain(AdminPageMixin, CodeAgainView):
    title = _("Confirm your identity")
    template_name = "two_factor/again.html"


class PasskeyAgain(AdminPageMixin, ReauthenticateWebAuthnView):
    title = _("Confirm your identity")
    template_name = "two_factor/again_passkey.html"


class SignInAgain(AdminPageMixin, TemplateView):
    """For who has nothing here to prove who they are: they came by single sign-on."""

    title = _("Confirm your identity")
    template_name = "two_factor/sign_in_again.html"


_PAGES: list[tuple[str, Any, list[str]]] = [
    ("", Index, ["mfa_index", "mfa_list_webauthn"]),
    ("app/", AddApp, ["mfa_activate_totp"]),
    ("app/remove/", RemoveApp, ["mfa_deactivate_totp"]),
    ("passkeys/add/", AddPasskey, ["mfa_add_webauthn"]),
    ("passkeys/<int:pk>/rename/", RenamePasskey, ["mfa_edit_webauthn"]),
    ("passkeys/<int:pk>/remove/", RemovePasskey, ["mfa_remove_webauthn"]),
    ("recovery-codes/", Codes, ["mfa_view_recovery_codes"]),
    ("recovery-codes/new/", NewCodes, ["mfa_generate_recovery_codes"]),
    ("again/", PasswordAgain, ["account_reauthenticate"]),
    ("again/code/", CodeAgain, ["mfa_reauthenticate"]),
    ("again/passkey/", PasskeyAgain, ["mfa_reauthenticate_webauthn"]),
    ("again/sign-in/", SignInAgain, ["sign_in_again"]),
]
urlpatterns = [
    path("second-step/", SecondStep.as_view(), name="mfa_authenticate"),
    *(
        path(route, admin.site.admin_view(view.as_view()), name=name)
        for route, view, names in _PAGES
        for name in names
    ),
]
