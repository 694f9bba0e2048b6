from typing import Any

from allauth.socialaccount import apps as socialaccount_apps
from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin import apps as admin_apps
from django.contrib.admin import checks as admin_checks
from django.core.checks import CheckMessage, Tags, register
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = _("Connections")

    def ready(self) -> None:
        # Importing them registers the system checks and the signal receivers.
        from integrations import checks  # noqa: F401
        from integrations.accounts import sessions  # noqa: F401
        from integrations.audit import signals  # noqa: F401


class AdminConfig(admin_apps.SimpleAdminConfig):
    """Django's admin, whose pages are imported with the URLs (config/urls.py) and for the system checks.

    Commands, workers and the scheduler need no page, and all pages together need a tenth of a second."""

    default = False
    default_site = "integrations.web.admin_site.PortalSite"

    def ready(self) -> None:
        # Not Django's: it would check the pages that have been imported so far.
        register(_check_pages, Tags.admin)
        register(admin_checks.check_dependencies, Tags.admin)


class SocialAccountConfig(socialaccount_apps.SocialAccountConfig):
    """allauth's single sign-on, whose provider and requests are imported with the page that signs in
    (integrations/admin/sign_in/login.py)."""

    default = False

    def ready(self) -> None:
        # Importing it registers the system checks. allauth's ready() imports every provider, too.
        from allauth.socialaccount import checks  # noqa: F401


def _check_pages(app_configs: Any, **_: Any) -> list[CheckMessage]:
    admin.autodiscover()
    return admin_checks.check_admin_app(app_configs)
