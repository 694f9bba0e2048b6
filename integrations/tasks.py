"""Celery tasks of connections and accounts."""

from celery import shared_task

from integrations.accounts import invitations, two_factor
from integrations.connections import key_rotation
from integrations.onboarding import jobs


@shared_task
def run_connection_job(job_id: int) -> None:
    """Run a connection job."""
    jobs.run_job(job_id)


@shared_task
def mail_password_link(person_id: int) -> None:
    """Mail a person the link with which they choose a password."""
    invitations.mail_password_link(person_id)


@shared_task
def mail_factor_change(person_id: int, action: str, kind: str = "") -> None:
    """Mail a person that their two-factor authentication has changed."""
    two_factor.mail_change(person_id, action, kind)


@shared_task
def retire_silent_keys() -> None:
    """Retire replaced keys that are unused."""
    key_rotation.retire_unused_keys()
