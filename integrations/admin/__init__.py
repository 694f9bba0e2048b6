"""The portal for people: connections and what each organization can order."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from integrations.admin import accounts, api_keys, audit_log, connections, organizations
from integrations.admin.catalog import custom_fields, jobs, packages

__all__ = [
    "accounts",
    "api_keys",
    "audit_log",
    "connections",
    "custom_fields",
    "jobs",
    "organizations",
    "packages",
]

admin.site.site_header = admin.site.site_title = _("Assessment portal")
admin.site.index_title = _("Background checks between Ashby and Justifacts")
# The width belongs to the tables; the start page and the breadcrumbs lead everywhere.
admin.site.enable_nav_sidebar = False
# “View site” would only lead back to here.
admin.site.site_url = None
# Django's login page knows neither the second factor nor the limits. It is not mounted; if it ever were, it
# would lead to allauth's.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
