"""Logging: one line per event, through structlog, as text or (``LOG_JSON``) as JSON.

Log ids, names of calls and outcomes; never a body, a header, a secret or a candidate's data.
"""

import logging
from collections.abc import MutableMapping
from functools import cached_property
from typing import Any

from integrations.redaction import redact_text


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact every text, as a last safeguard: an error of the database quotes the rejected row."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = redact_text(value)
    return event


class LineFormatter(logging.Formatter):
    """Formats each event as one line."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        return self._formatter.format(record)

    @cached_property
    def _formatter(self) -> logging.Formatter:
        # Imported with the first line, which most commands never log: structlog imports rich if that is
        # installed, which takes a tenth of a second.
        from structlog import processors, stdlib

        return stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                stdlib.add_logger_name,
                stdlib.add_log_level,
                stdlib.ExtraAdder(),
                processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                stdlib.ProcessorFormatter.remove_processors_meta,
                processors.format_exc_info,
                _redact,
                processors.JSONRenderer() if self._as_json else processors.LogfmtRenderer(),
            ],
        )


def logging_config(level: str, as_json: bool) -> dict[str, Any]:
    """The value of Django's ``LOGGING``, which Celery uses too."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": LineFormatter, "as_json": as_json}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Replaces Django's handlers. A 4xx is recorded in the call log, so it needs no warning here.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # Its DEBUG lines contain paths, and the path of a webhook is a secret.
            "urllib3": {"level": "INFO"},
            # Its INFO lines contain names of passkeys.
            "fido2": {"level": "WARNING"},
            # Its INFO lines tell of each connection that is taken and returned.
            "psycopg.pool": {"level": "WARNING"},
            # "Task received" and "Task succeeded" for each task would hide important lines.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }
