"""System checks of the settings that concern orders, each with a hint."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from integrations.models.organizations import LONGEST_RETENTION, SHORTEST_RETENTION


@register()
def retention(**_: Any) -> list[CheckMessage]:
    """The default retention is one that an organization may choose."""
    if SHORTEST_RETENTION <= settings.RETENTION_DAYS <= LONGEST_RETENTION:
        return []
    return [
        Error(
            f"RETENTION_DAYS is not between {SHORTEST_RETENTION} and {LONGEST_RETENTION}.",
            hint="Leave it out for 730 days, two years; each organization's admin can choose another number.",
            id="assessments.E001",
        )
    ]


@register()
def start_replay(**_: Any) -> list[CheckMessage]:
    """Ashby's own retry of a start falls within the replay window; outside it, the answer is 409."""
    if settings.ASSESSMENT_START_REPLAY_SECONDS >= 10:
        return []
    return [
        Warning(
            "ASSESSMENT_START_REPLAY_SECONDS is under 10 s: Ashby's retry of a start would get 409.",
            hint="Leave it at its default, 120.",
            id="assessments.W001",
        )
    ]


@register()
def poll_interval(**_: Any) -> list[CheckMessage]:
    """An interval of 0 would poll without end."""
    if settings.POLL_INTERVAL_SECONDS >= 1:
        return []
    return [
        Error(
            "POLL_INTERVAL_SECONDS has to be 1 or more.",
            hint="Leave it at its default, 300.",
            id="assessments.E002",
        )
    ]
