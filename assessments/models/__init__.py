"""What happened, what is true, and what must be said."""

from .calls import Attempt, InboundCall
from .claims import Claimable
from .erasure import ErasureCertificate
from .events import Event
from .heartbeats import Heartbeat
from .notices import NoticeChoice, NoticeKind, Told
from .order_choices import CancelledBy, Concern, ErasedWhy, NextCall
from .orders import Order
from .reconciliation import Difference, Reconciliation
from .search_terms import CandidateSearchTerm
from .updates import Update
from .watching import WatchLimits

__all__ = [
    "Attempt",
    "CancelledBy",
    "CandidateSearchTerm",
    "Claimable",
    "Concern",
    "Difference",
    "ErasedWhy",
    "ErasureCertificate",
    "Event",
    "Heartbeat",
    "InboundCall",
    "NextCall",
    "NoticeChoice",
    "NoticeKind",
    "Order",
    "Reconciliation",
    "Told",
    "Update",
    "WatchLimits",
]
