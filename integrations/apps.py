from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = _("Connections")

    def ready(self) -> None:
        # Django registers system checks and receivers on import.
        from integrations import checks  # noqa: F401
        from integrations.audit import middleware  # noqa: F401

        from .accounts import sessions  # noqa: F401
