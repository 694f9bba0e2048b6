"""Context processors for the portal's templates."""

from django.conf import settings
from django.http import HttpRequest


def portal_version(request: HttpRequest) -> dict[str, str]:
    """Add ``portal_version``, for the footer."""
    return {"portal_version": settings.PORTAL_VERSION}
