"""Which path leads where."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from assessments.api import monitoring
from integrations.admin.autocomplete import Completion

_ADMIN = f"{settings.ADMIN_PATH}/"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path(_ADMIN, include("integrations.admin.sign_in.login")),
    path(f"{_ADMIN}two-factor/", include("integrations.admin.sign_in.two_factor")),
    path(f"{_ADMIN}my-notices/", include("assessments.admin.notification_settings")),
    path(f"{_ADMIN}autocomplete/", admin.site.admin_view(Completion.as_view(admin_site=admin.site))),
    path(_ADMIN, admin.site.urls),
    # The report's address when Justifacts gives none: signs in, then shows the order.
    path(
        "orders/<uuid:object_id>/",
        RedirectView.as_view(pattern_name="admin:assessments_order_change"),
        name="order",
    ),
    path("health/live", monitoring.live),
    path("health/ready", monitoring.ready),
    path("metrics", monitoring.metrics),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("assessments.api.urls")),
]

handler400 = "assessments.api.error_pages.bad_request"
handler404 = "assessments.api.error_pages.not_found"
handler500 = "assessments.api.error_pages.server_error"
