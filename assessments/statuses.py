"""The statuses of an order, and THE table: Justifacts' words -> status -> what Ashby is told.

Pure. Source of Justifacts' words and results: Ashby's help page on Justifacts and the help
centre of another applicant tracking system with the same integration (``docs/protocol.md``).
"""

import re
import unicodedata

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    ACCEPTED = "accepted", _("Accepted")
    RECEIVED = "received", _("Received")
    APPLICANT_STARTED = "applicant_started", _("Applicant started")
    IN_PROCESS = "in_process", _("In process")
    COMPLETE = "complete", _("Complete")
    CANCELLED = "cancelled", _("Cancelled")
    REJECTED = "rejected", _("Rejected")


#: The order is over; what arrives later is recorded (and a changed result still told).
ENDED = frozenset({Status.COMPLETE, Status.CANCELLED, Status.REJECTED})

_RANKS = {
    Status.ACCEPTED: 0,
    Status.RECEIVED: 1,
    Status.APPLICANT_STARTED: 2,
    Status.IN_PROCESS: 3,
    Status.COMPLETE: 4,
    Status.CANCELLED: 4,
    Status.REJECTED: 4,
}

_STATUS_OF_WORD = {
    "justifacts received": Status.RECEIVED,
    "initiated": Status.RECEIVED,
    "applicant started": Status.APPLICANT_STARTED,
    "in process justifacts": Status.IN_PROCESS,
    "complete": Status.COMPLETE,
    "completed": Status.COMPLETE,
    "cancelled": Status.CANCELLED,
    "canceled": Status.CANCELLED,
}

#: What Ashby is told, in this order. ``Started`` is a signal: it makes Ashby store the start time.
ASHBY_LABELS: dict[Status, tuple[str, ...]] = {
    Status.RECEIVED: ("Justifacts Received",),
    Status.APPLICANT_STARTED: ("Started", "Applicant Started"),
    Status.IN_PROCESS: ("In Process: Justifacts",),
    Status.COMPLETE: ("Complete",),
}

#: In the answer to a start, before Justifacts has the order.
SENDING_LABEL = "Sending to Justifacts"

RESULTS = ("Clear", "Review", "Adverse")
#: What a completed order without a result is told as.
NO_RESULT = "Complete"


def normalised(word: str) -> str:
    """A word without its case, spacing and punctuation: letters and digits alone, so that camel case,
    underscores, hyphens, full-width signs and invisible characters make no difference."""
    return "".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", word).casefold()))


_STATUS_OF_NORMALISED = {normalised(word): status for word, status in _STATUS_OF_WORD.items()}
_RESULT_OF_NORMALISED = {normalised(result): result for result in RESULTS}


def status_of(word: str) -> Status | None:
    """The status that a word of Justifacts' stands for; None for a word that we do not know."""
    return _STATUS_OF_NORMALISED.get(normalised(word))


def result_of(word: str) -> str:
    """A result in its usual spelling; an unknown one as it stands."""
    return _RESULT_OF_NORMALISED.get(normalised(word), word.strip())


def asks_for_a_look(result: str) -> bool:
    """Whether people should read the report and their company's notes before they decide: any word but
    those that leave nothing to decide. It says nothing of the candidate."""
    return result not in ("", "Clear", NO_RESULT)


def may_follow(current: Status, new: Status) -> bool:
    """Forward only: a status may follow one of a lower rank, and nothing follows an end."""
    return current not in ENDED and _RANKS[new] > _RANKS[current]
