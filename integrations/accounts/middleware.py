"""Middleware that ends sessions, and that keeps people out of the admin until two-factor authentication is
set up."""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse

from . import sessions, two_factor
from .sessions import PortalRequest

#: Names of the URLs that setting up two-factor authentication needs, and the way out. Everything else below
#: the admin's path is closed, whatever it answers with.
OPEN_DURING_SETUP = frozenset(
    {
        *("account_login", "logout", "account_reauthenticate", "sign_in_again"),
        *("mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes"),
        *("password_reset_confirm", "password_reset_complete"),
    }
)

GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionTimeoutMiddleware:
    """Set ``request.auth_state``, or log out a session that has ended. Runs after allauth's middleware."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        cast(PortalRequest, request).auth_state = None
        # Ashby and Justifacts send no cookie: for them the database is not asked.
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return self.get_response(request)
        state = sessions.resume(request)
        if state is None:
            logout(request)
            return self.get_response(request)
        cast(PortalRequest, request).auth_state = state
        person, key = request.session[SESSION_KEY], request.session.session_key
        response = self.get_response(request)
        if request.session.get(SESSION_KEY) == person:
            sessions.follow_new_key(request, key)
        return response


class RequireTwoFactorMiddleware:
    """Redirect to the set-up of two-factor authentication where it is required and missing. Runs after the
    middleware that ends sessions and the one that writes the audit log."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        portal_request = cast(PortalRequest, request)
        path = request.path_info
        is_of_admin = path.startswith(f"/{settings.ADMIN_PATH}/")
        # In this order: the URL is looked up once more only for people without a second factor.
        if is_of_admin and two_factor.needs_two_factor_setup(portal_request) and _is_closed(path):
            return HttpResponseRedirect(reverse("mfa_index"))
        return self.get_response(request)


def _is_closed(path: str) -> bool:
    try:
        return resolve(path).url_name not in OPEN_DURING_SETUP
    except Resolver404:
        return True
