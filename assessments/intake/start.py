"""Ashby starts a check: an order, once."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from assessments import recovery_log, search
from assessments.intake.lost_answer import answer_again, completed_without_ashby, replay_window
from assessments.models import AshbyUpdate, InboundRequest, Order, OrderEvent
from assessments.orders.transaction import record_event
from assessments.outbox.compose import order_url
from assessments.statuses import ENDED, Status
from assessments.text import epoch_ms, untranslated
from integrations.catalog.offers import package_for
from integrations.failpoints import failpoint
from integrations.models import Connection, Package
from integrations.partner_protocol.starts import StartRequest
from integrations.text import format_utc


@dataclass(frozen=True)
class Started:
    """``is_repeat``: Ashby has asked before, and gets the first answer again."""

    order: Order
    is_repeat: bool


class AlreadyBeingAssessed(Exception):
    """An active order stands in the way; the text is for the Ashby user."""


def start(connection: Connection, request: StartRequest, call: InboundRequest, now: datetime) -> Started:
    """Accepts an order and everything that follows from it, in one transaction; asks nobody.

    For one org, application and package there is at most one active order. The same start again gets the
    first answer within ``ASSESSMENT_START_REPLAY_SECONDS``, and at any time once Ashby has said that it does
    not know the order (``lost_answer.py``). A later start, and one with another name or e-mail address of
    the candidate, raises ``AlreadyBeingAssessed``. (``docs/protocol.md``, "Starting twice": Ashby has no
    idempotency key, and a second check costs money.) Raises ``NoPackage`` too.
    """
    try:
        return _start(connection, request, call, now)
    except IntegrityError:
        # The same start was faster: its order is there now, and this is the repeat.
        return _start(connection, request, call, now)


def _start(connection: Connection, request: StartRequest, call: InboundRequest, now: datetime) -> Started:
    known = _known_orders(connection, request, now)
    order = next((order for order in known if _is_made_by(request, order, connection, now)), None)
    if order is None:
        package, by_job = package_for(connection, request)
        # A package and the one that replaces it are one and the same check.
        order = next((order for order in known if package in (order.package, order.package.current)), None)
        if order is None:
            order = _accept(connection, request, package, by_job, call, now)
            recovery_log.log_start(order)
            return Started(order, is_repeat=False)
    is_same = _is_same_candidate(order, request)
    if not (is_same and _is_repeatable(order, now)):
        raise AlreadyBeingAssessed(_why_not_again(order, is_same=is_same))
    if order.ashby_not_found_at:
        answered = answer_again(order.pk, call, now)
        if answered is None:
            # It was cancelled a moment ago, so this start is a new one.
            return _start(connection, request, call, now)
        order = answered
    else:
        call.order, call.outcome = order, "repeated"
        call.save()
    # The process that accepted it may have died before it noted it.
    recovery_log.log_start(order)
    return Started(order, is_repeat=True)


def _known_orders(connection: Connection, request: StartRequest, now: datetime) -> list[Order]:
    """The application's orders that this start may be a repeat of: the active ones, and completed ones that
    Ashby never learned of. One of those under another name is no repeat: its report may be worth nothing, so
    the start is a new one, as after any completed check."""
    known = (
        Order.objects.order_by()
        .filter(organization=connection.organization_id, application_id=request.application_id)
        .filter(~Q(status__in=ENDED) | completed_without_ashby(now))
    )
    # Nearly always there is none, which a narrow query finds out at a third of the cost.
    orders = list(known.select_related("package__replaced_by")) if known.exists() else []
    orders.sort(key=lambda order: order.has_ended)
    return [order for order in orders if not order.has_ended or _is_same_candidate(order, request)]


def _is_made_by(request: StartRequest, order: Order, connection: Connection, now: datetime) -> bool:
    """Whether this is the start that has made the order. What an admin has changed since (the job's package,
    or that one is offered) must not make one click two orders."""
    asked_for = (
        connection.job_package_type_id if order.package_from_job_mapping else order.package.assessment_type_id
    )
    return asked_for == request.type_uuid and _is_repeatable(order, now)


def _is_same_candidate(order: Order, request: StartRequest) -> bool:
    """A corrected name or address is not the same start: the check runs on the first, and to answer as if it
    ran on the second would hide that. The address of a completed check has served its purpose: the candidate
    has answered the invitation that went there."""
    known, given = order.start_request.candidate, request.candidate
    return known.has_names_of(given) and (order.has_ended or known.has_address_of(given))


def _is_repeatable(order: Order, now: datetime) -> bool:
    last_answer = max(order.created_at, order.answered_again_at or order.created_at)
    return bool(order.ashby_not_found_at) or now - last_answer <= replay_window()


def _why_not_again(order: Order, *, is_same: bool) -> str:
    """The sentence for the recruiter. Each step that it names exists: only a check that Ashby shows can be
    cancelled there, and Ashby shows it for certain once it has taken an update of it."""
    since, status = format_utc(order.created_at), untranslated(Status(order.status).label)
    what = (
        f"This candidate is already being assessed with “{order.package}” since {since}; "
        f"the check is at “{status}”."
    )
    if not is_same:
        what += " It runs on the name and the e-mail address that it was started with."
    wish = "have a new one" if is_same else "use the corrected ones"
    step = f"{what} Wait for it to end. To {wish}, cancel it in Ashby, then start again."
    if not order.ashby_not_found_at and order.updates.filter(state=AshbyUpdate.State.DELIVERED).exists():
        return step
    page = order_url(order)
    return f"{step} If Ashby does not show it, an admin of {order.organization} can cancel it here: {page}"


@transaction.atomic
def _accept(
    connection: Connection,
    request: StartRequest,
    package: Package,
    by_job: bool,
    call: InboundRequest,
    now: datetime,
) -> Order:
    """Only writes: SQLite has one writer at a time, and the others wait for its end. That the order
    is the only active one is the database's own constraint."""
    order = Order.objects.create(
        organization_id=connection.organization_id,
        package=package,
        package_from_job_mapping=by_job,
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
        next_attempt_at=now,
        last_timestamp=epoch_ms(now),
    )
    search.index_order(order)
    record_event(
        order,
        OrderEvent.Source.ASHBY,
        OrderEvent.Kind.STARTED,
        f"Ashby started “{package}” for this application.",
    )
    call.order, call.outcome = order, "accepted"
    call.save()
    failpoint("start.before_commit")
    return order
