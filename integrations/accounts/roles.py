"""Roles, the organizations that a person sees, and invitations.

A role is a group with Django permissions. A person has it for every organization (as a member of the
group *operator* or *support*) or for one (by a ``Membership``). ``user.has_perm(permission,
organization)`` says what a person may do in an organization.
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractUser, AnonymousUser, Permission
from django.db.models import Q, QuerySet

from integrations.models import Membership, Organization

Person = AbstractUser | AnonymousUser
EVERY_ORGANIZATION = "integrations.view_every_organization"


class RolesBackend(ModelBackend):
    """Django's passwords and permissions, and the permissions of memberships.

    ``has_perm`` without an object says whether the person has the permission in any organization: enough
    to show a list. With an organization it says whether they have it there.
    """

    def user_can_authenticate(self, user: Any) -> bool:
        """Staff only: there is nothing but the admin to sign in to."""
        return super().user_can_authenticate(user) and bool(user.is_staff)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """The person's permissions in any organization, from the same queries as those in one."""
        if obj is not None or not user_obj.is_active or user_obj.is_superuser:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = set(_own_permissions(user_obj)).union(*_permissions_in(user_obj).values())
        found: set[str] = user_obj._perm_cache
        return found

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
    own = [pk for pk, granted in _permissions_in(person).items() if granted.intersection(permissions)]
    return Organization.objects.filter(pk__in=own)


def sees_every_organization(person: Person, *permissions: str) -> bool:
    """Whether the person has one of the permissions in every organization there is and will be."""
    if not person.is_active:
        return False
    return bool(person.is_superuser) or bool(_permissions_everywhere(person).intersection(permissions))


def _permissions_everywhere(person: Any) -> frozenset[str]:
    """What the person may do in every organization."""
    names = _own_permissions(person)
    return names if EVERY_ORGANIZATION in names else frozenset()


def _own_permissions(person: Any) -> frozenset[str]:
    """What the person and the person's groups were granted. Cached on the person, as Django caches
    permissions."""
    if not hasattr(person, "_own_permissions"):
        granted = Permission.objects.filter(Q(group__user=person) | Q(user=person))
        person._own_permissions = frozenset(_names(granted))
    found: frozenset[str] = person._own_permissions
    return found


def _permissions_in(person: Any) -> dict[int, frozenset[str]]:
    """The person's permissions in each organization that they are a member of."""
    if not hasattr(person, "_permissions_in"):
        roles = dict(
            Membership.objects.filter(user=person.pk).order_by().values_list("organization_id", "role")
        )
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
