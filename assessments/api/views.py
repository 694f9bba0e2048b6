"""The calls of the partner protocol: parse, call one service, answer."""

import uuid
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments.api.exception_handler import explain
from assessments.api.request_body import AlwaysJSON, BadBody, BodyTooLarge, read_body
from assessments.intake.cancel import cancel_by_ashby
from assessments.intake.start import start
from assessments.models import InboundRequest, PendingCall
from assessments.orders.call_log import log_body, log_rejection, record_call_from_ashby
from assessments.outbox.compose import start_response_update
from assessments.tasks import call_justifacts, deliver, enqueue_order_work
from assessments.tracking.apply import receive_push
from assessments.tracking.not_understood import handle_unreadable_push
from integrations.background import enqueue
from integrations.catalog.offers import offers
from integrations.connections.health import record_justifacts_contact
from integrations.failpoints import failpoint
from integrations.http.fencing import boottime
from integrations.models import Connection, CustomField
from integrations.onboarding.self_test import HEADER, is_self_test
from integrations.partner_protocol.messages import AssessmentUpdate, CancelRequest, parse_assessment_id
from integrations.partner_protocol.parsing import InvalidMessage
from integrations.partner_protocol.responses import (
    AssessmentId,
    AssessmentIdResponse,
    AssessmentListResponse,
    CustomFieldListResponse,
    StartedAssessment,
    StartResponse,
)
from integrations.partner_protocol.starts import StartRequest
from integrations.web.queue_time import queue_clock

from .authentication import SwitchedOff
from .schema import REFUSALS, refusal


class PartnerView(APIView):
    """What all calls share: POST only, the limits of the body, the log of the call."""

    http_method_names = ["post"]
    content_negotiation_class = AlwaysJSON
    source = InboundRequest.Source.ASHBY
    name = ""
    #: The call cleans its own texts, so that none is refused for a character in it.
    cleans_texts = False
    #: A body is read as JSON whatever its Content-Type says.
    takes_any_type = False
    #: The log of the call; unset until the caller is authenticated.
    call: InboundRequest

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticates the caller, starts the log of the call and reads the body."""
        self.request_id = uuid.uuid4().hex
        self.now, self.arrived_at = timezone.now(), boottime() - queue_clock.seconds_waited(request.META)
        if request.method != "POST":
            raise MethodNotAllowed(str(request.method), detail="The protocol's calls are POST.")
        super().initial(request, *args, **kwargs)
        self.connection: Connection = request.user  # type: ignore[assignment]
        self.call = self._new_log(self.connection)
        self.body, size = read_body(request, of_any_type=self.takes_any_type, any_text=self.cleans_texts)
        log_body(self.call, self.body, size, key=str(request.auth))

    def _new_log(self, connection: Connection) -> InboundRequest:
        return InboundRequest(
            organization_id=connection.organization_id,
            source=self.source,
            name=self.name,
            request_id=self.request_id,
            received_at=self.now,
            http_status=200,
            outcome="answered",
        )

    def handle_exception(self, exc: Exception) -> Response:
        """Answers with the error envelope and logs the refused call."""
        response: Response = super().handle_exception(exc)
        call: InboundRequest | None = getattr(self, "call", None)
        if call is None and isinstance(exc, SwitchedOff):
            call = self._new_log(exc.connection)
        status, code, message = explain(exc)
        # Without the database there is nowhere to log the call.
        if call is not None and not isinstance(exc, DatabaseError):
            # What a start that was held up has written was rolled back, also the entry of its call.
            call.pk, call.order = None, None
            try:
                log_rejection(call, status, code, message)
                self.note_refused(call, exc, message)
            except DatabaseError as error:
                return super().handle_exception(error)
        return response

    def note_refused(self, call: InboundRequest, exc: Exception, message: str) -> None:
        """Hook: records anything else about a refused call."""


class _ReadView(PartnerView):
    def note_read(self) -> None:
        """Record that Ashby called, unless it was the portal's own self-test."""
        if is_self_test(self.request.headers.get(HEADER)):
            return
        if record_call_from_ashby(self.connection, self.now):
            self.call.save()


