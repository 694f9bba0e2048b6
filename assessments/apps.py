from django.apps import AppConfig


class AssessmentsConfig(AppConfig):
    name = "assessments"
    verbose_name = "Background checks"

    def ready(self) -> None:
        from .api import description  # noqa: F401  (drf-spectacular registers it on import)
