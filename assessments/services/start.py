"""Ashby starts a check: an order, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from assessments.models import Event, InboundCall, Order
from assessments.statuses import ENDED, Status
from integrations.catalogue import package_for
from integrations.crash_points import reach
from integrations.models import Connection, Package
from integrations.partner_protocol.messages import StartRequest

from . import journal, search_terms
from .changing import record
from .plain import plain
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


def _start(connection: Connection, request: StartRequest, call: InboundCall, now: datetime) -> Started:
    active = _active_orders(connection, request)
    order = next((order for order in active if _is_made_by(request, order, connection, now)), None)
    if order is None:
        package, by_job = package_for(connection, request)
        # A package and the one that replaces it are one and the same check.
        order = next((order for order in active if package in (order.package, order.package.current)), None)
        if order is None:
            order = _accept(connection, request, package, by_job, call, now)
            journal.note(order)
            return Started(order, is_repeat=False)
    if not _is_fresh(order, now):
        raise AlreadyBeingAssessed(
            f"This candidate is already being assessed with “{order.package}” since "
            f"{in_words(order.created_at)}; the check is at “{plain(Status(order.status).label)}”. "
            "Wait for it, or cancel it first."
        )
    call.order, call.outcome = order, "repeated"
    call.save()
    # The process that accepted it may have died before it noted it.
    journal.note(order)
    return Started(order, is_repeat=True)


def _active_orders(connection: Connection, request: StartRequest) -> list[Order]:
    active = (
        Order.objects.order_by()
        .filter(organization=connection.organization_id, application_id=request.application_id)
        .exclude(status__in=ENDED)
    )
    # Nearly always there is none, which a narrow query finds out at a third of the cost.
    return list(active.select_related("package__replaced_by")) if active.exists() else []


def _is_made_by(request: StartRequest, order: Order, connection: Connection, now: datetime) -> bool:
    """Whether this is the start that has just made the order. What an admin has changed since (the
    job's package, or that one is offered) must not make one click two orders."""
    asked_for = connection.job_package_type_id if order.by_job_mapping else order.package.assessment_type_id
    return str(asked_for) == request.assessment_type_id.lower() and _is_fresh(order, now)


def _is_fresh(order: Order, now: datetime) -> bool:
    return now - order.created_at <= timedelta(seconds=settings.ASSESSMENT_START_REPLAY_SECONDS)


@transaction.atomic
def _accept(
    connection: Connection,
    request: StartRequest,
    package: Package,
    by_job: bool,
    call: InboundCall,
    now: datetime,
) -> Order:
    """Only writes: SQLite has one writer at a time, and the others wait for its end. That the order
    is the only active one is the database's own constraint."""
    order = Order.objects.create(
        organization_id=connection.organization_id,
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
    search_terms.remember(order)
    record(order, Event.Source.ASHBY, "started", f"Ashby started “{package}” for this application.")
    call.order, call.outcome = order, "accepted"
    call.save()
    reach("start.before_commit")
    return order
