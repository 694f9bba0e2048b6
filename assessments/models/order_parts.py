"""The columns of an order, in groups: each abstract class below is one part of ``Order``."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assessments.models.leases import Leased
from assessments.statuses import Status
from integrations.encryption.fields import PersonalJSONField, PersonalTextField
from integrations.models import Package
from integrations.partner_protocol.starts import Candidate, StartRequest


class PendingCall(models.TextChoices):
    """The next call to Justifacts that an order needs. There is at most one at a time."""

    NONE = "", _("nothing")
    PLACE = "place", _("place the order")
    LOOK_UP = "look_up", _("look up whether the order exists")
    CANCEL = "cancel", _("cancel the order")
    POLL = "poll", _("ask for the status")


#: The calls that are made one by one. Polls are made in batches.
CALLS = (PendingCall.PLACE, PendingCall.LOOK_UP, PendingCall.CANCEL)


class AttentionTopic(models.TextChoices):
    NONE = "", _("nothing")
    PLACING = "placing", _("placing the order")
    DELIVERY = "delivery", _("delivering updates to Ashby")
    CANCEL = "cancel", _("cancelling at Justifacts")
    NUMBER = "number", _("the order number at Justifacts")
    RESULT = "result", _("a result that Justifacts sent after the end")
    POLL = "poll", _("reading the answers of Justifacts")


class CancelledBy(models.TextChoices):
    """Who cancelled an order. Empty for an order that is not cancelled."""

    NONE = "", _("not cancelled")
    ASHBY = "ashby", _("Ashby")
    JUSTIFACTS = "justifacts", _("Justifacts")
    PERSON = "person", _("staff")


class ErasureReason(models.TextChoices):
    NONE = "", _("not erased")
    RETENTION = "retention", _("the retention period has ended")
    REQUEST = "request", _("on request")


#: Texts that are empty in an erased order; a database constraint requires it.
ERASED_TEXTS = (
    *("candidate_id", "candidate_first_name", "candidate_last_name", "candidate_email"),
    *("candidate_profile_url", "justifacts_status", "result", "report_url", "closing_reason"),
    *("attention_reason", "last_call_error", "legal_hold_reason"),
)
#: Columns that hold an empty object in an erased order.
ERASED_OBJECTS = ("application", "job", "additional_fields", "asked_about")
#: Columns that hold an empty list in an erased order.
ERASED_LISTS = ("applied_messages", "waiting_questions")


class Requested(models.Model):
    """What Ashby requested. ``CandidateSearchTerm`` finds the encrypted names and addresses."""

    package = models.ForeignKey(Package, models.PROTECT, related_name="orders", verbose_name=_("package"))
    package_from_job_mapping = models.BooleanField(_("package chosen by the job mapping"), default=False)
    application_id = models.CharField(max_length=200)
    job_id = models.CharField(_("Ashby's job id"), max_length=200)
    job_name = models.CharField(_("job"), max_length=500, blank=True)
    candidate_id = models.CharField(_("Ashby's candidate id"), max_length=200, blank=True)
    candidate_first_name = PersonalTextField(_("first name"))
    candidate_last_name = PersonalTextField(_("last name"))
    candidate_email = PersonalTextField(_("e-mail"))
    candidate_profile_url = PersonalTextField(blank=True)
    application = PersonalJSONField(default=dict)
    job = PersonalJSONField(default=dict)
    additional_fields = PersonalJSONField(default=dict)

    class Meta:
        abstract = True

    @property
    def start_request(self) -> StartRequest:
        """The start for Justifacts: Ashby's own request, with the package that the portal chose."""
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


class ProviderState(models.Model):
    """What Justifacts says about the order, as far as it was applied."""

    #: Verbatim, and so it may contain the candidate's name.
    justifacts_status = PersonalTextField(_("last status from Justifacts"), blank=True)
    #: The portal does not know ``justifacts_status``.
    status_unrecognized = models.BooleanField(_("unrecognized status at Justifacts"), default=False)
    #: The time of the last message that was applied, in ms since 1970: Justifacts' own, or the portal's if
    #: the message had no usable time.
    justifacts_timestamp = models.BigIntegerField(default=0)
    justifacts_time_is_ours = models.BooleanField(default=False, db_default=False)
    #: The last messages that were applied, as (time, status, result), to recognize late duplicates.
    applied_messages = PersonalJSONField(default=list, db_default=[])
    justifacts_order_id = models.CharField(_("order number at Justifacts"), max_length=200, blank=True)
    #: Another number that Justifacts has used for this order; staff decide whether it replaces the first.
    offered_order_number = models.CharField(max_length=200, blank=True, default="", db_default="")
    #: The number before staff accepted a new one: late messages may still carry it.
    former_order_number = models.CharField(max_length=200, blank=True, default="", db_default="")
    result = models.CharField(max_length=500, blank=True)
    report_url = PersonalTextField(blank=True)
    #: The message after the end that contradicts it, so that staff are asked about it once.
    asked_about = PersonalJSONField(default=dict, db_default={}, blank=True)

    class Meta:
        abstract = True


