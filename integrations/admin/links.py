"""Links from this app's pages to pages of apps that build on it, which this app does not import.

The module that defines such a page registers it under one of the names below.
"""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from integrations.models import Organization

MAPPING_PREVIEW = "mapping preview"
STALL_THRESHOLDS = "stall thresholds"


@dataclass(frozen=True)
class _Page:
    url_name: str
    permission: str


_pages: dict[str, _Page] = {}


def register_page(name: str, url_name: str, permission: str) -> None:
    """Make ``url_name``, a page with an organization's primary key in its path, known as ``name``."""
    _pages[name] = _Page(url_name, permission)


def page_url(name: str, user: Any, organization: Organization) -> str:
    """Return the page's path for the organization; empty if no app registered the page, or if the user
    does not have its permission in the organization."""
    page = _pages.get(name)
    if page is None or not user.has_perm(page.permission, organization):
        return ""
    return reverse(page.url_name, args=[organization.pk])
