from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = _("Connections")

    def ready(self) -> None:
        # Importing them registers the system checks and the signal receivers.
        from integrations import checks  # noqa: F401
        from integrations.accounts import sessions  # noqa: F401
        from integrations.audit import signals  # noqa: F401
