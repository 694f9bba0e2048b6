"""The page on which people see where they are signed in, and end their other sessions."""

from typing import Any

from allauth.usersessions.views import ListUserSessionsView
from django.contrib import admin
from django.urls import path
from django.utils.translation import gettext_lazy as _

from integrations.accounts import sessions

from .page import AdminPageMixin


class Sessions(AdminPageMixin, ListUserSessionsView):
    title = _("Where you are signed in")
    template_name = "two_factor/sessions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        # Those whose time is over are not removed before their browser comes back.
        listed = [
            row for row in context["sessions"] if not sessions.is_over(row.created_at, row.last_seen_at)
        ]
        return {**context, "sessions": listed}


urlpatterns = [path("", admin.site.admin_view(Sessions.as_view()), name="usersessions_list")]
