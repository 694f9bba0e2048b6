"""What of people's doings goes to the audit trail: every button pressed in the admin, every look at a
candidate's page, every export, signing in and out.

One mechanism in the way of every request, so that no page can forget it. A button is written down before
it does anything, so that what a dying process did is there too; which fields changed is added by
``Audited`` in the transaction of the change.
"""

import re
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch

from integrations.audit import log
from integrations.audit.log import Action
from integrations.web.client_ip import client_address
from integrations.web.csv_export import CSVDownload

#: Pages that show a candidate, and files that hold many.
_SHOWS = re.compile(
    r"assessments_(ashbyupdate|callattempt|orderevent|inboundrequest)_(change|history)$"
    # Whatever is about one order: its page, and those of its buttons, which name the candidate too.
    r"|assessments_order_(?!add$|changelist$|export$)"
)


_EXPORTS = re.compile(r"_export$")


_NOT_BY_PEOPLE = ("account_login", "logout")


class AuditLogMiddleware:
    """Middleware, after the one that ends sessions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        match = request.resolver_match
        if match and request.method == "GET" and response.status_code == 200 and _is_known(request):
            if _EXPORTS.search(match.url_name or ""):
                named = response.organizations if isinstance(response, CSVDownload) else ()
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
    log.record_entry(
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
