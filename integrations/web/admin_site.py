"""The admin site of the portal: its titles, and the parts of Django's own layout that it does without."""

from functools import partial
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _


class PortalSite(AdminSite):
    site_header = site_title = _("Assessment portal")
    index_title = _("Background checks between Ashby and Justifacts")
    # Tables need the width; the first page and the breadcrumbs lead everywhere.
    enable_nav_sidebar = False
    # "View site" would lead back to the admin.
    site_url = None

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Django puts the list into every page, for the sidebar; only the pages that show it compute it."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's login page knows neither the second factor nor the limits. It is not mounted; if it ever
        were, it would lead to allauth's."""
        response: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return response
