"""What a request has to know about the session and the person behind it, read in one query."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from integrations.models import Membership

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
    """None if the session is not in the list of sessions: it was ended."""
    requiring = Membership.objects.filter(user=OuterRef("user"), organization__require_two_factor=True)
    rows = UserSession.objects.filter(
        session_key=request.session.session_key, user=request.user.pk
    ).values_list("created_at", "last_seen_at", _has_second_factor("user"), Exists(requiring))
    row = rows.first()
    return AuthState(*row) if row else None


def with_second_factor(people: QuerySet[User]) -> QuerySet[Any]:
    """Annotate each person with ``has_second_factor``."""
    return people.annotate(has_second_factor=_has_second_factor("pk"))


def _has_second_factor(person: str) -> Exists:
    return Exists(Authenticator.objects.filter(user=OuterRef(person), type__in=FACTOR_TYPES))
