"""Members of an organization: invited by mail, with a role each; and, for operators, all people."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.models import Membership
from integrations.people import invite, mail_invitation

from .scope import OfOrganizations, OrganizationFilter


class InvitationForm(forms.ModelForm):
    """A person by their e-mail address; whether they have an account is nobody's business."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=150,
        help_text=gettext_lazy("They get a link by which they choose a password."),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=150, required=False)

    class Meta:
        model = Membership
        fields = ["organization", "role"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        organization, email = cleaned.get("organization"), cleaned.get("email")
        if organization and email:
            members = Membership.objects.filter(organization=organization)
            if members.filter(user__email__iexact=email).exists():
                self.add_error("email", _("This person is a member of this organization already."))
        return cleaned


class MembersPermission(OfOrganizations):
    """Nobody takes away their own way in by mistake."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_own(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_own(request, obj)


@admin.register(Membership)
class MembershipAdmin(MembersPermission):
    list_display = ["person", "email", "organization", "role", "last_seen", "added_by", "added_at"]
    list_filter = [OrganizationFilter, "role"]
    list_select_related = ["user", "organization"]
    search_fields = ["user__username", "user__email", "user__first_name", "user__last_name"]
    actions = ["invite_again", "remove_members"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(
            request, obj, change, **(kwargs if obj else {"form": InvitationForm, **kwargs})
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj:
            return ["person", "email", "organization", "role", "added_by", "added_at", "last_seen"]
        return ["organization", "email", "name", "role"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        own = ["person", "email", "organization", "added_by", "added_at", "last_seen"]
        return own if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Who may invite into one organization need not choose it."""
        field: Any = self.formfield_for_foreignkey(self.opts.get_field("organization"), request)
        few = list(field.queryset[:2])
        own = {"organization": str(few[0].pk)} if len(few) == 1 else {}
        return own | super().get_changeform_initial_data(request)

    @admin.display(description=gettext_lazy("person"), ordering="user__last_name")
    def person(self, membership: Membership) -> str:
        return membership.user.get_full_name() or membership.user.get_username()

    @admin.display(description=gettext_lazy("e-mail"), ordering="user__email")
    def email(self, membership: Membership) -> str:
        return membership.user.email

    @admin.display(description=gettext_lazy("last signed in"), ordering="user__last_login", empty_value="–")
    def last_seen(self, membership: Membership) -> Any:
        return membership.user.last_login or _("not yet")

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        given = form.cleaned_data
        made = invite(obj.organization, given["email"], given["name"], obj.role, request.user.get_username())
        obj.pk, obj.user = made.pk, made.user
        obj._state.adding = False
        self._mail(request, made)

    def _mail(self, request: HttpRequest, membership: Membership) -> bool:
        try:
            mail_invitation(membership)
        except OSError as error:
            self.message_user(
                request,
                _(
                    "The mail to %(email)s could not be sent (%(why)s). Once the operator has mended it, "
                    "choose “Invite again” in the list of members."
                )
                % {"email": membership.user.email, "why": type(error).__name__},
                messages.ERROR,
            )
            return False
        return True

    @admin.action(description=gettext_lazy("Invite again, by mail"), permissions=["add"])
    def invite_again(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        chosen = [row for row in queryset if self._may(request, "add", row)]
        sent = sum(self._mail(request, membership) for membership in chosen)
        text = ngettext("%(count)d invitation was sent.", "%(count)d invitations were sent.", sent)
        self.message_user(request, text % {"count": sent})

    @admin.action(description=gettext_lazy("Remove from the organization"), permissions=["delete"])
    def remove_members(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        chosen = [row for row in queryset if self.has_delete_permission(request, row)]
        for membership in chosen:
            self.log_deletions(request, Membership.objects.filter(pk=membership.pk))
            membership.delete()
        text = ngettext("%(count)d member was removed.", "%(count)d members were removed.", len(chosen))
        self.message_user(request, text % {"count": len(chosen)})
        if len(chosen) < queryset.count():
            self.message_user(request, _("You cannot remove yourself."), messages.WARNING)

    def get_actions(self, request: HttpRequest) -> Any:
        """One way to remove, which keeps the person's account."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


def _is_own(request: HttpRequest, membership: Membership | None) -> bool:
    return membership is not None and membership.user_id == request.user.pk and not request.user.is_superuser


class MembershipsOfPerson(admin.TabularInline):
    model = Membership
    fields = ["organization", "role", "added_by", "added_at"]
    readonly_fields = ["added_by", "added_at"]
    extra = 0


admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin):
    """For operators, who see everybody."""

    list_display = ["username", "email", "first_name", "last_name", "is_active", "last_login"]
    inlines = [MembershipsOfPerson]
