"""Sessions end: after ``SESSION_IDLE_TIMEOUT_SECONDS`` without use, and ``SESSION_COOKIE_AGE`` after the
sign-in whatever happens (OWASP ASVS 5, 7.3); all others of a person when they change how they sign in; all of
them when somebody resets it."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db.models import F
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from integrations.models import SessionEpoch

#: How often the last use is written down.
_NOTED_EVERY_SECONDS = 5 * 60
#: What a page asks by itself says so, and is no use by a person.
BACKGROUND_REFRESH = "X-Background-Refresh"
_BEGAN, _USED, _NUMBER = "began_at", "used_at", "sessions_number"


class SessionTimeoutMiddleware:
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
    is_old = now - began > settings.SESSION_COOKIE_AGE or now - used > settings.SESSION_IDLE_TIMEOUT_SECONDS
    if is_old or session.get(_NUMBER, 0) != _number(request.user):
        logout(request)
        return
    if now - used > _NOTED_EVERY_SECONDS and BACKGROUND_REFRESH not in request.headers:
        session[_USED] = now


def is_fresh(request: HttpRequest, seconds: int) -> bool:
    """Whether the person has signed in within so many seconds."""
    return time.time() - float(request.session.get(_BEGAN, 0)) < seconds


def end_all(person_id: int) -> None:
    """Whoever is signed in as this person is so no more."""
    SessionEpoch.objects.get_or_create(user_id=person_id)
    SessionEpoch.objects.filter(user_id=person_id).update(times=F("times") + 1)


def end_others(request: HttpRequest) -> None:
    """All sessions of the person but the one that asks, which gets a new key."""
    person_id = int(request.user.pk or 0)
    end_all(person_id)
    request.session.cycle_key()
    request.session[_NUMBER] = _number_of(person_id)


def _number(person: Any) -> int:
    """It came with the person, where they were found by their session (``RolesBackend``)."""
    found = getattr(person, "sessions_number", None)
    return _number_of(person.pk) if found is None else int(found)


def _number_of(person_id: Any) -> int:
    return SessionEpoch.objects.filter(user_id=person_id).values_list("times", flat=True).first() or 0


@receiver(user_logged_in)
def _begins(request: HttpRequest, user: User, **_: object) -> None:
    request.session[_BEGAN] = request.session[_USED] = time.time()
    request.session[_NUMBER] = _number_of(user.pk)
