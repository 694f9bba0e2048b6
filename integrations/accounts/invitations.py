import re
from collections.abc import Iterable
from itertools import chain, count
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from integrations.models import Membership, Organization


@transaction.atomic
def invite(organization: Organization, email: str, name: str, role: str, who: str) -> Membership:
    """Give a person a role in the organization, and an account if they have none. An existing account is
    not changed. The caller sends the mail. Raises ``ValidationError`` for somebody who is a member."""
    email = email.strip()
    known = User.objects.filter(email__iexact=email).order_by("-is_active", "pk")
    person = known.first() or _new_account(email, name)
    if not person.is_staff and not _holds_anything(person):
        person.is_staff = True
        person.save(update_fields=["is_staff"])
    membership = Membership(user=person, organization=organization, role=role, added_by=who)
    membership.full_clean()
    membership.save()
    return membership


def _new_account(email: str, name: str) -> User:
    """An account without a password: the link in the invitation sets one."""
    person = User(username=_free_username(email), email=email, is_staff=True)
    person.first_name, _space, person.last_name = (part[:150] for part in name.strip().partition(" "))
    person.set_unusable_password()
    person.full_clean(exclude=["password"])
    person.save()
    return person


def _free_username(email: str) -> str:
    """The address, as far as a user name can hold it, with a number if it is taken: somebody whose address
    changed keeps the old one as their user name."""
    wanted = re.sub(r"[^\w.@+-]", "-", email.lower())[:140]
    similar = User.objects.filter(username__istartswith=wanted).values_list("username", flat=True)
    taken = {name.lower() for name in similar}
    return next(name for name in chain([wanted], (f"{wanted}-{n}" for n in count(2))) if name not in taken)


def _holds_anything(person: User) -> bool:
    """Whether the account has rights. If it has, and is not staff, an operator locked it: an invitation must
    not restore those rights."""
    rights = (person.groups, person.user_permissions, person.memberships)
    return person.is_superuser or any(right.exists() for right in rights)


def mail_invitation(membership: Membership) -> None:
    """Mail the invitation, with a link to set a password for somebody who has none. The link works for
    ``PASSWORD_RESET_TIMEOUT``; the login page and a new invitation give a new one."""
    person = membership.user
    link = reverse("admin:index")
    if not person.has_usable_password():
        uid = urlsafe_base64_encode(force_bytes(person.pk))
        link = reverse("password_reset_confirm", args=(uid, default_token_generator.make_token(person)))
    context = {
        "membership": membership,
        "person": person,
        "link": f"{settings.PORTAL_BASE_URL}{link}",
        "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
    }
    subject = _("Invitation to the background check portal of %(organization)s")
    text = render_to_string("notifications/invitation.txt", context)
    send_mail(subject % {"organization": membership.organization}, text, None, [person.email])


def with_address(email: str) -> QuerySet[User]:
    """The people to whom a link to set a password may be mailed at this address. They need not have a
    password yet."""
    return User.objects.filter(email__iexact=email.strip(), is_active=True, is_staff=True)


class _LinkFor(PasswordResetForm):
    def __init__(self, person: User) -> None:
        super().__init__({"email": person.email})
        self._person = person

    def get_users(self, email: str) -> Iterable[Any]:
        return [self._person]


def mail_password_link(person_id: int) -> None:
    """Mail the link, if there is such a person. It leads to ``PORTAL_BASE_URL``, whatever host a caller
    used."""
    person = User.objects.filter(pk=person_id).first()
    form = _LinkFor(person) if person else None
    if form and form.is_valid():
        address = urlsplit(settings.PORTAL_BASE_URL)
        form.save(domain_override=address.netloc, use_https=address.scheme == "https")
