"""Who may see and do what: roles, the organizations that a person sees, and inviting people.

A role is a group with Django permissions. A person has it for every organization (by being in the
group *operator* or *support*) or for one (by a ``Membership``); what a person may do in an
organization is asked with ``user.has_perm(permission, organization)``.
"""

import re
from collections.abc import Iterable
from itertools import chain, count
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import AbstractUser, AnonymousUser, Permission, User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from .models import Membership, Organization
from .second_factor import with_standing

Person = AbstractUser | AnonymousUser

EVERY_ORGANIZATION = "integrations.view_every_organization"


class RolesBackend(ModelBackend):
    """Django's own sign-in and permissions, and those of a person's memberships.

    Without an object, a permission says that the person has it somewhere: enough to show a list. With
    an organization as the object it says that they have it there.
    """

    def get_user(self, user_id: int) -> Any:
        """Whose session it is, with what each request asks of them."""
        person = with_standing(User.objects.filter(pk=user_id)).first()
        return person if person and self.user_can_authenticate(person) else None

    def _get_group_permissions(self, user_obj: Any) -> QuerySet[Permission]:
        roles = Membership.objects.filter(user=user_obj).values("role")
        return Permission.objects.filter(Q(group__user=user_obj) | Q(group__name__in=roles)).distinct()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not isinstance(obj, Organization):
            return bool(super().has_perm(user_obj, perm, obj))
        return bool(user_obj.is_active) and (
            perm in _permissions_everywhere(user_obj) or perm in _permissions_in(user_obj).get(obj.pk, ())
        )


def organizations_of(person: Person, *permissions: str) -> QuerySet[Organization]:
    """The organizations in which the person has at least one of the permissions."""
    if sees_every_organization(person, *permissions):
        return Organization.objects.all()
    own = _permissions_in(person)
    return Organization.objects.filter(
        pk__in=[pk for pk, granted in own.items() if granted.intersection(permissions)]
    )


def sees_every_organization(person: Person, *permissions: str) -> bool:
    """Whether the person has one of the permissions in every organization there is and will be."""
    if not person.is_active:
        return False
    return bool(person.is_superuser) or bool(_permissions_everywhere(person).intersection(permissions))


@transaction.atomic
def invite(organization: Organization, email: str, name: str, role: str, who: str) -> Membership:
    """Gives a person a role in the organization, and an account if they have none. An account that is
    there stays as it is. Mailing them is the caller's. Raises ``ValidationError`` where they are a
    member already."""
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
    """Without a password: the mail to the address leads to one."""
    person = User(username=_free_username(email), email=email, is_staff=True)
    person.first_name, _space, person.last_name = (part[:150] for part in name.strip().partition(" "))
    person.set_unusable_password()
    person.full_clean(exclude=["password"])
    person.save()
    return person


def _free_username(email: str) -> str:
    """The address, as far as a user name can be one. Somebody else may have it as their name: who got
    another address has kept the old one for a name."""
    wanted = re.sub(r"[^\w.@+-]", "-", email.lower())[:140]
    taken = {
        name.lower()
        for name in User.objects.filter(username__istartswith=wanted).values_list("username", flat=True)
    }
    return next(name for name in chain([wanted], (f"{wanted}-{n}" for n in count(2))) if name not in taken)


def _holds_anything(person: User) -> bool:
    """An account that may do something and is no staff was shut out by an operator: to let it in again
    would give back all that it held, and is theirs to decide."""
    rights = (person.groups, person.user_permissions, person.memberships)
    return person.is_superuser or any(right.exists() for right in rights)


def mail_invitation(membership: Membership) -> None:
    """Tells the person, with a link by which who has no password yet sets one. The link works for
    ``PASSWORD_RESET_TIMEOUT``; a new one comes by “Forgotten your password?” or a new invitation."""
    person = membership.user
    link = reverse("admin:index")
    if not person.has_usable_password():
        link = reverse(
            "password_reset_confirm",
            kwargs={
                "uidb64": urlsafe_base64_encode(force_bytes(person.pk)),
                "token": default_token_generator.make_token(person),
            },
        )
    context = {
        "membership": membership,
        "person": person,
        "link": f"{settings.PORTAL_BASE_URL}{link}",
        "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
    }
    send_mail(
        _("You are invited to the background checks of %(organization)s")
        % {"organization": membership.organization},
        render_to_string("notices/invitation.txt", context),
        None,
        [person.email],
    )


def with_address(email: str) -> QuerySet[User]:
    """Who may have a link mailed there by which they choose a password: invited people who have not
    chosen one yet too."""
    return User.objects.filter(email__iexact=email.strip(), is_active=True, is_staff=True)


class _LinkFor(PasswordResetForm):
    def __init__(self, person: User) -> None:
        super().__init__({"email": person.email})
        self._person = person

    def get_users(self, email: str) -> Iterable[Any]:
        return [self._person]


def mail_password_link(person_id: int) -> None:
    """Mails the link, if there is such a person. It leads to the portal's public address, whatever name a
    caller used."""
    person = User.objects.filter(pk=person_id).first()
    form = _LinkFor(person) if person else None
    if form and form.is_valid():
        address = urlsplit(settings.PORTAL_BASE_URL)
        form.save(domain_override=address.netloc, use_https=address.scheme == "https")


def _permissions_everywhere(person: Any) -> frozenset[str]:
    """What the person may do in every organization. Asked of the database once for each request, as
    Django does with the permissions themselves."""
    if not hasattr(person, "_permissions_everywhere"):
        granted = Permission.objects.filter(Q(group__user=person) | Q(user=person))
        names = frozenset(_names(granted))
        person._permissions_everywhere = names if EVERY_ORGANIZATION in names else frozenset()
    found: frozenset[str] = person._permissions_everywhere
    return found


def _permissions_in(person: Any) -> dict[int, frozenset[str]]:
    """The person's permissions in each organization that they are a member of."""
    if not hasattr(person, "_permissions_in"):
        roles = dict(Membership.objects.filter(user=person.pk).values_list("organization_id", "role"))
        of_role = {
            role: frozenset(_names(Permission.objects.filter(group__name=role)))
            for role in set(roles.values())
        }
        person._permissions_in = {pk: of_role[role] for pk, role in roles.items()}
    found: dict[int, frozenset[str]] = person._permissions_in
    return found


def _names(permissions: QuerySet[Permission]) -> list[str]:
    pairs = permissions.order_by().values_list("content_type__app_label", "codename")
    return [f"{app}.{codename}" for app, codename in pairs]
