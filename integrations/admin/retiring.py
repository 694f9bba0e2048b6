"""Verification keys that another one has replaced: who still uses them, and the click that retires one."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from integrations.models import RetiringVerificationKey

from .scope import OfOrganizations, OrganizationFilter


@admin.register(RetiringVerificationKey)
class RetiringVerificationKeyAdmin(OfOrganizations):
    """To delete one is to retire it: Ashby and Justifacts are let in with it no more."""

    list_display = ["ending", "organization", "superseded_at", "first_used_at", "last_used_at", "set_by"]
    list_filter = [OrganizationFilter]
    list_select_related = ["organization"]
    fields = ("organization", "ending", "set_by", "set_at", "superseded_at", "first_used_at", "last_used_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("key"))
    def ending(self, key: RetiringVerificationKey) -> str:
        return str(key.key)
