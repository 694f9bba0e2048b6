"""The choices of an order's columns, and which columns are emptied when an order is erased."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PendingCall(models.TextChoices):
    """The next thing to say to Justifacts about an order. There is one at a time."""

    NONE = "", _("nothing")
    PLACE = "place", _("place the order")
    LOOK_UP = "look_up", _("look up whether the order exists")
    CANCEL = "cancel", _("cancel the order")
    POLL = "poll", _("ask for the status")


class AttentionTopic(models.TextChoices):
    """What a human is asked about."""

    NONE = "", _("nothing")
    PLACING = "placing", _("placing the order")
    DELIVERY = "delivery", _("delivering updates to Ashby")
    CANCEL = "cancel", _("cancelling at Justifacts")
    NUMBER = "number", _("the order number at Justifacts")
    RESULT = "result", _("a result that Justifacts sent after the end")
    POLL = "poll", _("reading the answers of Justifacts")


class CancelledBy(models.TextChoices):
    """Who cancelled an order. Empty for an order that is not cancelled."""

    NONE = "", _("nobody")
    ASHBY = "ashby", _("Ashby")
    JUSTIFACTS = "justifacts", _("Justifacts")
    PERSON = "person", _("staff")


class ErasureReason(models.TextChoices):
    """What a candidate's data was erased for."""

    NONE = "", _("not erased")
    RETENTION = "retention", _("the retention period has ended")
    REQUEST = "request", _("on request")


#: Of an erased order each of these is empty: the database itself sees to it.
ERASED_TEXTS = (
    *("candidate_id", "candidate_first_name", "candidate_last_name", "candidate_email"),
    *("candidate_profile_url", "justifacts_status", "result", "report_url", "closing_reason"),
    *("attention_reason", "last_call_error", "legal_hold_reason"),
)
#: These too, as empty objects.
ERASED_OBJECTS = ("application", "job", "additional_fields", "asked_about")
#: And these, as empty lists.
ERASED_LISTS = ("applied_messages", "waiting_questions")
