"""The admin pages of orders and of what happened to them."""

from assessments.admin import call_log, erasure, reconciliations, stall_thresholds
from assessments.admin.orders import changelist

__all__ = ["call_log", "changelist", "erasure", "reconciliations", "stall_thresholds"]
