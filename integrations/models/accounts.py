"""Members of organizations and their roles."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.models.organizations import Organization


class Role(models.TextChoices):
    """Each value names the group with the role's permissions, which a migration creates."""

    OPERATOR = "operator", _("operator")
    SUPPORT = "support", _("support")
    ORG_ADMIN = "org admin", _("org admin")


#: The roles of members. Operators have no membership: they run the portal for all organizations.
MEMBER_ROLES = [(role.value, role.label) for role in (Role.ORG_ADMIN, Role.SUPPORT)]


class Membership(models.Model):
    """A person's role in one organization. People in the group *operator* or *support* have that role in
    every organization, without memberships."""

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
        """The e-mail address, or the user name of a person without one."""
        return self.user.email.lower() or self.user.get_username()

    @property
    def has_come(self) -> bool:
        """Whether the person has signed in since the invitation. Until then the organization sees only the
        address, so that an invitation does not reveal whether the address has an account."""
        return self.user.last_login is not None and self.user.last_login >= self.added_at
