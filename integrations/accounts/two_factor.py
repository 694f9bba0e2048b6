"""The second step of signing in: who has to have one, who has one, taking a code, and resetting it.

What a person sets up are django-allauth's ``Authenticator`` rows: an app's secret, passkeys, and recovery
codes for the day on which the telephone is lost. Secrets are encrypted (``allauth_adapters.py``).
"""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.accounts import sessions
from integrations.audit import log
from integrations.encryption.secrets import SecretUnreadable
from integrations.models import Membership
from integrations.web.client_ip import client_address

#: What counts by itself; recovery codes only stand in for one of these.
KINDS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
#: The step of the clock whose code was taken last: no code counts twice.
_LAST_STEP = "last_step"
#: By the action of the audit trail, and what it was about.
_WHAT_CHANGED = {
    (log.Action.FACTOR_ADDED, Authenticator.Type.TOTP): _("An authenticator app was set up."),
    (log.Action.FACTOR_ADDED, Authenticator.Type.WEBAUTHN): _("A passkey was added."),
    (log.Action.FACTOR_ADDED, Authenticator.Type.RECOVERY_CODES): _("New recovery codes were generated."),
    (log.Action.FACTOR_REMOVED, Authenticator.Type.TOTP): _("The authenticator app was removed."),
    (log.Action.FACTOR_REMOVED, Authenticator.Type.WEBAUTHN): _("A passkey was removed."),
    (log.Action.FACTOR_RESET, ""): _("An operator removed all second factors."),
}


def with_auth_state(people: QuerySet[User]) -> QuerySet[Any]:
    """With what each request asks of a person, in the question that finds them: whether they have a second
    factor, whether an organization of theirs asks for one, and which of their sessions go on."""
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=KINDS)
    asking = Membership.objects.filter(user=OuterRef("pk"), organization__require_two_factor=True)
    return people.annotate(
        has_second_factor=Exists(factors),
        is_asked_for_one=Exists(asking),
        sessions_number=Coalesce("session_epoch__times", 0),
    )


def kinds_of(person: User) -> set[str]:
    return set(Authenticator.objects.filter(user=person).values_list("type", flat=True))


def requires_two_factor(person: User) -> bool:
    """Whoever sees more than one organization, unless the operator has switched that off; and the members
    of an organization that asks for it."""
    if _standing(person).is_asked_for_one:
        return True
    return settings.REQUIRE_TWO_FACTOR and (
        _holds_rights_everywhere(person) or Membership.objects.filter(user=person).count() > 1
    )


def needs_two_factor_setup(request: HttpRequest) -> bool:
    """Whether the person has to set one up before anything else."""
    person = request.user
    if not isinstance(person, User) or _standing(person).has_second_factor:
        return False
    return not _came_with_a_trusted_one(request) and requires_two_factor(person)


@transaction.atomic
def verify_code(person: User, code: str) -> Authenticator | None:
    """By what the code is right, if it was never used: the app, or the recovery codes. It counts once, in
    whichever process."""
    codes = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN)
    rows = codes.select_for_update().filter(user=person).select_related("user")
    return next((row for row in rows if _takes(row, code)), None)


@transaction.atomic
def note_change(request: HttpRequest, action: log.Action, kind: str) -> None:
    """Writes down what a person has set up or removed for themselves. Whoever else is signed in as them has
    to sign in anew, by what holds now."""
    person = request.user
    log.record_entry(
        action,
        person.get_username(),
        kind="auth.user",
        object_id=person.pk,
        details={"kind": kind},
        address=client_address(request.META),
    )
    sessions.end_others(request)


@transaction.atomic
def reset(person: User, who: str, address: str = "") -> int:
    """Removes all that a person has set up, for who has lost it, and ends their sessions; how many."""
    _total, by_model = Authenticator.objects.filter(user=person).delete()
    sessions.end_all(person.pk)
    count = int(by_model.get(Authenticator._meta.label, 0))
    log.record_entry(
        log.Action.FACTOR_RESET,
        who,
        kind="auth.user",
        object_id=person.pk,
        details={"removed": count},
        address=address,
    )
    return count


def mail_change(person_id: int, action: str, kind: str = "") -> None:
    """Tells a person that the way they sign in was changed, so that who did not do it themselves can speak
    up; no one who has no address, or is gone meanwhile."""
    person = User.objects.filter(pk=person_id).exclude(email="").first()
    if person is None:
        return
    what = _WHAT_CHANGED[log.Action(action), kind]
    context = {"person": person, "what": what, "portal": settings.PORTAL_BASE_URL}
    send_mail(
        gettext("Your two-factor authentication settings have changed"),
        render_to_string("notifications/second_factor.txt", context),
        None,
        [person.email],
    )


def _standing(person: User) -> Any:
    """Who signs in just now was found in another way."""
    if hasattr(person, "has_second_factor"):
        return person
    return with_auth_state(User.objects.filter(pk=person.pk)).get()


def _holds_rights_everywhere(person: User) -> bool:
    """By themselves or by a group, and not only by being a member of an organization."""
    granted = Permission.objects.filter(Q(group__user=person) | Q(user=person))
    return person.is_superuser or granted.exists()


def _came_with_a_trusted_one(request: HttpRequest) -> bool:
    """Signed in at the identity provider, of which the operator says that it asks for a second factor."""
    if not settings.OIDC_PROVIDER_ENFORCES_MFA:
        return False
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "socialaccount" for record in records)


def _takes(row: Authenticator, code: str) -> bool:
    try:
        is_app = row.type == Authenticator.Type.TOTP
        return _takes_of_app(row, code) if is_app else row.wrap().validate_code(code)
    except SecretUnreadable:
        # ``manage.py check`` names it, and says what to do.
        return False


def _takes_of_app(row: Authenticator, code: str) -> bool:
    secret = decrypt(row.data["secret"])
    for step in yield_hotp_counters_from_time():
        is_right = compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step)))
        if is_right and step > row.data.get(_LAST_STEP, 0):
            row.data[_LAST_STEP] = step
            row.save(update_fields=["data"])
            return True
    return False
