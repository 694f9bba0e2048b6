"""What of people's doings goes to the audit trail: every button pressed in the admin, every look at a
candidate's page, every export, signing in and out.

One mechanism in the way of every request, so that no page can forget it. A button is written down before
it does anything, so that what a dying process did is there too; which fields changed is added by
``Audited`` in the transaction of the change.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import ValidationError
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import ResolverMatch

from . import audit
from .audit import Action
from .client_address import client_address

#: Pages that show a candidate, and files that hold many.
_SHOWS = re.compile(
    r"assessments_(update|attempt|event|inboundcall)_(change|history)$"
    # Whatever is about one order: its page, and those of its buttons, which name the candidate too.
    r"|assessments_order_(?!add$|changelist$|export$)"
)
_EXPORTS = re.compile(r"_export$")
_NOT_BY_PEOPLE = ("account_login", "logout")


class Export(StreamingHttpResponse):
    """A file with rows of several organizations (``organizations``: their numbers): each has its line in
    the trail."""

    organizations: Sequence[int] = ()


class AuditTrail:
    """Middleware, after the one that ends sessions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        match = request.resolver_match
        if match and request.method == "GET" and response.status_code == 200 and _is_known(request):
            if _EXPORTS.search(match.url_name or ""):
                named = response.organizations if isinstance(response, Export) else ()
                for organization_id in named or (None,):
                    details = {"filters": sorted(request.GET)}
                    _record(request, match, Action.EXPORTED, details, organization_id)
            elif _SHOWS.search(match.url_name or ""):
                _record(request, match, Action.VIEWED, {})
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        match = request.resolver_match
        is_press = match and request.method == "POST" and match.url_name not in _NOT_BY_PEOPLE
        if match and is_press and _is_known(request):
            _record(request, match, Action.ASKED, _asked(request))


class Audited:
    """For a ``ModelAdmin``: what was added, changed (by the names of its fields) and deleted."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        record_change(request, Action.ADDED, obj, message)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        record_change(request, Action.CHANGED, obj, message)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            record_change(request, Action.DELETED, row, "")
        return super().log_deletions(request, queryset)  # type: ignore[misc]


def record_change(request: HttpRequest, action: Action, row: Any, message: Any) -> None:
    """A line about one row. Django's own messages name fields, never values."""
    audit.record(
        action,
        request.user.get_username(),
        organization_id=_organization_of(row),
        kind=row._meta.label_lower,
        object_id=row.pk,
        details={"fields": _fields(message)} if isinstance(message, list) else {},
        address=client_address(request.META),
    )


def _is_known(request: HttpRequest) -> bool:
    # Ashby and Justifacts carry no cookie: for them nothing is asked of the database.
    # The API's description has no user at all, even for who is signed in.
    user = getattr(request, "user", None) if request.COOKIES else None
    return user is not None and user.is_authenticated


def _record(
    request: HttpRequest,
    match: ResolverMatch,
    action: Action,
    details: dict[str, Any],
    organization_id: int | None = None,
) -> None:
    pk = match.kwargs.get("object_id") or match.kwargs.get("pk") or ""
    audit.record(
        action,
        request.user.get_username(),
        organization_id=organization_id or _organization_behind(request, match, pk),
        kind=match.url_name or "",
        object_id=pk,
        details=details,
        address=client_address(request.META),
    )


def _asked(request: HttpRequest) -> dict[str, Any]:
    """An action of a list, and how many rows it was asked for."""
    if action := request.POST.get("action"):
        return {"action": action[:100], "rows": len(request.POST.getlist("_selected_action"))}
    return {}


def _organization_behind(request: HttpRequest, match: ResolverMatch, pk: Any) -> int | None:
    """Of the row that the address names; None where it is no row of an organization, or of none that the
    person sees: nobody writes into a stranger's trail."""
    app, _, rest = (match.url_name or "").partition("_")
    name, _, _ = rest.partition("_")
    if not pk or (app, name) not in {(m._meta.app_label, m._meta.model_name) for m in admin.site._registry}:
        return None
    model = apps.get_model(app, name)
    model_admin: Any = admin.site._registry[model]
    if not hasattr(model_admin, "organization_path"):
        return None
    try:
        rows = model_admin.visible(request, model._default_manager.filter(pk=pk))
        return next(iter(rows.values_list(model_admin.organization_path, flat=True)[:1]), None)
    except (ValueError, ValidationError):
        # The address names no row at all.
        return None


def _organization_of(row: Any) -> int | None:
    if row._meta.label == "integrations.Organization":
        return int(row.pk)
    found = getattr(row, "organization_id", None)
    return int(found) if found is not None else None


def _fields(message: list[Any]) -> list[str]:
    """The names in Django's message: ``[{"changed": {"name": ..., "object": ..., "fields": [...]}}]``."""
    return sorted(
        {str(name) for part in message for what in part.values() for name in what.get("fields", [])}
    )


def record_failed_step(request: HttpRequest, person: Any) -> None:
    """The password was right, and what had to follow it was not."""
    audit.record(Action.FACTOR_FAILED, person.get_username(), address=client_address(request.META))


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: Any, **_: object) -> None:
    audit.record(Action.SIGNED_IN, user.get_username(), address=client_address(request.META))


@receiver(user_logged_out)
def _signed_out(request: HttpRequest, user: Any, **_: object) -> None:
    if user is not None:
        audit.record(Action.SIGNED_OUT, user.get_username(), address=client_address(request.META))


@receiver(user_login_failed)
def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_: object) -> None:
    """Only a name that somebody has: a password typed in its place must not be kept."""
    name = str(credentials.get("username") or "")
    who = name if User.objects.filter(username=name).exists() else "somebody"
    audit.record(Action.SIGN_IN_FAILED, who, address=client_address(request.META) if request else "")
