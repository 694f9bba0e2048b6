"""The longest normal time in each status, for each organization."""

from collections.abc import Callable

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.models import Organization

#: The largest value of each field: about a year, so that date arithmetic cannot overflow.
LONGEST = {
    "accepted_minutes": 7 * 24 * 60,
    "received_days": 365,
    "applicant_started_days": 365,
    "in_process_business_days": 250,
}


def _in_range(name: str) -> list[Callable[[int], None]]:
    return [MinValueValidator(1), MaxValueValidator(LONGEST[name])]


class StallThresholds(models.Model):
    """An order that is longer in a status than its threshold is stalled. An organization without a row has
    the defaults."""

    organization = models.OneToOneField(
        Organization,
        models.CASCADE,
        primary_key=True,
        related_name="watch_limits",
        verbose_name=_("organization"),
    )
    accepted_minutes = models.PositiveIntegerField(
        _("accepted (minutes)"), default=15, validators=_in_range("accepted_minutes")
    )
    received_days = models.PositiveIntegerField(
        _("received (days)"), default=3, validators=_in_range("received_days")
    )
    applicant_started_days = models.PositiveIntegerField(
        _("applicant started (days)"), default=7, validators=_in_range("applicant_started_days")
    )
    in_process_business_days = models.PositiveIntegerField(
        _("in process (business days)"), default=10, validators=_in_range("in_process_business_days")
    )
    notify_ashby = models.BooleanField(_("send Ashby a note"), default=False)

    class Meta:
        verbose_name = _("stall thresholds")
        verbose_name_plural = _("stall thresholds")
        ordering = ["organization__name"]
        constraints = [
            CheckConstraint(name=f"{name}_in_range", condition=Q(**{f"{name}__range": (1, longest)}))
            for name, longest in LONGEST.items()
        ]

    def __str__(self) -> str:
        return gettext("Stall thresholds of %(organization)s") % {"organization": self.organization}
