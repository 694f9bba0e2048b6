"""Celery tasks of connections and accounts."""

from integrations.accounts import invitations, sessions, two_factor
from integrations.background import shared_task
from integrations.connections import key_rotation
from integrations.onboarding import jobs


@shared_task
def run_connection_job(job_id: int) -> None:
    jobs.run_job(job_id)


@shared_task
def mail_password_link(person_id: int) -> None:
    invitations.mail_password_link(person_id)


@shared_task
def mail_factor_change(person_id: int, action: str, kind: str = "") -> None:
    two_factor.mail_change(person_id, action, kind)


@shared_task
def retire_silent_keys() -> None:
    key_rotation.retire_unused_keys()


@shared_task
def delete_ended_sessions() -> None:
    sessions.delete_ended()
