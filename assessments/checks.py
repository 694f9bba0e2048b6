"""System checks of the settings that concern orders, each with a hint."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import connection

from integrations.models.organizations import LONGEST_RETENTION, SHORTEST_RETENTION


@register()
def order_settings(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not SHORTEST_RETENTION <= settings.RETENTION_DAYS <= LONGEST_RETENTION:
        message = f"RETENTION_DAYS is not between {SHORTEST_RETENTION} and {LONGEST_RETENTION}."
        hint = "Leave it out for 730 days, two years; each organization's admin can choose another number."
        found.append(Error(message, hint=hint, id="assessments.E001"))
    if settings.ASSESSMENT_START_REPLAY_SECONDS < 10:
        message = "ASSESSMENT_START_REPLAY_SECONDS is under 10 s: Ashby's retry of a start would get 409."
        found.append(Warning(message, hint="Leave it at its default, 120.", id="assessments.W001"))
    if settings.POLL_INTERVAL_SECONDS < 1:
        # An interval of 0 would poll without end.
        message = "POLL_INTERVAL_SECONDS has to be 1 or more."
        found.append(Error(message, hint="Leave it at its default, 300.", id="assessments.E002"))
    return found


@register()
def recovery_log(**_: Any) -> list[CheckMessage]:
    """The recovery log has a database, and not the one whose loss it is for."""
    if not settings.RECOVERY_LOG_DATABASE_URL:
        return []
    # As in recovery_log/log.py: imported where it is needed.
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    own = connection.settings_dict
    try:
        its = conninfo_to_dict(settings.RECOVERY_LOG_DATABASE_URL)
    except ProgrammingError:
        # The text of the error quotes the URL with its password.
        return [
            Error(
                "RECOVERY_LOG_DATABASE_URL is not the URL of a PostgreSQL database.",
                hint="Write it as postgres://user:password@host:5432/name, with special characters of the "
                "password in percent encoding.",
                id="assessments.E004",
            )
        ]
    if (its.get("host"), its.get("dbname")) != (own["HOST"], own["NAME"]):
        return []
    return [
        Error(
            "RECOVERY_LOG_DATABASE_URL is the portal's own database: a restore would lose the recovery log.",
            hint="Give it a database on another server, with backups of its own.",
            id="assessments.E003",
        )
    ]


@register(deploy=True)
def recovery_log_of_several_hosts(**_: Any) -> list[CheckMessage]:
    """With PostgreSQL the portal may run on several hosts. A folder of one host is lost with it, and no other
    host can restore from it or erase in it."""
    is_local = Path(settings.RECOVERY_LOG_DIR).is_relative_to(settings.VAR_DIR)
    if connection.vendor == "sqlite" or settings.RECOVERY_LOG_DATABASE_URL or not is_local:
        return []
    return [
        Warning(
            "The recovery log is in a folder of this host. If the portal runs on several hosts, a restore "
            "loses the starts of a lost host, and erased candidates stay in the folders of the others.",
            hint="Set RECOVERY_LOG_DATABASE_URL, or RECOVERY_LOG_DIR to a folder that all hosts share. On a "
            "single host, set RECOVERY_LOG_DIR to a folder on another disk than the database.",
            id="assessments.W002",
        )
    ]
