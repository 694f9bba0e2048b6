"""The choices of an order's columns, and which columns are emptied when an order is erased."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class NextCall(models.TextChoices):
    """The next thing to say to Justifacts about an order. There is one at a time."""

    NONE = "", _("nothing")
    PLACE = "place", _("place the order")
    LOOK_UP = "look_up", _("ask whether the order was taken")
    CANCEL = "cancel", _("cancel the order")
    POLL = "poll", _("ask for the status")


class Concern(models.TextChoices):
    """What a human is asked about."""

    NONE = "", _("nothing")
    PLACING = "placing", _("placing the order")
    DELIVERY = "delivery", _("telling Ashby")
    CANCEL = "cancel", _("cancelling at Justifacts")
    NUMBER = "number", _("the order number at Justifacts")
    RESULT = "result", _("what Justifacts said after the end")
    POLL = "poll", _("reading what Justifacts answers")


class CancelledBy(models.TextChoices):
    """Who cancelled an order. Empty for an order that is not cancelled."""

    NONE = "", _("nobody")
    ASHBY = "ashby", _("Ashby")
    JUSTIFACTS = "justifacts", _("Justifacts")
    PERSON = "person", _("a person")


class ErasedWhy(models.TextChoices):
    """What a candidate's data was erased for."""

    NONE = "", _("it is not erased")
    RETENTION = "retention", _("the time for which it is kept is over")
    REQUEST = "request", _("on request")


#: Of an erased order each of these is empty: the database itself sees to it.
ERASED_TEXTS = (
    *("candidate_id", "candidate_first_name", "candidate_last_name", "candidate_email"),
    *("candidate_profile_url", "justifacts_status", "result", "report_url", "end_reason"),
    *("attention_reason", "call_error", "legal_hold_reason"),
)
#: These too, as empty objects.
ERASED_OBJECTS = ("application", "job", "additional_fields", "asked_about")
#: And these, as empty lists.
ERASED_LISTS = ("applied_messages", "waiting_questions")
