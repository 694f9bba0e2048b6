"""The reports of reconciliations: Justifacts' word, Ashby's card and the portal's books, compared."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assessments.models.leases import Claimable, ClaimableQuerySet
from integrations.models import Organization

from .orders import Order


class Reconciliation(Claimable):
    """One comparison of everything that an organization has at both sides, made in turns."""

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
    error = models.TextField(_("why it did not end well"), blank=True)
    #: When the next turn may begin, and the last order that was compared: they come by their keys.
    due_at = models.DateTimeField(default=timezone.now, editable=False)
    compared_up_to = models.UUIDField(null=True, editable=False)
    #: Why orders could not be checked, and how many each; lines of the report once it ends.
    reasons = models.JSONField(default=dict, editable=False)

    objects = ClaimableQuerySet.as_manager()

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
            models.CheckConstraint(
                name="a_difference_has_an_outcome",
                condition=Q(outcome__in=["mended", "for_human", "not_checked"]),
            ),
        ]

    def __str__(self) -> str:
        return self.text
