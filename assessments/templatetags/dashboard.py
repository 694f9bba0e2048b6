"""The tag that puts the dashboard into the index page of Django's admin."""

from typing import Any

from django import template

register = template.Library()


@register.inclusion_tag("admin/dashboard/page.html", takes_context=True)
def dashboard(context: Any) -> dict[str, Any]:
    # Django imports every tag with the first template, also in workers, which have no page but send mails.
    from assessments.admin.dashboard import page

    return page.dashboard(context["request"])
