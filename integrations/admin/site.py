"""The titles of the admin site, and the parts of Django's own layout that the portal does without."""

from functools import partial
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

admin.site.site_header = admin.site.site_title = _("Assessment portal")
admin.site.index_title = _("Background checks between Ashby and Justifacts")
# Tables need the width; the first page and the breadcrumbs lead everywhere.
admin.site.enable_nav_sidebar = False
# "View site" would lead back to the admin.
admin.site.site_url = None

_list_apps = admin.site.get_app_list


def _list_apps_when_shown(request: HttpRequest, app_label: str | None = None) -> Any:
    """Django puts the list into every page, for the sidebar; only the pages that show it compute it."""
    return SimpleLazyObject(partial(_list_apps, request, app_label))


admin.site.get_app_list = _list_apps_when_shown  # type: ignore[method-assign]
# Django's login page knows neither the second factor nor the limits. It is not mounted; if it ever were, it
# would lead to allauth's.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
