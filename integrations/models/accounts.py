"""Which person does what for which organization."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.models.organizations import Organization


class Role(models.TextChoices):
    """Each value is the name of the group that holds the role's permissions (made by a migration)."""

    OPERATOR = "operator", _("operator")
    SUPPORT = "support", _("support")
    ORG_ADMIN = "org admin", _("org admin")


#: What a person may be in one organization. An operator runs the portal, for all of them.
MEMBER_ROLES = [(role.value, role.label) for role in (Role.ORG_ADMIN, Role.SUPPORT)]


class Membership(models.Model):
    """A person's role in one organization. Who is in the group *operator* or *support* has that role in
    every organization, without any of these."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", verbose_name=_("person")
    )
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="memberships", verbose_name=_("organization")
    )
    role = models.CharField(_("role"), max_length=20, choices=MEMBER_ROLES, default=Role.ORG_ADMIN)
    added_by = models.CharField(_("added by"), max_length=150, blank=True, editable=False)
    added_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering = ["organization__name", "user__username"]
        constraints = [
            models.UniqueConstraint(
                name="member_once_per_org",
                fields=["user", "organization"],
                violation_error_message=_("This person is a member of this organization already."),
            ),
            models.CheckConstraint(
                name="member_role_known", condition=Q(role__in=[value for value, _label in MEMBER_ROLES])
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(person)s, %(role)s of %(organization)s") % {
            "person": self.address,
            "role": self.get_role_display(),
            "organization": self.organization,
        }

    @property
    def address(self) -> str:
        """By what the person was invited, as far as it can be said for anybody."""
        return self.user.email.lower() or self.user.get_username()

    @property
    def has_come(self) -> bool:
        """Whether the person has signed in since. Until then the organization is told nothing about them
        but their address: whoever can invite anybody must not learn so who has an account, and of whom."""
        return self.user.last_login is not None and self.user.last_login >= self.added_at
