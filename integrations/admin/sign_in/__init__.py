"""Signing in: django-allauth's views and forms, in the admin's templates and below its path."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.views.generic.base import ContextMixin

from integrations.accounts.two_factor import needs_two_factor_setup


class AdminPageMixin(ContextMixin):
    """The admin's context, and ``must_set_up``: whether a second factor has to be set up first."""

    request: Any
    title: Any = _("Two-factor authentication")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}
        if "form" in kwargs:
            # allauth's view of passkeys would show an empty form in place of the one with the errors.
            context["form"] = kwargs["form"]
        must_set_up = needs_two_factor_setup(self.request)
        if must_set_up:
            # The navigation would list pages that are closed.
            context |= {"available_apps": [], "is_nav_sidebar_enabled": False}
        return {**context, "title": self.title, "must_set_up": must_set_up}
