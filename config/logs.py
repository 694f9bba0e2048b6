"""Logging: one line per event, through structlog, as text or (``LOG_JSON``) as JSON.

Log ids, names of calls and outcomes; never a body, a header, a secret or a candidate's data.
"""

from collections.abc import MutableMapping
from typing import Any

import structlog

from integrations.redaction import redact_text


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact every text, as a last safeguard: an error of the database quotes the rejected row."""
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
    """The value of Django's ``LOGGING``, which Celery uses too."""
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
                    _redact,
                    renderer,
                ],
            }
        },
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
            # "Task received" and "Task succeeded" for each task would hide important lines.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }


def configure_structlog() -> None:
    """Route structlog's loggers through the handlers of the standard library above."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
