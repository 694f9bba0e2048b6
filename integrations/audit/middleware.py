"""Record in the audit log what people do in the admin: each button, each page that shows a candidate's
data, each export.

The middleware sees every request, so a new page cannot bypass it. It records a button before the view runs,
so the entry exists even if the process dies in the view. Which fields changed is recorded by
``AuditedModelAdmin``, in the transaction of the change.
"""

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

#: Signals record these.
_SIGN_IN_AND_OUT = ("account_login", "logout")


class AuditLogMiddleware:
    """Belongs after the middleware that ends sessions, so that ``request.user`` may still act."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        match = request.resolver_match
        if match and request.method == "GET" and response.status_code == 200 and _is_signed_in(request):
            model_admin, page = _page(match)
            if (match.url_name or "").endswith("_export"):
                named = response.organizations if isinstance(response, CSVDownload) else ()
                for organization_id in named or (None,):
                    details = {"filters": sorted(request.GET)}
                    _record(request, match, Action.EXPORTED, details, organization_id)
            elif hasattr(model_admin, "shows_candidate_data") and model_admin.shows_candidate_data(page):
                _record(request, match, Action.VIEWED, {})
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        match = request.resolver_match
        is_button = match and request.method == "POST" and match.url_name not in _SIGN_IN_AND_OUT
        if match and is_button and _is_signed_in(request):
            action, rows = request.POST.get("action"), request.POST.getlist("_selected_action")
            details = {"action": action[:100], "rows": len(rows)} if action else {}
            _record(request, match, Action.ASKED, details)


def _is_signed_in(request: HttpRequest) -> bool:
    # Ashby and Justifacts send no cookie, so their calls cost no query. A request for the API's description
    # has no user attribute.
    user = getattr(request, "user", None) if request.COOKIES else None
    return user is not None and user.is_authenticated


def _page(match: ResolverMatch) -> tuple[Any, str]:
    """The ``ModelAdmin`` of a URL name such as ``app_model_change``, and the page (``change``). ``None`` if
    the URL is not one of a model's pages."""
    app, _, rest = (match.url_name or "").partition("_")
    model_name, _, page = rest.partition("_")
    try:
        model = apps.get_model(app, model_name)
    except LookupError:
        return None, page
    return admin.site._registry.get(model), page


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
        organization_id=organization_id or _organization_id(request, match, pk),
        kind=match.url_name or "",
        object_id=pk,
        details=details,
        address=client_address(request.META),
    )


def _organization_id(request: HttpRequest, match: ResolverMatch, pk: Any) -> int | None:
    """The organization of the row in the URL. ``None`` if there is none or the person may not see it: nobody
    can add entries to the log of another organization."""
    model_admin, _ = _page(match)
    if not pk or not hasattr(model_admin, "organization_path"):
        return None
    row = getattr(request, "opened_row", None)
    if (
        isinstance(row, model_admin.model)
        and str(row.pk) == pk
        and model_admin.organization_path == "organization"
    ):
        return int(row.organization_id)
    try:
        rows = model_admin.visible(request, model_admin.model._default_manager.filter(pk=pk))
        return next(iter(rows.values_list(model_admin.organization_path, flat=True)[:1]), None)
    except (ValueError, ValidationError):
        # The URL holds text that cannot be a primary key.
        return None
