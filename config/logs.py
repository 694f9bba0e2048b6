"""Logging: one line an event, through structlog, as text or (``LOG_JSON``) as JSON.

What is logged are ids, names of calls and outcomes; never a body, a header, a secret or a
candidate's data.
"""

from collections.abc import MutableMapping
from typing import Any

import structlog

from integrations.redaction import redact_text


def _without_addresses(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last fence: a database's error quotes the row that it refused, and with it an address."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = redact_text(value)
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_config(level: str, as_json: bool) -> dict[str, Any]:
    """The dictionary for Django's ``LOGGING`` (and, through it, for Celery)."""
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.processors.LogfmtRenderer()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    _without_addresses,
                    renderer,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Replaces Django's own handlers; a 4xx is a value with a place of its own, no warning here.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # Its DEBUG lines name paths, and a webhook's path is a secret.
            "urllib3": {"level": "INFO"},
            # Its INFO lines name passkeys.
            "fido2": {"level": "WARNING"},
            # "Task received" and "Task succeeded", twice a task, drown what matters.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }


def configure_structlog() -> None:
    """Sends structlog's own loggers through the standard library's handlers above."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
