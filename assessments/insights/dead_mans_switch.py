"""A dead man's switch: a service outside expects a call every minute, and alerts people when there is none.
It finds what the portal cannot report itself, such as the loss of every host."""

import logging
from datetime import datetime

from django.conf import settings

from assessments.insights.portal_status import all_parts
from integrations.http.client import post_to_webhook
from integrations.http.errors import CallFailed

logger = logging.getLogger(__name__)


def call_if_well(now: datetime) -> None:
    """Call ``HEARTBEAT_URL`` if every part of the portal works. A failing call is logged; the next one
    follows in a minute."""
    if not settings.HEARTBEAT_URL:
        return
    parts, _processes = all_parts(now)
    if failing := [name for name, part in parts.items() if not part.ok]:
        logger.warning("HEARTBEAT_URL is not called while these parts fail: %s", ", ".join(failing))
        return
    try:
        post_to_webhook(settings.HEARTBEAT_URL, {})
    except CallFailed as failure:
        logger.warning("HEARTBEAT_URL could not be called: %s", failure.message)
