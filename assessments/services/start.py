"""Ashby starts a check: an order, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from assessments.models import Event, InboundCall, Order
from assessments.statuses import ENDED
from integrations.catalogue import package_for
from integrations.models import Connection
from integrations.protocol import StartRequest

from .changing import record
from .tell import milliseconds
from .waits import in_words


@dataclass(frozen=True)
class Started:
    """``is_repeat``: Ashby has asked before, and gets the first answer again."""

    order: Order
    is_repeat: bool


class AlreadyBeingAssessed(Exception):
    """An active order stands in the way; the text is for the Ashby user."""


def start(connection: Connection, request: StartRequest, call: InboundCall, now: datetime) -> Started:
    """Accepts an order and everything that follows from it, in one transaction; asks nobody.

    For one org, application and package there is at most one active order: the same start again
    within ``ASSESSMENT_START_REPLAY_SECONDS`` gets that order, a later one
    ``AlreadyBeingAssessed``. (Contract, section 4: Ashby has no idempotency key, and a second
    check costs money.) Raises ``NoPackage`` too.
    """
    try:
        return _start(connection, request, call, now)
    except IntegrityError:
        # The same start was faster: its order is there now, and this is the repeat.
        return _start(connection, request, call, now)


@transaction.atomic
def _start(connection: Connection, request: StartRequest, call: InboundCall, now: datetime) -> Started:
    package, by_job = package_for(connection, request)
    order = (
        Order.objects.filter(
            organization=connection.organization, application_id=request.application_id, package=package
        )
        .exclude(status__in=ENDED)
        .first()
    )
    is_repeat = order is not None
    if order is None:
        order = Order.objects.create(
            organization=connection.organization,
            package=package,
            by_job_mapping=by_job,
            application_id=request.application_id,
            job_id=request.job_id,
            job_name=request.job_name,
            candidate_id=request.candidate.ashby_id,
            candidate_first_name=request.candidate.first_name,
            candidate_last_name=request.candidate.last_name,
            candidate_email=request.candidate.email,
            candidate_profile_url=request.candidate.profile_url,
            application=request.application,
            job=request.job,
            additional_fields=request.additional_fields,
            created_at=now,
            status_since=now,
            next_call_at=now,
            last_timestamp=milliseconds(now),
        )
        record(order, Event.Source.ASHBY, "started", f"Ashby started “{package}” for this application.")
    elif now - order.created_at > timedelta(seconds=settings.ASSESSMENT_START_REPLAY_SECONDS):
        raise AlreadyBeingAssessed(
            f"This candidate is already being assessed with “{package}” since {in_words(order.created_at)}; "
            f"the check is at “{order.get_status_display()}”. Wait for it, or cancel it first."
        )
    call.order, call.outcome = order, "repeated" if is_repeat else "accepted"
    call.save()
    return Started(order, is_repeat)
