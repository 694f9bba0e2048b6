"""The statuses of an order: Justifacts' names for them, their ranks, and their labels in Ashby.

Pure: no network, no database. Source of Justifacts' statuses and results: Ashby's help page on Justifacts and
the help centre of another applicant tracking system with the same integration (``docs/protocol.md``).
"""

import re
import unicodedata

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    """In the order of their ranks."""

    ACCEPTED = "accepted", _("Accepted")
    RECEIVED = "received", _("Received")
    APPLICANT_STARTED = "applicant_started", _("Applicant started")
    IN_PROCESS = "in_process", _("In process")
    COMPLETE = "complete", _("Complete")
    CANCELLED = "cancelled", _("Cancelled")
    REJECTED = "rejected", _("Rejected")


#: The order has ended. Later messages are recorded, and Ashby still gets a changed result.
ENDED = frozenset({Status.COMPLETE, Status.CANCELLED, Status.REJECTED})

_STATUS_OF_TEXT = {
    "justifacts received": Status.RECEIVED,
    "initiated": Status.RECEIVED,
    "applicant started": Status.APPLICANT_STARTED,
    "in process justifacts": Status.IN_PROCESS,
    "complete": Status.COMPLETE,
    "completed": Status.COMPLETE,
    "cancelled": Status.CANCELLED,
    "canceled": Status.CANCELLED,
}

#: The labels that Ashby is sent for a status, in this order. ``Started`` makes Ashby store the start time.
ASHBY_LABELS: dict[Status, tuple[str, ...]] = {
    Status.RECEIVED: ("Justifacts Received",),
    Status.APPLICANT_STARTED: ("Started", "Applicant Started"),
    Status.IN_PROCESS: ("In Process: Justifacts",),
    Status.COMPLETE: ("Complete",),
}

#: The label in the response to a start, before Justifacts has the order.
SENDING_LABEL = "Sending to Justifacts"

RESULTS = ("Clear", "Review", "Adverse")
#: The result of a completed order for which Justifacts gave none.
NO_RESULT = "Complete"


def normalised(text: str) -> str:
    """The letters and digits of a text in lower case, so that spacing, punctuation, underscores, full-width
    signs and invisible characters make no difference."""
    return "".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold()))


_STATUS_OF_NORMALISED = {normalised(text): status for text, status in _STATUS_OF_TEXT.items()}
_RESULT_OF_NORMALISED = {normalised(result): result for result in RESULTS}


def status_of(text: str) -> Status | None:
    """The status that a text from Justifacts means; None if the portal does not know it."""
    return _STATUS_OF_NORMALISED.get(normalised(text))


def result_of(text: str) -> str:
    """A result in its usual spelling; an unknown one verbatim, without outer white space."""
    return _RESULT_OF_NORMALISED.get(normalised(text), text.strip())


def asks_for_a_look(result: str) -> bool:
    """Whether recruiters should read the report and their company's notes before they decide. True of every
    result that leaves something to decide; it says nothing about the candidate."""
    return result not in ("", "Clear", NO_RESULT)


def may_follow(current: Status, new: Status) -> bool:
    """The forward-only rule: a status may follow one of a lower rank, and no status follows an end."""
    statuses = list(Status)
    return current not in ENDED and statuses.index(new) > statuses.index(current)
