"""The order: one background check of one candidate on one application."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import CheckConstraint, Func, Index, Q, UniqueConstraint
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assessments.models.leases import LeasedQuerySet
from assessments.models.order_parts import (
    CALLS,
    ERASED_TEXTS,
    Attention,
    CancelledBy,
    OutboxState,
    PendingCall,
    PendingCallState,
    Privacy,
    ProviderState,
    Requested,
    Stall,
)
from assessments.statuses import ENDED, Status
from integrations.encryption.fields import PersonalTextField
from integrations.models import Organization
from integrations.redaction import personal_terms

_HAS_ENDED = Q(status__in=sorted(ENDED))


#: The columns by which the order list orders equal rows and limits them to a person's organizations.
_AS_LISTED = ("-created_at", "-assessment_id", "organization")
_FILTERS = {
    "orders_by_status": "status",
    "orders_by_result": "result",
    "orders_by_package": "package",
    "orders_by_job": "job_id",
    "orders_by_job_name": "job_name",
    "orders_by_age": "status_since",
}


def _by_number(name: str, field: str) -> Index:
    """For whole numbers and for their beginnings, which need the class of operators on PostgreSQL."""
    return Index(name=name, fields=[field, "organization"], opclasses=["varchar_pattern_ops", "int8_ops"])


class _Literal(Func):
    """A text in the SQL itself instead of a parameter. SQLite uses a partial index whose condition is an
    ``IN`` only if the query repeats it literally."""

    def __init__(self, text: PendingCall) -> None:
        super().__init__(template=f"'{text.value}'", output_field=models.CharField())


class OrderQuerySet(LeasedQuerySet["Order"]):
    def calls_due(self, now: datetime) -> Self:
        """Orders with a due call other than a poll, which no worker holds."""
        calls = [_Literal(call) for call in CALLS]
        return self.not_leased(now).filter(next_call__in=calls, next_attempt_at__lte=now)

    def polls_due(self, now: datetime) -> Self:
        """Orders with a due poll, which no worker holds."""
        return self.not_leased(now).filter(next_call=PendingCall.POLL, next_attempt_at__lte=now)


class Order(Requested, ProviderState, PendingCallState, Attention, Stall, Privacy, OutboxState):
    """Ashby knows the order by ``assessment_id``, Justifacts by ``justifacts_order_id``. An order belongs to
    an application: Ashby can merge candidates, and a merged candidate's id no longer exists.

    Change an order under the lock of ``orders/transaction.py``.
    """

    assessment_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="orders", verbose_name=_("organization")
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.ACCEPTED)
    status_since = models.DateTimeField(default=timezone.now)
    closing_reason = PersonalTextField(_("closing reason"), blank=True)
    cancelled_by = models.CharField(
        max_length=10, choices=CancelledBy, blank=True, default=CancelledBy.NONE, db_default=""
    )
    created_at = models.DateTimeField(default=timezone.now)
    placed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    turnaround_minutes = models.PositiveIntegerField(null=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-created_at"]
        permissions = [
            ("retry_order", "Can retry pending work of an order"),
            ("poll_order", "Can poll Justifacts for an order's status now"),
            ("resend_order", "Can resend or skip an order's updates to Ashby"),
            ("cancel_order", "Can cancel an order at Ashby and Justifacts"),
            ("resolve_unknown_placement", "Can link or resubmit an order whose placement outcome is unknown"),
            ("note_order", "Can add a note to an order"),
            ("resolve_order", "Can mark an order as needing no more attention"),
            ("export_order", "Can export orders"),
            ("hold_order", "Can place and lift a legal hold"),
        ]
        constraints = [
            UniqueConstraint(
                name="one_active_order",
                fields=["organization", "application_id", "package"],
                condition=~_HAS_ENDED,
            ),
            UniqueConstraint(
                name="justifacts_order_once",
                fields=["organization", "justifacts_order_id"],
                condition=~Q(justifacts_order_id=""),
            ),
            CheckConstraint(
                name="a_numbered_order_was_sent",
                condition=Q(justifacts_order_id="") | Q(may_have_been_sent=True),
            ),
            CheckConstraint(name="order_status_known", condition=Q(status__in=Status.values)),
            CheckConstraint(name="order_next_call_known", condition=Q(next_call__in=PendingCall.values)),
            CheckConstraint(
                name="attention_has_a_reason",
                condition=Q(needs_attention=False, attention_reason="")
                | (Q(needs_attention=True) & ~Q(attention_reason="")),
            ),
            CheckConstraint(
                name="standing_still_with_a_reason",
                condition=Q(stalled_since=None, stall_reason="", stall_threshold=None)
                | (Q(stalled_since__isnull=False, stall_threshold__isnull=False) & ~Q(stall_reason="")),
            ),
            CheckConstraint(
                name="what_has_ended_does_not_stand_still", condition=~_HAS_ENDED | Q(stalled_since=None)
            ),
            CheckConstraint(
                name="complete_with_its_time",
                condition=~Q(status=Status.COMPLETE) | Q(completed_at__isnull=False),
            ),
            CheckConstraint(
                name="held_with_a_reason",
                condition=Q(legal_hold=False, legal_hold_reason="")
                | (Q(legal_hold=True) & ~Q(legal_hold_reason="")),
            ),
            CheckConstraint(
                name="what_is_held_is_not_erased", condition=Q(legal_hold=False) | Q(erased_at=None)
            ),
            CheckConstraint(name="only_what_has_ended_is_erased", condition=Q(erased_at=None) | _HAS_ENDED),
            CheckConstraint(
                name="erased_for_a_reason",
                condition=Q(erased_at=None, erasure_reason="")
                | Q(erased_at__isnull=False, erasure_reason__in=["retention", "request"]),
            ),
            CheckConstraint(
                name="erased_without_personal_data",
                condition=Q(erased_at=None) | Q(**dict.fromkeys(ERASED_TEXTS, "")),
            ),
        ]
        indexes = [
            # For due work, organization by organization.
            Index(
                name="orders_to_call",
                fields=["organization", "next_attempt_at"],
                condition=Q(next_call__in=CALLS),
            ),
            Index(
                name="orders_to_poll",
                fields=["organization", "next_attempt_at"],
                condition=Q(next_call=PendingCall.POLL),
            ),
            # With what the order list and the dashboard's figures by day need, so that they read no rows.
            Index(name="orders_newest", fields=["-created_at", "-assessment_id", "status"]),
            Index(
                name="orders_newest_in_organization",
                fields=["organization", "-created_at", "-assessment_id", "status"],
            ),
            # SQLite does not use the partial indexes of the two unique constraints for a look-up. The
            # organization comes second, so that a search in all organizations uses the index too.
            Index(name="orders_by_application", fields=["application_id", "organization"]),
            _by_number("orders_numbered", "justifacts_order_id"),
            _by_number("orders_with_offered_number", "offered_order_number"),
            _by_number("orders_with_former_number", "former_order_number"),
            # For the filters and orders of the order list. A page and its count read no other rows.
            *(Index(name=name, fields=[field, *_AS_LISTED]) for name, field in _FILTERS.items()),
            Index(name="orders_by_candidate", fields=["candidate_id"]),
            # For the task that resumes polls of completed orders.
            Index(
                name="orders_completed_at_rest",
                fields=["completed_at"],
                condition=Q(status=Status.COMPLETE, next_call="", erased_at=None),
            ),
            Index(name="orders_held", fields=["organization"], condition=Q(legal_hold=True)),
            Index(name="orders_needing_a_human", fields=["organization"], condition=Q(needs_attention=True)),
            Index(
                name="orders_of_unknown_status",
                fields=["organization"],
                condition=Q(status_unrecognized=True),
            ),
            Index(name="orders_on_the_way", fields=["status", "status_since"], condition=~_HAS_ENDED),
            Index(
                name="orders_standing_still",
                fields=["organization", "status"],
                condition=Q(stalled_since__isnull=False),
            ),
            # For the detection of stalled orders. SQLite uses a partial index only if the query repeats its
            # condition literally, so this one does not exclude ended orders.
            Index(name="orders_watched", fields=["status", "status_since"], condition=Q(stalled_since=None)),
            # Covers the dashboard's figures about completed checks.
            Index(
                name="orders_completed",
                fields=["completed_at", "organization", "package", "result", "turnaround_minutes"],
                condition=Q(completed_at__isnull=False),
            ),
            # For retention.
            Index(
                name="orders_not_erased", fields=["organization", "status_since"], condition=Q(erased_at=None)
            ),
        ]

    def __str__(self) -> str:
        return gettext("Order %(id)s") % {"id": self.assessment_id}

    @property
    def candidate_name(self) -> str:
        if self.is_erased:
            return gettext("Erased candidate")
        return f"{self.candidate_first_name} {self.candidate_last_name}".strip()

    @property
    def candidate_initials(self) -> str:
        """The part of a candidate's name that a notification may contain."""
        names = (self.candidate_first_name.strip(), self.candidate_last_name.strip())
        return "".join(f"{name[0].upper()}." for name in names if name)

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_cancelled_by_us(self) -> bool:
        """Whether Ashby or staff cancelled the order, so that Justifacts must stop the check."""
        is_ours = self.cancelled_by in (CancelledBy.ASHBY, CancelledBy.PERSON)
        return self.status == Status.CANCELLED and is_ours

    def updated_since(self, earlier: "Order") -> bool:
        """Whether the order has changed since ``earlier``, an older copy of the same row, was read."""
        names = (
            *("status", "status_unrecognized", "justifacts_status", "justifacts_timestamp"),
            *("justifacts_order_id", "offered_order_number", "result", "report_url", "asked_about"),
        )
        return any(getattr(self, name) != getattr(earlier, name) for name in names)

    @property
    def personal_data(self) -> tuple[str, ...]:
        """Terms that redaction removes from everything that is stored about a call."""
        return personal_terms(self.candidate_email, self.candidate_first_name, self.candidate_last_name)


class CandidateSearchTerm(models.Model):
    """The search index: one keyed hash (``integrations/encryption/search_hashes.py``) of a prefix of a
    candidate's name or address. Written in the transaction that writes the order."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="search_terms", verbose_name=_("order"))
    term = models.BigIntegerField()

    class Meta:
        verbose_name = _("search term")
        verbose_name_plural = _("search terms")
        indexes = [Index(name="orders_by_search_term", fields=["term", "order"])]

    def __str__(self) -> str:
        return str(self.pk)
