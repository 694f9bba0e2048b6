"""Accepting a start from Ashby: each start creates one order."""

from datetime import datetime

from django.db import IntegrityError, models, transaction
from django.db.models import Q

from assessments import search
from assessments.intake.lost_answer import answer_again, completed_without_ashby, replay_window
from assessments.models import AshbyUpdate, InboundRequest, Order, OrderEvent
from assessments.orders.transaction import new_event
from assessments.outbox.compose import order_url
from assessments.recovery_log import log as recovery_log
from assessments.statuses import ENDED, Status
from assessments.text import epoch_ms, untranslated
from integrations.catalog.offers import package_for
from integrations.compiled import CompiledQuery, insert
from integrations.failpoints import failpoint
from integrations.http.fencing import boottime
from integrations.models import Connection, Package
from integrations.partner_protocol.starts import StartRequest
from integrations.text import format_utc


class AlreadyBeingAssessed(Exception):
    """An active order prevents a new one; the text is for the recruiter."""


class StartHeldUp(Exception):
    """The start waited so long inside the portal that Ashby may have given it up."""


def start(
    connection: Connection, request: StartRequest, call: InboundRequest, now: datetime, not_after: float
) -> tuple[Order, bool]:
    """Accept an order in one transaction; no partner is called. Returns it, and whether the start is a
    repeated one, which gets the first answer again.

    There is at most one active order for an organization, application and package. A repeated start gets the
    first answer within ``ASSESSMENT_START_REPLAY_SECONDS``, and at any time if Ashby has answered that it
    does not know the order (``lost_answer.py``). Raises ``AlreadyBeingAssessed`` for a later start and for
    one with another name or e-mail address of the candidate: Ashby has no idempotency key, and a second check
    costs money (``docs/protocol.md``, "Starting twice"). Raises ``NoPackage`` if there is no package for the
    start.

    No order is created after ``not_after``, in seconds on ``fencing.boottime()``'s clock: ``StartHeldUp``. By
    then another web host may have accepted the same start and its cancellation, and this order would be an
    unwanted second check.
    """
    try:
        return _start(connection, request, call, now, not_after)
    except IntegrityError:
        # A concurrent start created the order first, so this one is the repeat.
        return _start(connection, request, call, now, not_after)


def _start(
    connection: Connection, request: StartRequest, call: InboundRequest, now: datetime, not_after: float
) -> tuple[Order, bool]:
    known = _known_orders(connection, request, now)
    order = next((order for order in known if _is_made_by(request, order, connection, now)), None)
    if order is None:
        package, by_job = package_for(connection, request)
        # A package and its replacement are the same check.
        order = next((order for order in known if package in (order.package, order.package.current)), None)
        if order is None:
            order = _accept(connection, request, package, by_job, call, now, not_after)
            recovery_log.log_start(order)
            return order, False
    is_same = _is_same_candidate(order, request)
    if not (is_same and _is_repeatable(order, now)):
        raise AlreadyBeingAssessed(_why_not_again(order, is_same=is_same))
    if order.ashby_not_found_at:
        answered = answer_again(order.pk, call, now)
        if answered is None:
            # It was cancelled meanwhile, so this start is a new one.
            return _start(connection, request, call, now, not_after)
        order = answered
    else:
        call.order, call.outcome = order, "repeated"
        call.save()
    # The process that accepted it may have died before it wrote the recovery log.
    recovery_log.log_start(order)
    return order, True


def _known_orders(connection: Connection, request: StartRequest, now: datetime) -> list[Order]:
    """The application's orders that this start may repeat: active orders, and completed orders that Ashby
    does not know. A completed order under another name is left out: its report may be worthless, so the start
    creates a new order, as after any completed check."""
    found = _repeatable(connection.organization_id, request.application_id, now - replay_window())
    if not found:
        return []
    known = Order.objects.order_by().filter(pk__in=[order.pk for order in found])
    orders = list(known.select_related("package__replaced_by"))
    orders.sort(key=lambda order: order.has_ended)
    return [order for order in orders if not order.has_ended or _is_same_candidate(order, request)]


_repeatable = CompiledQuery(
    lambda organization, application_id, since: (
        Order.objects.order_by()
        .filter(organization=organization, application_id=application_id)
        .filter(~Q(status__in=ENDED) | completed_without_ashby(since))
        .only("pk")
    ),
    *(models.BigIntegerField(), models.CharField(), models.DateTimeField()),
)


def _is_made_by(request: StartRequest, order: Order, connection: Connection, now: datetime) -> bool:
    """Whether this start repeats the one that created the order. A change by an admin in between (the job's
    package, or whether a package is offered) must not turn one click into two orders."""
    requested = (
        connection.job_package_type_id if order.package_from_job_mapping else order.package.assessment_type_id
    )
    return requested == request.type_uuid and _is_repeatable(order, now)


def _is_same_candidate(order: Order, request: StartRequest) -> bool:
    """Whether the start has the same candidate. A corrected name or address is another start: the check runs
    on the first one, and a success would hide that. The address of a completed check does not matter any
    more: the candidate has answered the invitation that was sent there."""
    known, given = order.start_request.candidate, request.candidate
    return known.has_names_of(given) and (order.has_ended or known.has_address_of(given))


def _is_repeatable(order: Order, now: datetime) -> bool:
    last_answer = max(order.created_at, order.answered_again_at or order.created_at)
    return bool(order.ashby_not_found_at) or now - last_answer <= replay_window()


def _why_not_again(order: Order, *, is_same: bool) -> str:
    """The text for the recruiter. It names only steps that are possible: a check can be cancelled in Ashby
    only if Ashby shows it, which is certain once Ashby has accepted an update."""
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
    not_after: float,
) -> Order:
    """Create the order. The transaction only writes, because SQLite has one writer at a time. A database
    constraint ensures that the order is the only active one."""
    order = Order(
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
    text = f"Ashby started “{package}” for this application."
    event = new_event(order, OrderEvent.Source.ASHBY, OrderEvent.Kind.STARTED, text)
    call.order, call.outcome = order, "accepted"
    insert(order, search.rows_of(order), event, call)
    failpoint("start.before_commit")
    if boottime() > not_after:
        raise StartHeldUp
    return order
