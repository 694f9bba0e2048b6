"""The tag that puts the dashboard into the index page of Django's admin."""

from typing import Any

from django import template

from assessments.admin.dashboard import page

register = template.Library()


@register.inclusion_tag("admin/dashboard/page.html", takes_context=True)
def dashboard(context: Any) -> dict[str, Any]:
    return page.dashboard(context["request"])
