"""The worker's edge for what people ask for, and the nudge that makes any work prompt.

A nudge may be lost without harm, since what is due is a row, and the sweep finds it. Messages carry
ids only.
"""

import logging
import time
from typing import Any

from celery import current_app, shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from integrations.accounts import invitations, two_factor
from integrations.connections import key_rotation
from integrations.onboarding import jobs

logger = logging.getLogger(__name__)

_REST_SECONDS = 30
_rest_until = 0.0


def enqueue(task: Any, *arguments: Any, **options: Any) -> None:
    """Publishes a task after the present transaction. With the broker away it is skipped, and
    nudging rests 30 s, so that no request waits for a dead broker again and again."""
    transaction.on_commit(lambda: _publish(task, arguments, options))


def _publish(task: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    global _rest_until
    if time.monotonic() < _rest_until:
        return
    try:
        task.apply_async(arguments, **options)
    except (OperationalError, OSError) as error:
        _rest_until = time.monotonic() + _REST_SECONDS
        logger.warning("broker away (%s): work waits for the sweep", type(error).__name__)


def broker_is_reachable() -> bool:
    """Whether a message could be published now."""
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return False
    return True


@shared_task
def run_connection_job(errand_id: int) -> None:
    """Makes the calls that a person has asked for."""
    jobs.run_job(errand_id)


@shared_task
def mail_password_link(person_id: int) -> None:
    """Mails a person the link by which they choose a password."""
    invitations.mail_password_link(person_id)


@shared_task
def mail_factor_change(person_id: int, action: str, kind: str = "") -> None:
    """Tells a person that their two-factor sign-in has changed."""
    two_factor.mail_change(person_id, action, kind)


@shared_task
def retire_silent_keys() -> None:
    """Keys that were replaced go once nobody uses them any more."""
    key_rotation.retire_unused_keys()
