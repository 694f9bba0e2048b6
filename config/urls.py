"""Which path leads where."""

import re

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from assessments.api import monitoring
from integrations.admin.base import SafeAutocompleteView

# The pages register themselves; see integrations/apps.py.
admin.autodiscover()

_ADMIN = f"{settings.ADMIN_PATH}/"

#: Model names in admin addresses until version 0.4: bookmarks and sent mails hold them. Kept for one version.
_RENAMED = {
    "update": "ashbyupdate",
    "attempt": "callattempt",
    "event": "orderevent",
    "inboundcall": "inboundrequest",
    "watchlimits": "stallthresholds",
    "auditevent": "auditlogentry",
    "retiringverificationkey": "previousverificationkey",
}
#: Paths of pages below the admin until version 0.4, and the names of the pages that replaced them.
_MOVED = {
    "my-notices/": "notification_settings",
    "assessments/erasurecertificate/forget/": "admin:assessments_erasurecertificate_erase",
    "assessments/order/dry-run/<int:pk>/": "admin:assessments_order_mapping_preview",
    "assessments/order/<uuid:pk>/adopt/": "admin:assessments_order_link_existing",
    "assessments/order/<uuid:pk>/place-again/": "admin:assessments_order_resubmit",
    "assessments/order/<uuid:pk>/updates/<int:update_pk>/set-aside/": "admin:assessments_order_skip",
}


def renamed_model(request: HttpRequest, app: str, model: str, rest: str) -> HttpResponsePermanentRedirect:
    """Redirect an admin page of a model's old name to the same page of the new one."""
    query = f"?{request.META['QUERY_STRING']}" if request.META["QUERY_STRING"] else ""
    return HttpResponsePermanentRedirect(f"/{_ADMIN}{app}/{_RENAMED[model]}/{rest}{query}")


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    # Before the admin's own: its login page knows no second factor.
    path(_ADMIN, include("integrations.admin.sign_in.login")),
    path(f"{_ADMIN}two-factor/", include("integrations.admin.sign_in.two_factor")),
    path(f"{_ADMIN}notification-settings/", include("assessments.admin.notification_settings")),
    path(
        f"{_ADMIN}autocomplete/", admin.site.admin_view(SafeAutocompleteView.as_view(admin_site=admin.site))
    ),
    re_path(
        rf"^{re.escape(_ADMIN)}(?P<app>assessments|integrations)/(?P<model>{'|'.join(_RENAMED)})/(?P<rest>.*)$",
        renamed_model,
    ),
    *(
        path(f"{_ADMIN}{old}", RedirectView.as_view(pattern_name=new, permanent=True, query_string=True))
        for old, new in _MOVED.items()
    ),
    path(_ADMIN, admin.site.urls),
    # The report's address when Justifacts gives none: signs in, then shows the order.
    path(
        "orders/<uuid:object_id>/",
        RedirectView.as_view(pattern_name="admin:assessments_order_change"),
        name="order",
    ),
    path("health/live", monitoring.live),
    path("health/ready", monitoring.ready),
    path("health/status", monitoring.status),
    path("metrics", monitoring.metrics),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("assessments.api.urls")),
]

handler400 = "assessments.api.exception_handler.bad_request"
handler404 = "assessments.api.exception_handler.not_found"
handler500 = "assessments.api.exception_handler.server_error"
