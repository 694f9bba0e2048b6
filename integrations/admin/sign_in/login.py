"""Signing in, by a password or by single sign-on, and by a second step for who has one; a forgotten password,
and the first one: both by a link in a mail.

Nothing here tells whether an address or a user name has an account: the same words, the same status and
the same time, as a mail is sent by a worker.
"""

import logging
from typing import Any

from allauth.account.utils import perform_login
from allauth.socialaccount.adapter import get_adapter as single_sign_on
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integrations.accounts.allauth_adapters import did_not_succeed
from integrations.accounts.invitations import with_address
from integrations.accounts.login_throttle import LoginThrottle
from integrations.background import enqueue
from integrations.tasks import mail_password_link
from integrations.web.client_ip import client_address

logger = logging.getLogger(__name__)

#: As ``SOCIALACCOUNT_PROVIDERS`` calls the one provider there may be.
PROVIDER = "sso"
#: Nobody's id.
NOBODY = 0


class SignInForm(AdminAuthenticationForm):
    """Django's own, with a limit to guessing."""

    def clean(self) -> Any:
        address = client_address(self.request.META) if self.request else ""
        tries = LoginThrottle("sign in", self.cleaned_data.get("username") or "", address)
        if tries.are_used_up():
            raise ValidationError(
                _("Too many attempts. Wait ten minutes, or request a link with “Forgotten your password?”"),
                code="too_many_tries",
            )
        try:
            return super().clean()
        except ValidationError:
            tries.count()
            raise


@method_decorator(never_cache, name="dispatch")
class SignIn(views.LoginView):
    """The admin's own sign-in, which hands over to the second step."""

    authentication_form = SignInForm
    template_name = "admin/login.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if admin.site.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = {
            "title": _("Sign in"),
            "app_path": self.request.get_full_path(),
            "username": self.request.user.get_username(),
            "single_sign_on": single_sign_on().list_providers(self.request),
        }
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs), **own}

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = perform_login(
            self.request, form.get_user(), redirect_url=self.get_success_url()
        )
        return answer


@never_cache
@require_GET
def to_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    # What else allauth reads there, and of what is posted first, is not for strangers to say, such as to
    # connect another account.
    request.GET = QueryDict(urlencode({"next": request.GET.get("next", "")}))
    return _at_provider(openid_connect.login, request, provider_id)


@never_cache
def from_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _at_provider(openid_connect.callback, request, provider_id)


def _at_provider(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    """The identity provider may be away, or answer nonsense."""
    try:
        answer: HttpResponse = view(request, provider_id)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        logger.warning("single sign-on did not succeed: %s", type(error).__name__)
        return did_not_succeed(request)
    return answer


class ForgottenPassword(views.PasswordResetView):
    form_class = PasswordResetForm

    def form_valid(self, form: Any) -> HttpResponse:
        email = form.cleaned_data["email"]
        tries = LoginThrottle("forgotten password", email, client_address(self.request.META))
        if not tries.are_used_up():
            tries.count()
            # A message in any case: to publish one takes time, too, and more while the broker is away.
            for person_id in with_address(email).values_list("pk", flat=True) or [NOBODY]:
                enqueue(mail_password_link, person_id)
        return HttpResponseRedirect(reverse("password_reset_done"))


urlpatterns = [
    path("login/", SignIn.as_view(), name="account_login"),
    path("sso/login/", to_provider, {"provider_id": PROVIDER}, name="openid_connect_login"),
    path("sso/callback/", from_provider, {"provider_id": PROVIDER}, name="openid_connect_callback"),
    path("password_reset/", ForgottenPassword.as_view(), name="admin_password_reset"),
    path("password_reset/done/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", views.PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
    path("reset/done/", views.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
]
