"""The reports of reconciliations."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.models import Organization
from integrations.text import format_utc

from .leases import Leased, LeasedQuerySet
from .orders import Order


class Reconciliation(Leased):
    """One comparison of an organization's orders with both partners, made in turns."""

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="reconciliations", verbose_name=_("organization")
    )
    requested_by = models.CharField(_("requested by"), max_length=150)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    orders_checked = models.PositiveIntegerField(_("orders checked"), default=0)
    resolved = models.PositiveIntegerField(_("fixed"), default=0)
    needs_review = models.PositiveIntegerField(_("needs review"), default=0)
    not_checked = models.PositiveIntegerField(_("not checked"), default=0)
    error = models.TextField(_("why it failed"), blank=True)
    #: When the next turn may begin, and the key of the last order that was compared.
    next_attempt_at = models.DateTimeField(default=timezone.now, editable=False)
    cursor = models.UUIDField(null=True, editable=False)
    #: The number of orders that could not be checked, by reason; each becomes a discrepancy at the end.
    reasons = models.JSONField(default=dict, editable=False)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        ordering = ["-started_at", "-pk"]
        permissions = [("reconcile", "Can reconcile an organization's orders with Ashby and Justifacts now")]
        constraints = [
            UniqueConstraint(
                name="one_reconciliation_at_a_time", fields=["organization"], condition=Q(ended_at=None)
            )
        ]
        indexes = [Index(name="reconciliations_of_org", fields=["organization", "-started_at"])]

    def __str__(self) -> str:
        return gettext("Reconciliation of %(organization)s, %(time)s") % {
            "organization": self.organization,
            "time": format_utc(self.started_at),
        }


class Discrepancy(models.Model):
    """One line of a report: a difference, and how it was handled."""

    class Outcome(models.TextChoices):
        RESOLVED = "resolved", _("fixed")
        NEEDS_REVIEW = "needs_review", _("needs review")
        NOT_CHECKED = "not_checked", _("not checked")

    reconciliation = models.ForeignKey(
        Reconciliation, models.CASCADE, related_name="discrepancies", verbose_name=_("reconciliation")
    )
    order = models.ForeignKey(
        Order, models.CASCADE, null=True, blank=True, related_name="discrepancies", verbose_name=_("order")
    )
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome)
    #: In sentences: what differs, and what was done or is to be done.
    text = models.TextField(_("what"))

    class Meta:
        verbose_name = _("discrepancy")
        verbose_name_plural = _("discrepancies")
        ordering = ["pk"]
        constraints = [
            CheckConstraint(name="a_difference_says_what", condition=~Q(text="")),
            CheckConstraint(
                name="a_difference_has_an_outcome",
                condition=Q(outcome__in=["resolved", "needs_review", "not_checked"]),
            ),
        ]

    def __str__(self) -> str:
        return self.text