class Attention(models.Model):
    """The question that the order waits for. ``orders/transaction.py`` alone writes these columns."""

    attention_topic = models.CharField(
        max_length=10, choices=AttentionTopic, blank=True, default=AttentionTopic.NONE
    )
    needs_attention = models.BooleanField(_("needs attention"), default=False)
    attention_reason = PersonalTextField(blank=True)
    attention_since = models.DateTimeField(null=True, blank=True)
    #: Questions about other topics, in the order in which they will be shown.
    waiting_questions = PersonalJSONField(default=list, db_default=[], blank=True)

    class Meta:
        abstract = True


class Stall(models.Model):
    """Whether the order is stalled: since when, the sentence for people, and the threshold in minutes."""

    stalled_since = models.DateTimeField(null=True, blank=True)
    stall_reason = models.TextField(blank=True)
    stall_threshold = models.PositiveIntegerField(null=True, blank=True)
    #: The status in which Ashby got a stall note; each status gets one.
    stall_notified_status = models.CharField(max_length=20, choices=Status, blank=True)

    class Meta:
        abstract = True


class PendingCallState(Leased):
    """The next call to Justifacts, when it is due, and what is known of earlier placements."""

    next_call = models.CharField(max_length=10, choices=PendingCall, blank=True, default=PendingCall.PLACE)
    next_attempt_at = models.DateTimeField(null=True, default=timezone.now)
    #: Of the present ``next_call``: consecutive failures, since when, and the last error.
    call_failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    last_call_error = PersonalTextField(blank=True)
    #: Consecutive "not found" answers after a placement with an unknown outcome.
    not_found_count = models.PositiveSmallIntegerField(default=0)
    #: A digest of the unclear error that answered a placement, to recognize the same answer to the next one.
    placing_refusal = models.CharField(max_length=64, blank=True, default="", db_default="")
    #: A second placement got the same answer. If Justifacts has no order, ``last_call_error`` is its refusal.
    placing_refusal_repeated = models.BooleanField(default=False, db_default=False)
    #: Since when, and how often, placements were answered with a code of ``TEMPORARY_CODES``.
    placing_unavailable_since = models.DateTimeField(null=True)
    placing_unavailable_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    last_polled_at = models.DateTimeField(_("last polled"), null=True)
    #: Justifacts may have the order: a placement had an unknown outcome, Justifacts has mentioned the order,
    #: or the database was restored. Also true of an order with a number. The database's default is the
    #: careful one.
    may_have_been_sent = models.BooleanField(default=False, db_default=True)
    #: The next placement needs no look-up before it: one was made, a call was tried, or staff have decided. A
    #: mention by Justifacts revokes this.
    cleared_for_placement = models.BooleanField(default=False, db_default=False)

    class Meta:
        abstract = True


class Privacy(models.Model):
    """Legal hold and erasure. While an order is held, nothing of it is erased."""

    legal_hold = models.BooleanField(_("legal hold"), default=False)
    legal_hold_reason = PersonalTextField(_("reason for the legal hold"), default="", blank=True)
    erased_at = models.DateTimeField(_("personal data erased"), null=True)
    erasure_reason = models.CharField(
        max_length=10, choices=ErasureReason, blank=True, default=ErasureReason.NONE
    )

    class Meta:
        abstract = True

    @property
    def is_erased(self) -> bool:
        """Whether the candidate's data is erased; none may be written again."""
        return self.erased_at is not None


class OutboxState(models.Model):
    #: Since when Ashby answers that it does not know the order; an accepted update clears this.
    ashby_not_found_at = models.DateTimeField(null=True)
    #: When a repeated start last got the first answer again because of that.
    answered_again_at = models.DateTimeField(null=True)
    #: The newest timestamp of an update, in ms since 1970; the next one has to be greater.
    last_timestamp = models.BigIntegerField(default=0)
    last_sequence = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True
