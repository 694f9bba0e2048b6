"""Links from this app's pages to pages of apps that build on it, which this app does not import."""

from typing import Any

from django.urls import reverse

from integrations.models import Organization

MAPPING_PREVIEW = "mapping preview"
STALL_THRESHOLDS = "stall thresholds"

#: By one of the names above: the URL's name and the permission of a page that has an organization's primary
#: key in its path. The module that defines the page adds it.
PAGES: dict[str, tuple[str, str]] = {}


def page_url(name: str, user: Any, organization: Organization) -> str:
    """Return the page's path for the organization; empty if no app added the page, or if the user does not
    have its permission in the organization."""
    url_name, permission = PAGES.get(name, ("", ""))
    allowed = url_name and user.has_perm(permission, organization)
    return reverse(url_name, args=[organization.pk]) if allowed else ""
