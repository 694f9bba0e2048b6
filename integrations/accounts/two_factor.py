"""Two-factor authentication: who must have it, spending a code, and what follows a change or a reset.

The factors are ``Authenticator`` rows of ``allauth.mfa``: an authenticator app, passkeys, and recovery codes
for the day on which neither is at hand. Their secrets are encrypted (``allauth_adapters``).
"""

import base64
import hmac
import re
import time

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.audit import log
from integrations.models import Membership
from integrations.web.client_ip import client_address

from . import sessions
from .sessions import PortalRequest

#: allauth's defaults, and what every authenticator app assumes.
_PERIOD_SECONDS, _DIGITS = 30, 6
#: The key, in an ``Authenticator``'s data, of the time step whose code was used last.
_LAST_STEP = "last_step"
#: For the mail: by the action in the audit log and the type of the factor.
_WHAT_CHANGED = {
    (log.Action.FACTOR_ADDED, Authenticator.Type.TOTP): _("An authenticator app was set up."),
    (log.Action.FACTOR_ADDED, Authenticator.Type.WEBAUTHN): _("A passkey was added."),
    (log.Action.FACTOR_ADDED, Authenticator.Type.RECOVERY_CODES): _("New recovery codes were created."),
    (log.Action.FACTOR_REMOVED, Authenticator.Type.TOTP): _("The authenticator app was removed."),
    (log.Action.FACTOR_REMOVED, Authenticator.Type.WEBAUTHN): _("A passkey was removed."),
    (log.Action.FACTOR_RESET, ""): _("An operator removed your authenticator app, passkeys and codes."),
}


def factor_types_of(person: User) -> set[str]:
    """The types of everything the person has set up, recovery codes included."""
    return set(Authenticator.objects.filter(user=person).values_list("type", flat=True))


def needs_two_factor_setup(request: PortalRequest) -> bool:
    """Whether the person must set up a second factor before anything else."""
    state, person = request.auth_state, request.user
    if state is None or not isinstance(person, User):
        return False
    if state.has_second_factor or _identity_provider_enforced_mfa(request):
        return False
    return state.organization_requires_two_factor or (
        settings.REQUIRE_TWO_FACTOR and _sees_several_organizations(person)
    )


def totp_code(secret: str, step: int) -> str:
    """The code that an app with this base32 secret shows during a time step (RFC 4226, RFC 6238).

    A step is the number of 30-second periods since 1970.
    """
    digest = hmac.digest(base64.b32decode(secret, casefold=True), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)


@transaction.atomic
def use_totp_code(app: Authenticator, code: str) -> bool:
    """Spend a code that allauth found right. False if it, or a later one, was used before.

    allauth remembers used codes in the cache, which may be down or private to one process; the row is
    neither. A code that matches no step is not accepted either.
    """
    row = Authenticator.objects.select_for_update().filter(pk=app.pk).first()
    if row is None:
        return False
    secret, digits = decrypt(row.data["secret"]), re.sub(r"[^0-9]", "", code)
    now, tolerance = int(time.time()) // _PERIOD_SECONDS, settings.MFA_TOTP_TOLERANCE
    for step in range(now - tolerance, now + tolerance + 1):
        if step > row.data.get(_LAST_STEP, 0) and hmac.compare_digest(totp_code(secret, step), digits):
            row.data[_LAST_STEP] = step
            row.save(update_fields=["data"])
            return True
    return False


@transaction.atomic
def record_factor_change(request: HttpRequest, action: log.Action, kind: str) -> None:
    """Write to the audit log what the person set up or removed, and end their other sessions."""
    log.record_entry(
        action,
        request.user.get_username(),
        kind="auth.user",
        object_id=request.user.pk,
        details={"kind": kind},
        address=client_address(request.META),
    )
    sessions.end_others(request)


@transaction.atomic
def reset(person: User, actor: str, address: str = "") -> int:
    """Remove all factors of somebody who lost theirs, and sign them out everywhere.

    ``actor`` and ``address`` go to the audit log. Returns how many factors were removed.
    """
    _total, by_model = Authenticator.objects.filter(user=person).delete()
    sessions.end_all(person.pk)
    removed = int(by_model.get(Authenticator._meta.label, 0))
    log.record_entry(
        log.Action.FACTOR_RESET,
        actor,
        kind="auth.user",
        object_id=person.pk,
        details={"removed": removed},
        address=address,
    )
    return removed


def mail_change(person_id: int, action: str, kind: str = "") -> None:
    """E-mail a person about a change to their factors, so that they can react if it was not theirs.

    ``action`` is an ``audit.Action``, ``kind`` the factor's type. Nothing is sent to somebody who has no
    address or was deleted meanwhile.
    """
    person = User.objects.filter(pk=person_id).exclude(email="").first()
    if person is None:
        return
    what = _WHAT_CHANGED[log.Action(action), kind]
    context = {"person": person, "what": what, "portal": settings.PORTAL_BASE_URL}
    text = render_to_string("notifications/second_factor.txt", context)
    send_mail(gettext("Your two-factor authentication has changed"), text, None, [person.email])


def _sees_several_organizations(person: User) -> bool:
    """By rights of their own or of a group, which hold everywhere, or by several memberships."""
    granted = Permission.objects.filter(Q(group__user=person) | Q(user=person))
    return person.is_superuser or granted.exists() or Membership.objects.filter(user=person).count() > 1


def _identity_provider_enforced_mfa(request: HttpRequest) -> bool:
    """Whether the person signed in at the identity provider, and the operator says that it asks everybody
    for a second factor."""
    if not settings.OIDC_PROVIDER_ENFORCES_MFA:
        return False
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "socialaccount" for record in records)
