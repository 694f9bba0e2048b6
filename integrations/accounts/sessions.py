"""How long sessions last, ending them, and what a request has to know about its session.

Every session is a row of ``allauth.usersessions``, and one without a row has ended: deleting the row signs
a browser out whatever it still sends. Sessions also end ``SESSION_IDLE_TIMEOUT_SECONDS`` after their last use
and ``SESSION_COOKIE_AGE`` after the sign-in (OWASP ASVS 5, 7.3), and, by Django's session hash, with a new
password.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from integrations.models import Membership

#: The header of requests that a page makes without its reader. They do not keep a session alive.
BACKGROUND_REFRESH = "X-Background-Refresh"
#: How often the time of the last use is written.
_SEEN_INTERVAL = timedelta(minutes=5)
#: What makes an account a two-factor account. Recovery codes only stand in for one of these.
FACTOR_TYPES = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


@dataclass(frozen=True)
class AuthState:
    """``began_at`` is the time of the sign-in; ``last_seen_at`` lags behind by a few minutes."""

    began_at: datetime
    last_seen_at: datetime
    has_second_factor: bool
    organization_requires_two_factor: bool


class PortalRequest(HttpRequest):
    """A request that has passed ``SessionTimeoutMiddleware``."""

    #: None for anybody who is not signed in.
    auth_state: AuthState | None


def read_auth_state(request: HttpRequest) -> AuthState | None:
    """Read in one query. None if the session is not in the list of sessions: it was ended."""
    row = _all_states().filter(session_key=request.session.session_key, user=request.user.pk).first()
    return AuthState(*row) if row else None


@cache
def _all_states() -> QuerySet[Any, Any]:
    """The fields of ``AuthState`` for all sessions. Building this query takes longer than running it, so it
    is built once; each request filters it."""
    requiring = Membership.objects.filter(user=OuterRef("user"), organization__require_two_factor=True)
    states: QuerySet[Any, Any] = UserSession.objects.values_list(
        "created_at", "last_seen_at", _has_second_factor("user"), Exists(requiring)
    )
    return states


def with_second_factor(people: QuerySet[User]) -> QuerySet[Any]:
    """Annotate each person with ``has_second_factor``."""
    return people.annotate(has_second_factor=_has_second_factor("pk"))


def _has_second_factor(person: str) -> Exists:
    return Exists(Authenticator.objects.filter(user=OuterRef(person), type__in=FACTOR_TYPES))


def resume(request: HttpRequest) -> AuthState | None:
    """The state of the request's session, whose use is noted; None if the session has ended."""
    state, now = read_auth_state(request), timezone.now()
    if state is None or is_over(state.began_at, state.last_seen_at):
        return None
    if now - state.last_seen_at > _SEEN_INTERVAL and BACKGROUND_REFRESH not in request.headers:
        _row_of(request).update(last_seen_at=now)
    return state


def is_over(began_at: datetime, last_seen_at: datetime) -> bool:
    """Whether a session with these times has passed one of the two time limits."""
    now = timezone.now()
    age, idle = (now - began_at).total_seconds(), (now - last_seen_at).total_seconds()
    return age > settings.SESSION_COOKIE_AGE or idle > settings.SESSION_IDLE_TIMEOUT_SECONDS


def is_fresh(request: PortalRequest, seconds: int) -> bool:
    """Whether the person signed in less than ``seconds`` ago."""
    state = request.auth_state
    return state is not None and timezone.now() - state.began_at < timedelta(seconds=seconds)


def follow_new_key(request: HttpRequest, old_key: str | None) -> None:
    """Keep a session in the list after Django gave it a new key, as it does for a changed password."""
    key = request.session.session_key
    if key != old_key:
        UserSession.objects.filter(session_key=old_key).update(session_key=key)


def end_all(person_id: int) -> None:
    """Sign a person out everywhere."""
    for session in UserSession.objects.filter(user=person_id):
        session.end()


def end_others(request: HttpRequest) -> None:
    """Sign a person out everywhere but here. The session that asks gets a new key."""
    others = UserSession.objects.filter(user=request.user.pk)
    for session in others.exclude(session_key=request.session.session_key):
        session.end()
    request.session.cycle_key()


def delete_ended() -> None:
    """Delete sessions that are over, and the rows of the list whose session is gone. A browser that never
    comes back ends none itself."""
    now = timezone.now()
    idle = now - timedelta(seconds=settings.SESSION_IDLE_TIMEOUT_SECONDS)
    oldest = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    for session in UserSession.objects.filter(Q(last_seen_at__lt=idle) | Q(created_at__lt=oldest)):
        session.end()
    Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()


def _row_of(request: HttpRequest) -> Any:
    return UserSession.objects.filter(session_key=request.session.session_key)


@receiver(user_logged_in)
def _list_session(request: HttpRequest, user: User, **_: object) -> None:
    # Signing in again within a session starts a new session.
    _row_of(request).delete()
    UserSession.objects.create_from_request(request, user=user)


@receiver(user_logged_out)
def _delist_session(request: HttpRequest, **_: object) -> None:
    _row_of(request).delete()
