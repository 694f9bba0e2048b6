"""What Ashby shows of an order, computed from its updates. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from assessments.text import format_duration
from integrations.http.urls import parse_url
from integrations.partner_protocol.parsing import JSON

_SLOTS = {"assessment_status": "status", "assessment_result": "result", "cancelled_reason": "cancelled"}


@dataclass(frozen=True)
class Card:
    """What a recruiter sees. Each update that has metadata replaces all of it."""

    status: str = ""
    result: str = ""
    cancelled: str = ""
    report_url: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    changed_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return bool(self.result or self.cancelled)


def build_card(payloads: Iterable[JSON]) -> Card:
    """Apply bodies of ``assessment.update`` in the order in which Ashby accepts them
    (``docs/protocol.md``)."""
    card = Card()
    for payload in payloads:
        card = _after(card, payload)
    return card


def _after(card: Card, payload: JSON) -> Card:
    changes: dict[str, Any] = {"changed_at": _moment(payload.get("timestamp"))}
    for slot, name in _SLOTS.items():
        if data := payload.get(slot):
            changes[name] = str(data["value"])
    if data := payload.get("assessment_profile_url"):
        address = str(data["value"])
        changes["report_url"] = address if parse_url(address) else ""
    if metadata := payload.get("metadata"):
        changes["metadata"] = tuple((str(item["label"]), _shown(item)) for item in metadata)
    return replace(card, **changes)


def _shown(item: JSON) -> str:
    """A value for people: minutes become days and hours."""
    value = item["value"]
    if item.get("type") != "numeric_duration_minutes":
        return str(value)
    if not value:
        return _("%(count)d min") % {"count": 0}
    return format_duration(timedelta(minutes=int(value)), units=3)


def _moment(timestamp: Any) -> datetime | None:
    return datetime.fromtimestamp(timestamp / 1000, UTC) if isinstance(timestamp, int) else None
