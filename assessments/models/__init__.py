"""What happened, what is true, and what must be said."""

from assessments.models.call_log import CallAttempt, InboundRequest
from assessments.models.notifications import NotificationKind, NotificationPreference, NotificationState
from assessments.models.order_choices import AttentionTopic, CancelledBy, ErasureReason, PendingCall
from assessments.models.order_events import OrderEvent
from assessments.models.outbox import AshbyUpdate
from assessments.models.reconciliation import Discrepancy, Reconciliation
from assessments.models.search import CandidateSearchTerm
from assessments.models.stall_thresholds import StallThresholds

from .erasure import ErasureCertificate
from .heartbeats import Heartbeat
from .leases import Leased
from .orders import Order

__all__ = [
    "AshbyUpdate",
    "AttentionTopic",
    "CallAttempt",
    "CancelledBy",
    "CandidateSearchTerm",
    "Discrepancy",
    "ErasureCertificate",
    "ErasureReason",
    "Heartbeat",
    "InboundRequest",
    "Leased",
    "NotificationKind",
    "NotificationPreference",
    "NotificationState",
    "Order",
    "OrderEvent",
    "PendingCall",
    "Reconciliation",
    "StallThresholds",
]