class AssessmentList(_ReadView):
    """Ashby calls this when an admin sets up an interview plan."""

    name = "assessment.list"

    @extend_schema(
        operation_id=name,
        request=None,
        responses={200: AssessmentListResponse, **REFUSALS},
        summary="The packages that the organization may order.",
        description="Needs nothing in its body.",
    )
    def post(self, request: Request) -> Response:
        self.note_read()
        return Response(AssessmentListResponse(tuple(offers(self.connection))).as_json())


class CustomFieldList(_ReadView):
    """Ashby calls this about once an hour."""

    name = "assessment.customField.list"

    @extend_schema(
        operation_id=name,
        request=None,
        responses={200: CustomFieldListResponse, **REFUSALS},
        summary="The questions that Ashby asks the recruiter before a start.",
        description="Needs nothing in its body.",
    )
    def post(self, request: Request) -> Response:
        self.note_read()
        rows = CustomField.objects.filter(organization=self.connection.organization_id)
        fields = [row.as_json() for row in rows]
        return Response(CustomFieldListResponse(fields).as_json())


class AssessmentStart(PartnerView):
    name = "assessment.start"
    cleans_texts = True

    @extend_schema(
        operation_id=name,
        request=StartRequest,
        responses={
            200: StartResponse,
            409: refusal("The candidate is already being assessed."),
            422: refusal("The message is for the Ashby user."),
            **REFUSALS,
        },
        summary="Orders a background check.",
        description="The same start, repeated, gets the first answer again and orders nothing.",
    )
    def post(self, request: Request) -> Response:
        message = StartRequest.parse(self.body)
        # Written first: once the order exists, this call must not be answered 503.
        record_call_from_ashby(self.connection, self.now)
        order, is_repeated = start(
            self.connection, message, self.call, self.now, self.arrived_at + settings.START_SECONDS
        )
        failpoint("start.committed")
        if not is_repeated:
            enqueue(call_justifacts, str(order.pk))
        results = StartedAssessment(str(order.pk), start_response_update(order))
        return Response(StartResponse(results).as_json())


class AssessmentCancel(PartnerView):
    name = "assessment.cancel"

    @extend_schema(
        operation_id=name,
        request=CancelRequest,
        responses={
            200: AssessmentIdResponse,
            404: refusal("The organization has no such assessment."),
            **REFUSALS,
        },
        summary="Cancels a background check.",
        description="A check that has ended stays as it is, and the answer is 200.",
    )
    def post(self, request: Request) -> Response:
        assessment_id = parse_assessment_id(self.body)
        record_call_from_ashby(self.connection, self.now)
        order = cancel_by_ashby(self.connection, assessment_id, self.call, self.now)
        enqueue_order_work(order.pk)
        return Response(AssessmentIdResponse(AssessmentId(str(order.pk))).as_json())


class JustifactsUpdate(PartnerView):
    name = "assessment.update"
    source = InboundRequest.Source.JUSTIFACTS
    takes_any_type = True

    @extend_schema(
        operation_id="justifacts.assessment.update",
        request=AssessmentUpdate,
        responses={
            200: AssessmentIdResponse,
            404: refusal("The organization has no such order."),
            409: refusal("The reference belongs to another order number."),
            **REFUSALS,
        },
        summary="Justifacts pushes an order's new status.",
        description="A part that is null, blank or of another type counts as absent; the rest is applied.",
    )
    def post(self, request: Request) -> Response:
        update = AssessmentUpdate.parse(self.body)
        order = receive_push(self.connection, update, self.call, self.now)
        failpoint("push.committed")
        record_justifacts_contact(self.connection, self.now)
        enqueue(deliver, str(order.pk))
        if order.next_call == PendingCall.CANCEL:
            enqueue(call_justifacts, str(order.pk))
        results = AssessmentId(update.assessment_id or str(order.pk))
        return Response(AssessmentIdResponse(results).as_json())

    def note_refused(self, call: InboundRequest, exc: Exception, message: str) -> None:
        """A push that cannot be read is recorded on its order and on the connection."""
        if isinstance(exc, InvalidMessage | BadBody | BodyTooLarge):
            handle_unreadable_push(self.connection, call, getattr(self, "body", {}), message, self.now)


class UnknownCall(PartnerView):
    """Any other name is answered 404 in the error envelope, never with a redirect."""

    name = "unknown call"

    def post(self, request: Request) -> Response:
        raise Http404
