"""Signing in by password or single sign-on, resetting a forgotten password, and ending other sessions.

Nothing here reveals whether a user name or an e-mail address has an account: text, status and time are the
same, since a worker sends the mail.
"""

import logging
from typing import Any

from allauth.account.views import LoginView
from allauth.core import ratelimit
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import admin
from django.contrib.auth import views
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integrations.accounts import sessions
from integrations.accounts.allauth_adapters import single_sign_on_failed
from integrations.accounts.invitations import with_address
from integrations.admin.sign_in import AdminPageMixin
from integrations.background import enqueue
from integrations.tasks import mail_password_link
from integrations.web.client_ip import client_address

logger = logging.getLogger(__name__)

registry.load()

#: The ``provider_id`` of the only identity provider that ``SOCIALACCOUNT_PROVIDERS`` may hold.
PROVIDER = "sso"
#: The id of no person.
NOBODY = 0


class Login(AdminPageMixin, LoginView):
    title = _("Sign in")
    template_name = "admin/login.html"


@never_cache
@require_GET
def to_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    # allauth would also obey other parameters of strangers, such as one to connect another account.
    request.GET = QueryDict(urlencode({"next": request.GET.get("next", "")}))
    return _at_provider(openid_connect.login, request, provider_id)


@never_cache
def from_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _at_provider(openid_connect.callback, request, provider_id)


def _at_provider(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    """Call one of allauth's views, which expects the identity provider to answer, and to answer correctly."""
    try:
        response: HttpResponse = view(request, provider_id)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        logger.warning("single sign-on failed: %s", type(error).__name__)
        return single_sign_on_failed(request)
    return response


class ForgottenPassword(views.PasswordResetView):
    """Django's view, with a limit to the mails and a worker that sends them."""

    def form_valid(self, form: Any) -> HttpResponse:
        email, address = form.cleaned_data["email"], client_address(self.request.META)
        if ratelimit.consume(self.request, action="reset_password", key=email.lower()) and ratelimit.consume(
            self.request, action="reset_password_by_address", key=address
        ):
            # A message in any case: publishing one takes time, and more while the broker is down.
            for person_id in with_address(email).values_list("pk", flat=True) or [NOBODY]:
                enqueue(mail_password_link, person_id)
        return HttpResponseRedirect(reverse("password_reset_done"))


class Sessions(AdminPageMixin, ListUserSessionsView):
    title = _("Where you are signed in")
    template_name = "two_factor/sessions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        # Those whose time is over are not removed before their browser comes back.
        listed = [
            row for row in context["sessions"] if not sessions.is_over(row.created_at, row.last_seen_at)
        ]
        return {**context, "sessions": listed}


urlpatterns = [
    path("sessions/", admin.site.admin_view(Sessions.as_view()), name="usersessions_list"),
    path("login/", Login.as_view(), name="account_login"),
    path("sso/login/", to_provider, {"provider_id": PROVIDER}, name="openid_connect_login"),
    path("sso/callback/", from_provider, {"provider_id": PROVIDER}, name="openid_connect_callback"),
    path("password_reset/", ForgottenPassword.as_view(), name="admin_password_reset"),
    path("password_reset/done/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", views.PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
    path("reset/done/", views.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
]
