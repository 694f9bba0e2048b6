"""The order: one background check of one candidate on one application."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assessments.models.order_choices import (
    ERASED_TEXTS,
    AttentionTopic,
    CancelledBy,
    ErasureReason,
    PendingCall,
)
from assessments.statuses import ENDED, Status
from integrations.encryption.fields import PersonalJSONField, PersonalTextField
from integrations.models import Organization, Package
from integrations.partner_protocol.starts import Candidate, StartRequest
from integrations.redaction import personal_terms

from .leases import Leased, LeasedQuerySet


class Order(Leased):
    """``assessment_id`` is what Ashby knows the order by, ``justifacts_order_id`` what Justifacts
    knows it by. Orders hang on the application: Ashby can merge candidates, after which a
    candidate's id is gone."""

    assessment_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="orders", verbose_name=_("organization")
    )
    package = models.ForeignKey(Package, models.PROTECT, related_name="orders", verbose_name=_("package"))
    package_from_job_mapping = models.BooleanField(_("package chosen by the job mapping"), default=False)

    application_id = models.CharField(max_length=200)
    job_id = models.CharField(_("Ashby's job id"), max_length=200)
    job_name = models.CharField(_("job"), max_length=500, blank=True)
    candidate_id = models.CharField(_("Ashby's candidate id"), max_length=200, blank=True)
    # Found by CandidateSearchTerm.
    candidate_first_name = PersonalTextField(_("first name"))
    candidate_last_name = PersonalTextField(_("last name"))
    candidate_email = PersonalTextField(_("e-mail"))
    candidate_profile_url = PersonalTextField(blank=True)
    application = PersonalJSONField(default=dict)
    job = PersonalJSONField(default=dict)
    additional_fields = PersonalJSONField(default=dict)

    status = models.CharField(max_length=20, choices=Status, default=Status.ACCEPTED)
    status_since = models.DateTimeField(default=timezone.now)
    # Word for word, and so it may name the candidate.
    justifacts_status = PersonalTextField(_("last status from Justifacts"), blank=True)
    # That last word is one that we do not know.
    status_unrecognized = models.BooleanField(_("unrecognized status at Justifacts"), default=False)
    # The time of the last message that was applied, in ms since 1970: Justifacts' own, or the portal's
    # where the message had none that can be read.
    justifacts_timestamp = models.BigIntegerField(default=0)
    justifacts_time_is_ours = models.BooleanField(default=False, db_default=False)
    # The last messages that were applied, so that a late duplicate of one is known: (time, status, result).
    applied_messages = PersonalJSONField(default=list, db_default=[])
    justifacts_order_id = models.CharField(_("order number at Justifacts"), max_length=200, blank=True)
    # Another number under which Justifacts has spoken of this order; a person decides whether it is taken.
    offered_order_number = models.CharField(max_length=200, blank=True, default="", db_default="")
    # The number before a person took a new one: late messages may still carry it.
    former_order_number = models.CharField(max_length=200, blank=True, default="", db_default="")
    result = models.CharField(max_length=500, blank=True)
    report_url = PersonalTextField(blank=True)
    closing_reason = PersonalTextField(_("closing reason"), blank=True)
    cancelled_by = models.CharField(
        max_length=10, choices=CancelledBy, blank=True, default=CancelledBy.NONE, db_default=""
    )
    # What Justifacts said after the end that contradicts it, so that a person is asked once about it.
    asked_about = PersonalJSONField(default=dict, db_default={}, blank=True)
    # Which concern asks for a human, so that the machine takes back only what it has asked itself.
    attention_topic = models.CharField(
        max_length=10, choices=AttentionTopic, blank=True, default=AttentionTopic.NONE
    )
    needs_attention = models.BooleanField(_("needs attention"), default=False)
    attention_reason = PersonalTextField(blank=True)
    attention_since = models.DateTimeField(null=True, blank=True)
    # Questions about other concerns, behind the one above (``attention.py``).
    waiting_questions = PersonalJSONField(default=list, db_default=[], blank=True)

    # Standing still: since when, the sentence for people, and the limit that it passed then.
    stalled_since = models.DateTimeField(null=True, blank=True)
    stall_reason = models.TextField(blank=True)
    stall_threshold = models.PositiveIntegerField(null=True, blank=True)
    # The status in which Ashby was told so: it is told once in each.
    stall_notified_status = models.CharField(max_length=20, choices=Status, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    placed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    turnaround_minutes = models.PositiveIntegerField(null=True)

    next_call = models.CharField(max_length=10, choices=PendingCall, blank=True, default=PendingCall.PLACE)
    next_attempt_at = models.DateTimeField(null=True, default=timezone.now)
    # Of the present next_call: how often in a row it failed, since when, and how the last try ended.
    call_failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    last_call_error = PersonalTextField(blank=True)
    # How often in a row Justifacts said that it has no such order, after a placing of unknown outcome.
    not_found_count = models.PositiveSmallIntegerField(default=0)
    # A placing was answered with an error that says neither yes nor no: a digest of its code or words, so
    # that the same answer to the next placing is recognised.
    placing_refusal = models.CharField(max_length=64, blank=True, default="", db_default="")
    # It was the answer to a second placing, too: should Justifacts have no order, that is its refusal, in the
    # words that last_call_error keeps.
    placing_refusal_repeated = models.BooleanField(default=False, db_default=False)
    # Since when, and how often, it answered placings with a code such as temporarily_unavailable.
    placing_unavailable_since = models.DateTimeField(null=True)
    placing_unavailable_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    last_polled_at = models.DateTimeField(_("last polled"), null=True)
    # Justifacts may have the order although no call has said so: a call to place it had no certain outcome,
    # Justifacts has mentioned the order, or the database was restored. Also true of an order with a number.
    # The database's own default is the careful one.
    may_have_been_sent = models.BooleanField(default=False, db_default=True)
    # Justifacts need not be asked again before the next call to place the order: it was asked, a call was
    # tried, or a person has decided. A mention by Justifacts takes this back.
    cleared_for_placement = models.BooleanField(default=False, db_default=False)

    # A legal hold stops the clock: nothing of the order is erased until a person lifts it.
    legal_hold = models.BooleanField(_("legal hold"), default=False)
    legal_hold_reason = PersonalTextField(_("reason for the legal hold"), default="", blank=True)
    erased_at = models.DateTimeField(_("personal data erased"), null=True)
    erasure_reason = models.CharField(
        max_length=10, choices=ErasureReason, blank=True, default=ErasureReason.NONE
    )

    # Since when Ashby says that it does not know this order; an update that it takes clears this.
    ashby_not_found_at = models.DateTimeField(null=True)
    # When Ashby last got the first answer again because of that.
    answered_again_at = models.DateTimeField(null=True)

    # The newest timestamp that Ashby was given for this order; the next has to be greater.
    last_timestamp = models.BigIntegerField(default=0)
    last_sequence = models.PositiveIntegerField(default=0)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-created_at"]
        permissions = [
            ("retry_order", "Can retry pending work of an order"),
            ("poll_order", "Can poll Justifacts for an order's status now"),
            ("resend_order", "Can resend or skip an order's updates to Ashby"),
            ("cancel_order", "Can cancel an order at Ashby and Justifacts"),
            (
                "resolve_unknown_placement",
                "Can link or resubmit an order whose placement outcome is unknown",
            ),
            ("note_order", "Can add a note to an order"),
            ("resolve_order", "Can mark an order as needing no more attention"),
            ("export_order", "Can export orders"),
            ("hold_order", "Can place and lift a legal hold"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="one_active_order",
                fields=["organization", "application_id", "package"],
                condition=~Q(status__in=sorted(ENDED)),
            ),
            models.UniqueConstraint(
                name="justifacts_order_once",
                fields=["organization", "justifacts_order_id"],
                condition=~Q(justifacts_order_id=""),
            ),
            models.CheckConstraint(
                name="a_numbered_order_was_sent",
                condition=Q(justifacts_order_id="") | Q(may_have_been_sent=True),
            ),
            models.CheckConstraint(name="order_status_known", condition=Q(status__in=Status.values)),
            models.CheckConstraint(
                name="order_next_call_known", condition=Q(next_call__in=PendingCall.values)
            ),
            models.CheckConstraint(
                name="attention_has_a_reason",
                condition=Q(needs_attention=False, attention_reason="")
                | (Q(needs_attention=True) & ~Q(attention_reason="")),
            ),
            models.CheckConstraint(
                name="standing_still_with_a_reason",
                condition=Q(stalled_since=None, stall_reason="", stall_threshold=None)
                | (Q(stalled_since__isnull=False, stall_threshold__isnull=False) & ~Q(stall_reason="")),
            ),
            models.CheckConstraint(
                name="what_has_ended_does_not_stand_still",
                condition=~Q(status__in=sorted(ENDED)) | Q(stalled_since=None),
            ),
            models.CheckConstraint(
                name="complete_with_its_time",
                condition=~Q(status=Status.COMPLETE) | Q(completed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="held_with_a_reason",
                condition=Q(legal_hold=False, legal_hold_reason="")
                | (Q(legal_hold=True) & ~Q(legal_hold_reason="")),
            ),
            models.CheckConstraint(
                name="what_is_held_is_not_erased", condition=Q(legal_hold=False) | Q(erased_at=None)
            ),
            models.CheckConstraint(
                name="only_what_has_ended_is_erased",
                condition=Q(erased_at=None) | Q(status__in=sorted(ENDED)),
            ),
            models.CheckConstraint(
                name="erased_for_a_reason",
                condition=Q(erased_at=None, erasure_reason="")
                | Q(erased_at__isnull=False, erasure_reason__in=["retention", "request"]),
            ),
            models.CheckConstraint(
                name="erased_without_personal_data",
                condition=Q(erased_at=None) | Q(**dict.fromkeys(ERASED_TEXTS, "")),
            ),
        ]
        indexes = [
            models.Index(
                name="orders_due", fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(name="orders_by_date", fields=["organization", "-created_at"]),
            models.Index(name="orders_newest_first", fields=["-created_at"]),
            # SQLite does not use the partial indexes of the two constraints above for a look-up.
            models.Index(name="orders_of_application", fields=["organization", "application_id"]),
            models.Index(name="orders_by_number", fields=["organization", "justifacts_order_id"]),
            models.Index(name="orders_by_offered_number", fields=["organization", "offered_order_number"]),
            models.Index(name="orders_by_former_number", fields=["organization", "former_order_number"]),
            # Completed orders that are not polled, by age: those still in their polling window are resumed.
            models.Index(
                name="orders_completed_at_rest",
                fields=["completed_at"],
                condition=Q(status=Status.COMPLETE, next_call="", erased_at=None),
            ),
            models.Index(
                name="orders_needing_a_human", fields=["organization"], condition=Q(needs_attention=True)
            ),
            models.Index(
                name="orders_of_unknown_status",
                fields=["organization"],
                condition=Q(status_unrecognized=True),
            ),
            models.Index(
                name="orders_on_the_way",
                fields=["status", "status_since"],
                condition=~Q(status__in=sorted(ENDED)),
            ),
            models.Index(
                name="orders_standing_still",
                fields=["organization", "status"],
                condition=Q(stalled_since__isnull=False),
            ),
            # For the watchdog. On the way or not: SQLite uses a partial index by the words of its condition.
            models.Index(
                name="orders_watched", fields=["status", "status_since"], condition=Q(stalled_since=None)
            ),
            # With what the first page tells of completed checks, so that it need not read the rows.
            models.Index(
                name="orders_completed",
                fields=["completed_at", "organization", "package", "result", "turnaround_minutes"],
                condition=Q(completed_at__isnull=False),
            ),
            models.Index(
                name="orders_to_place",
                fields=["organization"],
                condition=Q(next_call__in=[PendingCall.PLACE, PendingCall.LOOK_UP]),
            ),
            # For the clock of personal data.
            models.Index(
                name="orders_not_erased",
                fields=["organization", "status_since"],
                condition=Q(erased_at=None),
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
        """As much of a candidate as may leave the portal in a notice."""
        names = (self.candidate_first_name.strip(), self.candidate_last_name.strip())
        return "".join(f"{name[0].upper()}." for name in names if name)

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    def updated_since(self, earlier: "Order") -> bool:
        """Whether what is known of the order differs from this earlier reading of the same row."""
        names = (
            *("status", "status_unrecognized", "justifacts_status", "justifacts_timestamp"),
            *("justifacts_order_id", "offered_order_number", "result", "report_url", "asked_about"),
        )
        return any(getattr(self, name) != getattr(earlier, name) for name in names)

    @property
    def is_erased(self) -> bool:
        """Nothing of the candidate is left, and nothing may come back."""
        return self.erased_at is not None

    @property
    def personal_data(self) -> tuple[str, ...]:
        """What must not stand in anything that is kept about a call."""
        return personal_terms(self.candidate_email, self.candidate_first_name, self.candidate_last_name)

    @property
    def start_request(self) -> StartRequest:
        """What Justifacts is told: Ashby's own request, for the package that was resolved."""
        return StartRequest(
            assessment_type_id=self.package.justifacts_id,
            candidate=Candidate(
                first_name=self.candidate_first_name,
                last_name=self.candidate_last_name,
                email=self.candidate_email,
                ashby_id=self.candidate_id,
                profile_url=self.candidate_profile_url,
            ),
            application=self.application,
            job=self.job,
            additional_fields=self.additional_fields,
        )
