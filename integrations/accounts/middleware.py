"""Who has to set up a second factor sees nothing of the admin before they have."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse

from integrations.accounts import two_factor

#: What is needed to set one up, and the way out. Every other address below the admin's is closed, whatever
#: it answers with: pages, files, completions.
OPEN = frozenset(
    {
        *("account_login", "logout", "account_reauthenticate", "sign_in_again"),
        *("mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes"),
        *("password_reset_confirm", "password_reset_complete"),
    }
)


class RequireTwoFactorMiddleware:
    """Middleware, after the ones that end sessions and that write the audit trail."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            _is_closed(request.path_info)
            and _is_staff(request)
            and two_factor.needs_two_factor_setup(request)
        ):
            return HttpResponseRedirect(reverse("mfa_index"))
        return self.get_response(request)


def _is_closed(path: str) -> bool:
    if not path.startswith(f"/{settings.ADMIN_PATH}/"):
        return False
    try:
        return resolve(path).url_name not in OPEN
    except Resolver404:
        return True


def _is_staff(request: HttpRequest) -> bool:
    # Without a cookie nothing is asked of the database.
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_staff
