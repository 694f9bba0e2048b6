"""The history of an order."""

from typing import Any, TypeAlias

from django.db import models
from django.db.models import CheckConstraint, Index, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assessments.models.orders import Order


class EventKind(models.TextChoices):
    """What happened. ``order --json`` prints the values, so they never change; some are older than today's
    terms. A new kind needs a migration of the constraint ``event_kind_known``."""

    # Start and placement.
    STARTED = "started"
    ANSWERED_AGAIN = "answered_again"
    PLACEMENT_DELAYED = "waited_long"
    LOOKED_UP_FIRST = "looked_up_first"
    PLACED = "placed"
    LINKED = "adopted"
    NOT_FOUND = "not_taken"
    REJECTED = "rejected"
    PLACEMENT_UNKNOWN = "placing_unknown"
    PLACEMENT_INTERRUPTED = "placing_interrupted"
    RESUBMITTED = "placed_again"
    RESTORED = "made_again"
    # Messages from Justifacts.
    STATUS = "status"
    UNKNOWN_STATUS = "unknown_status"
    COMPLETED = "completed"
    RESULT_CHANGED = "result_changed"
    CONFIRMED = "confirmed"
    LATE = "late"
    AFTER_END = "after_end"
    NOT_UNDERSTOOD = "not_understood"
    REPORT_URL_REJECTED = "report_not_taken"
    NUMBER_CHANGED = "number_changed"
    # Cancellation.
    CANCELLED = "cancelled"
    CANCEL_REQUESTED = "cancel_asked"
    CANCEL_IGNORED = "cancel_ignored"
    CANCEL_ACCEPTED = "cancel_taken"
    CANCEL_REPEATED = "cancel_again"
    # Deliveries to Ashby.
    PAUSED = "paused"
    RESUMED = "resumed"
    ADDED_BY_RECONCILIATION = "told_when_reconciled"
    # Attention and stalled orders.
    NEEDS_ATTENTION = "needs_attention"
    ATTENTION_CLEARED = "attention_settled"
    STALLED = "standing_still"
    # Actions of staff.
    RETRIED = "retried"
    POLL_REQUESTED = "poll_asked"
    SKIPPED = "set_aside"
    RESENT = "resent"
    NUMBER_ACCEPTED = "number_taken"
    RESULT_ACCEPTED = "result_taken"
    RESOLVED = "resolved"
    NOTE = "note"
    # Personal data.
    LEGAL_HOLD_PLACED = "held"
    LEGAL_HOLD_LIFTED = "hold_lifted"
    ERASED = "erased"


class OrderEvent(models.Model):
    """One line of an order's history. It is immutable: the model and a database trigger prevent changes.

    The history is for people. No decision about an order depends on it.
    """

    class Source(models.TextChoices):
        ASHBY = "ashby", _("Ashby")
        JUSTIFACTS = "justifacts", _("Justifacts")
        PORTAL = "portal", _("the portal")
        PERSON = "person", _("staff")

    Kind: TypeAlias = EventKind

    order = models.ForeignKey(Order, models.CASCADE, related_name="events", verbose_name=_("order"))
    at = models.DateTimeField(_("when"), default=timezone.now)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    # Without choices: pages show the summary, and the kind's labels need no translation.
    kind = models.CharField(_("kind"), max_length=40)
    summary = models.TextField(_("summary"))

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["at", "pk"]
        constraints = [CheckConstraint(name="event_kind_known", condition=Q(kind__in=EventKind.values))]
        indexes = [Index(name="events_by_source", fields=["source", "id"])]

    def __str__(self) -> str:
        return self.summary

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("An event is immutable.")
        super().save(*args, **kwargs)
