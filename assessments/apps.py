from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AssessmentsConfig(AppConfig):
    name = "assessments"
    verbose_name = _("Background checks")

    def ready(self) -> None:
        # Importing it registers the system checks.
        from assessments import checks  # noqa: F401
