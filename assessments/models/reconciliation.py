"""The reports of reconciliations: Justifacts' word, Ashby's card and the portal's books, compared."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.models import Organization

from .orders import Order

#: A reconciliation that has not ended after so long was interrupted.
RECONCILIATION_MINUTES = 30


class Reconciliation(models.Model):
    """One comparison of everything that an organization has at both sides."""

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="reconciliations", verbose_name=_("organization")
    )
    asked_by = models.CharField(_("asked by"), max_length=150)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    orders_checked = models.PositiveIntegerField(_("orders checked"), default=0)
    mended = models.PositiveIntegerField(_("mended"), default=0)
    for_human = models.PositiveIntegerField(_("for a human"), default=0)
    not_checked = models.PositiveIntegerField(_("not checked"), default=0)
    # A message that comes twice must not run it twice.
    is_running = models.BooleanField(default=False, editable=False)
    error = models.TextField(_("why it did not end well"), blank=True)

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        ordering = ["-started_at", "-pk"]
        permissions = [("reconcile", "Can have an organization's orders compared with both sides now")]
        constraints = [
            models.UniqueConstraint(
                name="one_reconciliation_at_a_time", fields=["organization"], condition=Q(ended_at=None)
            ),
        ]
        indexes = [models.Index(name="reconciliations_of_org", fields=["organization", "-started_at"])]

    def __str__(self) -> str:
        return gettext("Reconciliation of %(organization)s, %(time)s") % {
            "organization": self.organization,
            "time": f"{self.started_at:%Y-%m-%d %H:%M} UTC",
        }

    def was_interrupted(self, now: datetime) -> bool:
        return self.ended_at is None and now - self.started_at > timedelta(minutes=RECONCILIATION_MINUTES)


class Difference(models.Model):
    """One line of a report: what differed, and what became of it."""

    class Outcome(models.TextChoices):
        MENDED = "mended", _("mended")
        FOR_HUMAN = "for_human", _("for a human")
        NOT_CHECKED = "not_checked", _("not checked")

    reconciliation = models.ForeignKey(
        Reconciliation, models.CASCADE, related_name="differences", verbose_name=_("reconciliation")
    )
    order = models.ForeignKey(
        Order, models.CASCADE, null=True, blank=True, related_name="differences", verbose_name=_("order")
    )
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome)
    #: In a sentence: what differs, and what was done or is to be done.
    text = models.TextField(_("what"))

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(name="a_difference_says_what", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return self.text
