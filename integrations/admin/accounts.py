"""Members of organizations, invited by mail; and, for operators, all people and their roles."""

from typing import Any

import allauth.account.admin  # what these four register is unregistered below
import allauth.mfa.admin
import allauth.socialaccount.admin
import allauth.usersessions.admin  # noqa: F401
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.accounts import two_factor
from integrations.accounts.invitations import invite, mail_invitation
from integrations.accounts.sessions import with_second_factor
from integrations.admin.base import HardenedModelAdmin, OrganizationFilter, TenantModelAdmin
from integrations.audit.log import Action
from integrations.audit.model_admin import AuditedModelAdmin
from integrations.background import enqueue
from integrations.models import Membership
from integrations.tasks import mail_factor_change
from integrations.web.client_ip import client_address


class InvitationForm(forms.ModelForm):
    """Invites an e-mail address. The form does not reveal whether the address has an account."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=150,
        help_text=gettext_lazy("They receive a link to choose a password."),
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
                self.add_error("email", _("This person is already a member of this organization."))
        return cleaned


@admin.register(Membership)
class MembershipAdmin(TenantModelAdmin):
    list_display = ["person", "email", "organization", "role", "last_seen", "added_by", "added_at"]
    list_filter = [OrganizationFilter, "role"]
    list_select_related = ["user", "organization"]
    ordering = ["organization__name", "user__email"]
    search_fields = ["user__email", "shown_name"]
    actions = ["invite_again", "remove_members"]

    # Nobody removes or changes their own membership by mistake.
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_own(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_own(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Annotates the name and last login of members who have signed in, so that searching and sorting
        reveal nothing about the others."""
        members: QuerySet[Membership] = super().get_queryset(request)
        has_come = Q(user__last_login__gte=F("added_at"))
        name = Concat("user__last_name", Value(" "), "user__first_name")
        return members.annotate(
            shown_name=Case(When(has_come, then=name), default=Value("")),
            shown_login=Case(When(has_come, then=F("user__last_login"))),
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj else {"form": InvitationForm}) | kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj:
            return ["person", "email", "organization", "role", "added_by", "added_at", "last_seen"]
        return ["organization", "email", "name", "role"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["person", "email", "organization", "added_by", "added_at", "last_seen"] if obj else []

    @admin.display(description=gettext_lazy("person"), ordering="shown_name")
    def person(self, membership: Membership) -> str:
        name = membership.user.get_full_name() if membership.has_come else ""
        return name or membership.address

    @admin.display(description=gettext_lazy("e-mail"), ordering="user__email")
    def email(self, membership: Membership) -> str:
        return membership.address

    @admin.display(description=gettext_lazy("last signed in"), ordering="shown_login", empty_value="–")
    def last_seen(self, membership: Membership) -> Any:
        return membership.user.last_login if membership.has_come else _("not yet")

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        data = form.cleaned_data
        member = invite(obj.organization, data["email"], data["name"], obj.role, request.user.get_username())
        obj.pk, obj.user = member.pk, member.user
        obj._state.adding = False
        self._mail(request, member)

    def _mail(self, request: HttpRequest, membership: Membership) -> bool:
        try:
            mail_invitation(membership)
        except OSError as error:
            text = _(
                "The e-mail to %(email)s could not be sent (%(why)s). Once an operator has fixed "
                "the problem, choose “Send invitation again” in the list of members."
            )
            text %= {"email": membership.address, "why": type(error).__name__}
            self.message_user(request, text, messages.ERROR)
            return False
        return True

    @admin.action(description=gettext_lazy("Send invitation again"), permissions=["add"])
    def invite_again(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        chosen = [row for row in queryset if self._may(request, "add", row)]
        sent = sum(self._mail(request, membership) for membership in chosen)
        text = ngettext("%(count)d invitation was sent.", "%(count)d invitations were sent.", sent)
        self.message_user(request, text % {"count": sent})

    @admin.action(description=gettext_lazy("Remove from the organization"), permissions=["delete"])
    def remove_members(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        rows = list(queryset)
        chosen = [row for row in rows if self.has_delete_permission(request, row)]
        for membership in chosen:
            self.log_deletions(request, Membership.objects.filter(pk=membership.pk))
            membership.delete()
        text = ngettext("%(count)d member was removed.", "%(count)d members were removed.", len(chosen))
        self.message_user(request, text % {"count": len(chosen)})
        if len(chosen) < len(rows):
            self.message_user(request, _("You cannot remove yourself."), messages.WARNING)

    def get_actions(self, request: HttpRequest) -> Any:
        """Only ``remove_members`` removes: it checks each membership."""
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


class WithoutFactors(admin.ModelAdmin):
    """Hides permissions for sign-in data, which has no pages in the admin."""

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.related_model is Permission:
            apps = ("account", "mfa", "socialaccount", "usersessions")
            field.queryset = field.queryset.exclude(content_type__app_label__in=apps)
        return field


admin.site.unregister([User, Group])
# Nobody edits what signs a person in: factors are reset, single sign-on is configured in the environment,
# and people end their own sessions.
admin.site.unregister([EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession])


@admin.register(User)
class PersonAdmin(WithoutFactors, AuditedModelAdmin, HardenedModelAdmin, UserAdmin):
    list_display = ["username", "email", "first_name", "last_name", "is_active", "two_factor", "last_login"]
    inlines = [MembershipsOfPerson]
    actions = ["reset_two_factor"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return with_second_factor(super().get_queryset(request))

    @admin.display(
        description=gettext_lazy("two-factor authentication"), boolean=True, ordering="has_second_factor"
    )
    def two_factor(self, person: Any) -> bool:
        return bool(person.has_second_factor)

    @admin.action(description=gettext_lazy("Reset two-factor authentication"), permissions=["change"])
    def reset_two_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """For people who have lost phone, passkey and recovery codes. The operator verifies who asks."""
        people = list(queryset)
        for person in people:
            two_factor.reset(person, request.user.get_username(), client_address(request.META))
            enqueue(mail_factor_change, person.pk, Action.FACTOR_RESET)
        text = ngettext(
            "%(count)d person was signed out, and signs in with the password only until they set up "
            "two-factor authentication again.",
            "%(count)d people were signed out, and sign in with the password only until they set up "
            "two-factor authentication again.",
            len(people),
        )
        self.message_user(request, text % {"count": len(people)})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Checks the permission first: Django's own response would reveal whether the person exists."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)


@admin.register(Group)
class RoleAdmin(WithoutFactors, AuditedModelAdmin, HardenedModelAdmin, GroupAdmin):
    """The permissions of each role. The audit log records changes."""
