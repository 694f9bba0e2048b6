"""The outbox: updates for Ashby."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import CheckConstraint, Exists, Index, OuterRef, Q, Subquery, UniqueConstraint
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assessments.models.leases import Leased, LeasedQuerySet
from assessments.models.orders import Order
from integrations.encryption.fields import PersonalJSONField, PersonalTextField
from integrations.models import Organization

#: The most updates of the version before that get their organization at a time.
_BATCH = 5000


class AshbyUpdateQuerySet(LeasedQuerySet["AshbyUpdate"]):
    def next_in_order(self) -> Self:
        """The oldest undelivered update of each order. Only this one may be sent, because the updates of an
        order are delivered strictly in order."""
        earlier = AshbyUpdate.objects.filter(
            order=OuterRef("order"), sequence__lt=OuterRef("sequence"), state__in=AshbyUpdate.UNDELIVERED
        )
        return self.filter(state__in=AshbyUpdate.UNDELIVERED).exclude(Exists(earlier))

    def due(self, now: datetime) -> Self:
        """Updates that may be sent now and that no worker holds. The circuit breaker and a pause of their
        organization's deliveries are not considered."""
        due = self.next_in_order().not_leased(now)
        return due.filter(state=AshbyUpdate.State.WAITING, next_attempt_at__lte=now)

    def set_organizations(self) -> None:
        """Fill ``organization`` of up to ``_BATCH`` waiting updates that a process of the version before has
        written. The next version no longer needs this."""
        unset = self.filter(organization=None, state=AshbyUpdate.State.WAITING)
        if ids := list(unset.order_by().values_list("pk", flat=True)[:_BATCH]):
            owner = Order.objects.order_by().filter(pk=OuterRef("order")).values("organization")
            self.filter(pk__in=ids).update(organization=Subquery(owner))


class AshbyUpdate(Leased):
    """One ``assessment.update`` message for Ashby, written in the transaction of the change that it reports.
    Sending it twice is safe: same body, same timestamp."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("accepted by Ashby")
        REFUSED = "refused", _("refused by Ashby")
        # The stored value is part of ``order --json``.
        SKIPPED = "set_aside", _("skipped by staff")

    #: A refused update blocks its order's queue until staff retry or skip it.
    UNDELIVERED = (State.WAITING, State.REFUSED)

    order = models.ForeignKey(Order, models.CASCADE, related_name="updates", verbose_name=_("order"))
    #: The order's, so that a sweep finds the due updates of each organization by an index. The order's own
    #: key keeps it valid. Null in updates of the version before, as long as nothing waits for them.
    organization = models.ForeignKey(
        Organization,
        models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    sequence = models.PositiveIntegerField(_("number"))
    timestamp = models.BigIntegerField(_("timestamp"), help_text=_("Milliseconds since 1970, as sent."))
    payload = PersonalJSONField(_("payload"))
    summary = models.CharField(_("summary"), max_length=600)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    next_attempt_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    attempt_count = models.PositiveIntegerField(_("attempts"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True)
    delivered_at = models.DateTimeField(_("accepted at"), null=True)
    last_error = PersonalTextField(_("last error"), blank=True)
    warnings = PersonalJSONField(_("warnings"), default=list)

    objects = AshbyUpdateQuerySet.as_manager()

    class Meta:
        verbose_name = _("update")
        verbose_name_plural = _("updates")
        ordering = ["order", "sequence"]
        constraints = [
            UniqueConstraint(name="update_sequence_once", fields=["order", "sequence"]),
            UniqueConstraint(name="update_timestamp_once", fields=["order", "timestamp"]),
            CheckConstraint(
                name="delivered_with_its_time",
                condition=~Q(state="delivered") | Q(delivered_at__isnull=False),
            ),
        ]
        indexes = [
            # For pages and figures.
            Index(name="updates_unsaid", fields=["state", "next_attempt_at"]),
            Index(
                name="updates_to_deliver",
                fields=["organization", "next_attempt_at"],
                condition=Q(state="waiting"),
            ),
            # Empty, except after an upgrade (``set_organizations``).
            Index(
                name="updates_of_no_organization",
                fields=["id"],
                condition=Q(organization=None, state="waiting"),
            ),
        ]

    def __str__(self) -> str:
        return gettext("Update %(number)d: %(summary)s") % {"number": self.sequence, "summary": self.summary}
