"""Organizations and their settings."""

from collections.abc import Collection

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.http.urls import validate_outbound_url

#: Limits of the retention, in days: at least the time of a dispute, at most ten years.
SHORTEST_RETENTION, LONGEST_RETENTION = 30, 3650
#: Days for which completed orders are polled: the default, and the most.
POLL_DAYS_AFTER_COMPLETION, MOST_POLL_DAYS = 60, 365


def default_retention_days() -> int:
    return int(settings.RETENTION_DAYS)


def validate_web_page(value: str) -> None:
    """Accepts an https URL of a public server. People open it; the portal never calls it."""
    validate_outbound_url(value)


class Organization(models.Model):
    """One employer, who hires with Ashby and buys background checks from Justifacts."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    slug = models.SlugField(_("slug"), unique=True, help_text=_("The short name that commands take."))
    require_two_factor = models.BooleanField(
        _("two-factor authentication for everybody"),
        default=False,
        # The previous version may add an organization during an upgrade.
        db_default=False,
        help_text=_(
            "On: each member of this organization must set up two-factor authentication (an authenticator "
            "app or a passkey) before they see anything else. Operators and support always must."
        ),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    retention_days = models.PositiveIntegerField(
        _("days until candidates’ data is erased"),
        default=default_retention_days,
        # As above.
        db_default=730,
        validators=[MinValueValidator(SHORTEST_RETENTION), MaxValueValidator(LONGEST_RETENTION)],
        help_text=_(
            "So many days after a check has ended, the candidate’s name, e-mail, links, result and all that "
            "was sent are erased; figures stay. A shorter time erases older checks within minutes, and "
            "nothing brings them back. A check under a legal hold is kept."
        ),
    )
    poll_days_after_completion = models.PositiveSmallIntegerField(
        _("days for which completed checks are polled"),
        default=POLL_DAYS_AFTER_COMPLETION,
        db_default=POLL_DAYS_AFTER_COMPLETION,
        blank=True,
        validators=[MaxValueValidator(MOST_POLL_DAYS)],
        help_text=_(
            "A result can change after a check is complete, for example after a dispute. Justifacts is asked "
            "about a completed check for this many days: every hour at first, later every three days. With "
            "0, only a message from Justifacts or “Poll now” brings a changed result. Empty: 60."
        ),
    )
    adverse_action_url = models.CharField(
        _("address of your adverse-action notes"),
        max_length=500,
        default="",
        db_default="",
        blank=True,
        validators=[validate_web_page],
        help_text=_(
            "Where your people read what to do before they decide against somebody because of a report. It "
            "is linked where a result asks for a look."
        ),
    )

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        ordering = ["name"]
        permissions = [("view_every_organization", "Sees every organization, not only their own")]
        constraints = [
            models.CheckConstraint(
                name="retention_days_in_range",
                condition=Q(retention_days__range=(SHORTEST_RETENTION, LONGEST_RETENTION)),
            ),
            models.CheckConstraint(
                name="poll_days_in_range", condition=Q(poll_days_after_completion__range=(0, MOST_POLL_DAYS))
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        days: int | None = self.poll_days_after_completion
        # An empty form field means the default.
        self.poll_days_after_completion = POLL_DAYS_AFTER_COMPLETION if days is None else days
        super().clean_fields(exclude)
