"""The outbox: updates for Ashby."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import CheckConstraint, Exists, Index, OuterRef, Q, UniqueConstraint
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assessments.models.leases import Leased, LeasedQuerySet
from assessments.models.orders import Order
from integrations.connections.circuit_breaker import not_blocked
from integrations.connections.endpoints import Endpoint
from integrations.encryption.fields import PersonalJSONField, PersonalTextField


class AshbyUpdateQuerySet(LeasedQuerySet["AshbyUpdate"]):
    def next_in_order(self) -> Self:
        """The oldest undelivered update of each order. Only this one may be sent, because the updates of an
        order are delivered strictly in order."""
        earlier = AshbyUpdate.objects.filter(
            order=OuterRef("order"), sequence__lt=OuterRef("sequence"), state__in=AshbyUpdate.UNDELIVERED
        )
        return self.filter(state__in=AshbyUpdate.UNDELIVERED).exclude(Exists(earlier))

    def deliverable(self, now: datetime) -> Self:
        """Due updates of organizations whose deliveries are neither paused nor blocked."""
        return self._due(now).filter(order__organization__connection__paused_at=None)

    def probing(self, now: datetime) -> Self:
        """Due updates, oldest first, of organizations whose deliveries are paused and which may send a probe
        now."""
        probe_at = "order__organization__connection__probe_at"
        due = self._due(now).filter(
            Q(**{probe_at: None}) | Q(**{f"{probe_at}__lte": now}),
            order__organization__connection__paused_at__isnull=False,
            order__organization__ashby_api_keys__is_selected=True,
        )
        return due.order_by("created_at", "pk")

    def _due(self, now: datetime) -> Self:
        return self.next_in_order().filter(
            not_blocked(Endpoint.ASHBY, now, "order__organization__connection__"),
            state=AshbyUpdate.State.WAITING,
            next_attempt_at__lte=now,
            order__organization__connection__is_enabled=True,
        )


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
            # Not partial: SQLite would not use it, and every sweep would read the whole table.
            Index(name="updates_unsaid", fields=["state", "next_attempt_at"])
        ]

    def __str__(self) -> str:
        return gettext("Update %(number)d: %(summary)s") % {"number": self.sequence, "summary": self.summary}
