"""What happened, what is true, and what must be said."""

from assessments.models.call_log import Attempt, InboundCall
from assessments.models.leases import Claimable
from assessments.models.notifications import NoticeChoice, NoticeKind, Told
from assessments.models.order_events import Event
from assessments.models.outbox import Update
from assessments.models.search import CandidateSearchTerm
from assessments.models.stall_thresholds import WatchLimits

from .erasure import ErasureCertificate
from .heartbeats import Heartbeat
from .order_choices import CancelledBy, Concern, ErasedWhy, NextCall
from .orders import Order
from .reconciliation import Difference, Reconciliation

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
