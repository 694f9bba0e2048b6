"""Puts the first page's figures into Django's index page of the admin."""

from typing import Any

from django import template

from assessments.admin.dashboard.page import first_page

register = template.Library()


@register.inclusion_tag("admin/dashboard/page.html", takes_context=True)
def overview(context: Any) -> dict[str, Any]:
    return first_page(context["request"])
