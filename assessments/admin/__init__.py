"""The admin pages of orders and of what happened to them."""

from assessments.admin import call_log, erasure, reconciliations, stall_thresholds  # noqa: F401
from assessments.admin.orders import changelist  # noqa: F401
