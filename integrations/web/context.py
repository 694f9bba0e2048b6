"""What every template of the portal can use."""

from django.conf import settings
from django.http import HttpRequest


def portal_version(request: HttpRequest) -> dict[str, str]:
    """A context processor: ``portal_version``, for the footer."""
    return {"portal_version": settings.PORTAL_VERSION}
