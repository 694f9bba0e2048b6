"""The rows of the order app: orders, their history, their updates and what is kept across orders."""

from assessments.models.call_log import CallAttempt, InboundRequest
from assessments.models.erasure import ErasureCertificate
from assessments.models.heartbeats import Heartbeat, ProcessHeartbeat, ProcessOutage
from assessments.models.leases import Leased
from assessments.models.notifications import NotificationKind, NotificationPreference, NotificationState
from assessments.models.order_events import OrderEvent
from assessments.models.order_parts import AttentionTopic, CancelledBy, ErasureReason, PendingCall
from assessments.models.orders import CandidateSearchTerm, Order
from assessments.models.outbox import AshbyUpdate
from assessments.models.reconciliation import Discrepancy, Reconciliation
from assessments.models.stall_thresholds import StallThresholds

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
    "ProcessHeartbeat",
    "ProcessOutage",
    "Reconciliation",
    "StallThresholds",
]
