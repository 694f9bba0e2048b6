"""Ashby API keys, of which an organization may have several and one in use; and previous verification
keys."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.admin.base import OrganizationFilter, TenantModelAdmin
from integrations.admin.secret_fields import SecretField
from integrations.connections.api_keys import select_ashby_key
from integrations.encryption.blind_index import blind_indexes
from integrations.models import AshbyApiKey, PreviousVerificationKey

_HISTORY = ("set_by", "set_at", "replaced_at", "first_used_at", "last_used_at")


class AshbyApiKeyForm(forms.ModelForm):
    # Not the model's field ``is_selected``, whose constraint would refuse a second key in use before
    # ``select_ashby_key`` replaces the first.
    use = forms.BooleanField(
        required=False,
        label=_("In use"),
        help_text=_("Selecting this key replaces the current one; paused deliveries resume."),
    )

    class Meta:
        model = AshbyApiKey
        fields = ["organization", "name", "key"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        adding = self.instance.pk is None
        self.fields["key"] = SecretField(
            stored=None if adding else self.instance.key,
            required=True,
            label=_("Key"),
            help_text=_("Ashby shows it once, when it is created."),
        )
        self.initial.pop("key", None)
        self.fields["use"].initial = self.instance.is_selected

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if key := cleaned.get("key"):
            adding = self.instance.pk is None
            organization = cleaned.get("organization") if adding else self.instance.organization
            others = AshbyApiKey.objects.exclude(pk=self.instance.pk).filter(organization=organization)
            if others.filter(key_index__in=blind_indexes(key.reveal())).exists():
                self.add_error("key", _("This organization already has this key."))
        return cleaned


@admin.register(AshbyApiKey)
class AshbyApiKeyAdmin(TenantModelAdmin):
    form = AshbyApiKeyForm
    list_display = ["name", "organization", "ending", "in_use", *_HISTORY]
    list_filter = [OrganizationFilter, "is_selected"]
    list_select_related = ["organization"]
    search_fields = ["name", "organization__name"]
    actions = ["use_key"]

    def get_fields(self, request: HttpRequest, obj: AshbyApiKey | None = None) -> Any:
        """A new key has no history yet."""
        return ["organization", "name", "key", "use", *(_HISTORY if obj else ())]

    def get_readonly_fields(self, request: HttpRequest, obj: AshbyApiKey | None = None) -> list[str]:
        return ["organization", *_HISTORY] if obj else []

    @admin.display(description=_("key"))
    def ending(self, key: AshbyApiKey) -> str:
        return str(key.key)

    @admin.display(description=_("in use"), boolean=True, ordering="is_selected")
    def in_use(self, key: AshbyApiKey) -> bool:
        return key.is_selected

    def save_model(self, request: HttpRequest, obj: AshbyApiKey, form: Any, change: bool) -> None:
        """``select_ashby_key`` replaces the selected key in the same transaction."""
        if "key" in form.changed_data:
            obj.set_by, obj.set_at = request.user.get_username(), timezone.now()
        if form.cleaned_data.get("use"):
            select_ashby_key(obj)
        else:
            obj.is_selected = False
            obj.save()

    @admin.action(description=_("Use this key"), permissions=["change"])
    def use_key(self, request: HttpRequest, queryset: QuerySet[AshbyApiKey]) -> None:
        if queryset.count() != 1:
            self.message_user(request, _("Select one key."), messages.ERROR)
            return
        key = queryset.select_related("organization").get()
        if not self.has_change_permission(request, key):
            raise PermissionDenied
        select_ashby_key(key)
        text = _("%(organization)s now uses “%(key)s”.")
        values = {"organization": key.organization, "key": key.name}
        self.message_user(request, text % values, messages.SUCCESS)


@admin.register(PreviousVerificationKey)
class PreviousVerificationKeyAdmin(TenantModelAdmin):
    """Deleting a key retires it: neither Ashby nor Justifacts can use it any more."""

    forbidden = ("add", "change")
    list_display = ["ending", "organization", "replaced_at", "first_used_at", "last_used_at", "set_by"]
    list_filter = [OrganizationFilter]
    list_select_related = ["organization"]
    fields = ("organization", "ending", "set_by", "set_at", "replaced_at", "first_used_at", "last_used_at")
    readonly_fields = fields

    @admin.display(description=_("key"))
    def ending(self, key: PreviousVerificationKey) -> str:
        return str(key.key)
