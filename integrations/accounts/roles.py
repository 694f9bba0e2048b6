"""Roles, the organizations that a person sees, and invitations.

A role is a group with Django permissions. A person has it for every organization (as a member of the
group *operator* or *support*) or for one (by a ``Membership``). ``user.has_perm(permission,
organization)`` says what a person may do in an organization.
"""

from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractUser, AnonymousUser, Permission
from django.db.models import F, Model, Q, QuerySet, Value

from integrations.models import Membership, Organization

Person = AbstractUser | AnonymousUser
_Row = TypeVar("_Row", bound=Model)
EVERY_ORGANIZATION = "integrations.view_every_organization"
#: Stands for a role where permissions were not granted by one.
_OWN = ""


class RolesBackend(ModelBackend):
    """Django's passwords and permissions, and the permissions of memberships.

    ``has_perm`` without an object says whether the person has the permission in any organization: enough
    to show a list. With an organization it says whether they have it there.
    """

    def user_can_authenticate(self, user: Any) -> bool:
        """Staff only: there is nothing but the admin to sign in to."""
        return super().user_can_authenticate(user) and bool(user.is_staff)

    def get_user(self, user_id: Any) -> Any:
        """The person with their roles, in one query: every page needs both."""
        roles = {"_organization": F("memberships__organization"), "_role": F("memberships__role")}
        rows: list[Any] = list(get_user_model()._default_manager.filter(pk=user_id).annotate(**roles))
        if not rows or not self.user_can_authenticate(rows[0]):
            return None
        rows[0]._roles_in = {row._organization: row._role for row in rows if row._organization}
        return rows[0]

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
    return visible_to(person, Organization.objects.all(), "pk", *permissions)


def visible_to(person: Person, rows: QuerySet[_Row], path: str, *permissions: str) -> QuerySet[_Row]:
    """Those of the rows in whose organization the person has at least one of the permissions. ``path``: the
    query path from a row to its organization.

    The query names the organizations: behind a subquery, the database would not know how many rows they have.
    """
    if sees_every_organization(person, *permissions):
        return rows
    own = [pk for pk, granted in _permissions_in(person).items() if granted.intersection(permissions)]
    return rows.filter(**{f"{path}__in": own})


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
    """What the person and the person's groups were granted."""
    return _granted(person)[_OWN]


def _permissions_in(person: Any) -> dict[int, frozenset[str]]:
    """The person's permissions in each organization that they are a member of."""
    return {pk: _granted(person).get(role, frozenset()) for pk, role in _roles_in(person).items()}


def _granted(person: Any) -> dict[str, frozenset[str]]:
    """The person's own permissions and those of their roles, from one query. Cached on the person, as Django
    caches permissions."""
    if not hasattr(person, "_granted"):
        own = Permission.objects.filter(Q(group__user=person) | Q(user=person))
        of_roles = Permission.objects.filter(group__name__in=set(_roles_in(person).values()))
        names = ("content_type__app_label", "codename")
        rows = own.order_by().values_list(*names, Value(_OWN))
        if _roles_in(person):
            rows = rows.union(of_roles.order_by().values_list(*names, "group__name"))
        found: dict[str, set[str]] = {_OWN: set()}
        for app, codename, source in rows:
            found.setdefault(source, set()).add(f"{app}.{codename}")
        person._granted = {source: frozenset(granted) for source, granted in found.items()}
    granted_by_source: dict[str, frozenset[str]] = person._granted
    return granted_by_source


def _roles_in(person: Any) -> dict[int, str]:
    """The person's role in each of their organizations."""
    if not hasattr(person, "_roles_in"):
        rows = Membership.objects.filter(user=person.pk).order_by()
        person._roles_in = dict(rows.values_list("organization_id", "role"))
    found: dict[int, str] = person._roles_in
    return found
