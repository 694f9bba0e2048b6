"""Sessions end: after ``SESSION_IDLE_SECONDS`` without use, and ``SESSION_COOKIE_AGE`` after the sign-in
whatever happens. (OWASP ASVS 5, 7.3)"""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

#: How often the last use is written down.
_NOTED_EVERY_SECONDS = 5 * 60
#: What a page asks by itself says so, and is no use by a person.
BY_ITSELF = "X-By-Itself"
_BEGAN, _USED = "began_at", "used_at"


class SessionsEnd:
    """Middleware, after Django's authentication: who comes with a session that has ended is nobody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            _go_on_or_end(request, time.time())
        return self.get_response(request)


def _go_on_or_end(request: HttpRequest, now: float) -> None:
    session = request.session
    # Who signed in before there were such marks signs in once more.
    began, used = session.get(_BEGAN, 0), session.get(_USED, 0)
    if now - began > settings.SESSION_COOKIE_AGE or now - used > settings.SESSION_IDLE_SECONDS:
        logout(request)
        return
    if now - used > _NOTED_EVERY_SECONDS and BY_ITSELF not in request.headers:
        session[_USED] = now


@receiver(user_logged_in)
def _begins(request: HttpRequest, **_: object) -> None:
    request.session[_BEGAN] = request.session[_USED] = time.time()
