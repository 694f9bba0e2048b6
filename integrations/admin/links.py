"""Links from this app's pages to pages of ``assessments``, which this app does not import."""

from typing import Any

from django.urls import reverse

from integrations.models import Organization

#: Pages with an organization's primary key in their path: the URL's name, and the permission for the page.
MAPPING_PREVIEW = ("admin:assessments_order_mapping_preview", "assessments.view_order")
STALL_THRESHOLDS = ("admin:assessments_stallthresholds_change", "assessments.change_stallthresholds")


def page_url(page: tuple[str, str], user: Any, organization: Organization) -> str:
    """Return the page's path; empty if the user does not have its permission in the organization."""
    url_name, permission = page
    return reverse(url_name, args=[organization.pk]) if user.has_perm(permission, organization) else ""
