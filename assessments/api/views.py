"""The calls of the partner protocol: parse, call one service, answer."""

import uuid
from typing import Any

from django.db import DatabaseError
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments.api import schema
from assessments.api.exception_handler import explain
from assessments.api.request_body import AlwaysJSON, BadBody, BodyTooLarge, read_body
from assessments.intake.cancel import cancel_by_ashby
from assessments.intake.start import start
from assessments.models import InboundRequest, PendingCall
from assessments.orders.call_log import log_body, log_rejection, record_call_from_ashby, start_log
from assessments.outbox.compose import start_response_update
from assessments.tasks import call_justifacts, deliver, enqueue_order_work
from assessments.tracking.apply import receive_push
from assessments.tracking.not_understood import note_unreadable_push
from integrations.background import enqueue
from integrations.catalog.offers import custom_fields, offers
from integrations.connections.health import record_justifacts_contact
from integrations.failpoints import failpoint
from integrations.models import Connection
from integrations.onboarding.self_test import HEADER, is_self_test
from integrations.partner_protocol.messages import AssessmentUpdate, parse_assessment_id
from integrations.partner_protocol.parsing import InvalidMessage
from integrations.partner_protocol.starts import StartRequest

from .authentication import SwitchedOff

_ERRORS = {
    status: OpenApiResponse(schema.Failure, description=text)
    for status, text in {
        400: "The body is not what the protocol says; nothing was changed.",
        401: "No credentials.",
        403: "The verification key is unknown, or the organization is switched off.",
        405: "The method is not POST.",
        413: "The body is larger than 256 KB.",
        415: "The content type of a call from Ashby is not application/json.",
        429: "Too many calls, or too many wrong keys; Retry-After says when to come back.",
        503: "The database is away; nothing was changed.",
    }.items()
}


class PartnerView(APIView):
    """What all calls share: POST only, the body's limits, the record of the call."""

    http_method_names = ["post"]
    content_negotiation_class = AlwaysJSON
    source = InboundRequest.Source.ASHBY
    name = ""
    #: The call cleans its texts itself: none is refused for a character in it.
    cleans_texts = False
    #: Whether a body is read as JSON whatever its Content-Type says.
    takes_any_type = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.request_id = uuid.uuid4().hex
        self.now = timezone.now()
        self.call: InboundRequest | None = None
        if request.method != "POST":
            raise MethodNotAllowed(str(request.method), detail="The protocol's calls are POST.")
        super().initial(request, *args, **kwargs)
        self.connection: Connection = request.user  # type: ignore[assignment]
        self.call = start_log(self.connection, self.source, self.name, self.request_id, self.now)
        self.body, size = read_body(request, of_any_type=self.takes_any_type, any_text=self.cleans_texts)
        log_body(self.call, self.body, size, key=str(request.auth))

    def handle_exception(self, exc: Exception) -> Response:
        response: Response = super().handle_exception(exc)
        call = self.call
        if call is None and isinstance(exc, SwitchedOff):
            call = start_log(exc.connection, self.source, self.name, self.request_id, self.now)
        status, code, message = explain(exc)
        # With the database away (503) there is nowhere to keep it.
        if call is not None and status != 503:
            call.order = None
            try:
                log_rejection(call, status, code, message)
                self.note_refused(call, exc, message)
            except DatabaseError as error:
                return super().handle_exception(error)
        return response

    def note_refused(self, call: InboundRequest, exc: Exception, message: str) -> None:
        """What else is to be remembered of a refused call."""

    def inbound(self) -> InboundRequest:
        if self.call is None:
            raise RuntimeError("No call is kept before initial().")
        return self.call


class _ReadView(PartnerView):
    def note_read(self) -> None:
        # Our own test of the connection is no sign of life from Ashby.
        if is_self_test(self.request.headers.get(HEADER)):
            return
        if record_call_from_ashby(self.connection, self.now):
            self.inbound().save()


class AssessmentList(_ReadView):
    name = "assessment.list"

    @extend_schema(
        operation_id=name,
        request=schema.Nothing,
        responses={200: schema.AssessmentListAnswer, **_ERRORS},
        summary="The packages that the organization may order.",
    )
    def post(self, request: Request) -> Response:
        self.note_read()
        results = [
            {
                "assessment_type_id": str(offer.assessment_type_id),
                "name": offer.name,
                "description": offer.description,
            }
            for offer in offers(self.connection)
        ]
        return Response({"success": True, "results": results})


class CustomFieldList(_ReadView):
    name = "assessment.customField.list"

    @extend_schema(
        operation_id=name,
        request=schema.Nothing,
        responses={200: schema.CustomFieldListAnswer, **_ERRORS},
        summary="The questions that Ashby asks the recruiter before a start.",
    )
    def post(self, request: Request) -> Response:
        self.note_read()
        fields = [field.as_json() for field in custom_fields(self.connection)]
        return Response({"success": True, "fields": fields})


class AssessmentStart(PartnerView):
    name = "assessment.start"
    cleans_texts = True

    @extend_schema(
        operation_id=name,
        request=schema.StartBody,
        responses={
            200: schema.StartAnswer,
            409: OpenApiResponse(schema.Failure, description="The candidate is already being assessed."),
            422: OpenApiResponse(schema.Failure, description="The message is for the Ashby user."),
            **_ERRORS,
        },
        summary="Orders a background check, once.",
    )
    def post(self, request: Request) -> Response:
        message = StartRequest.parse(self.body)
        # Before: once the order is there, nothing may answer that the database is away.
        record_call_from_ashby(self.connection, self.now)
        started = start(self.connection, message, self.inbound(), self.now)
        failpoint("start.committed")
        if not started.is_repeat:
            enqueue(call_justifacts, str(started.order.pk))
        results = {
            "assessment_id": str(started.order.pk),
            "update_request": start_response_update(started.order),
        }
        return Response({"success": True, "results": results})


class AssessmentCancel(PartnerView):
    name = "assessment.cancel"

    @extend_schema(
        operation_id=name,
        request=schema.AssessmentId,
        responses={
            200: schema.CancelAnswer,
            404: OpenApiResponse(schema.Failure, description="The organization has no such assessment."),
            **_ERRORS,
        },
        summary="Cancels a check; one that has ended stays as it is.",
    )
    def post(self, request: Request) -> Response:
        assessment_id = parse_assessment_id(self.body)
        record_call_from_ashby(self.connection, self.now)
        order = cancel_by_ashby(self.connection, assessment_id, self.inbound(), self.now)
        enqueue_order_work(order.pk)
        return Response({"success": True, "results": {"assessment_id": str(order.pk)}})


class JustifactsUpdate(PartnerView):
    name = "assessment.update"
    source = InboundRequest.Source.JUSTIFACTS
    takes_any_type = True

    @extend_schema(
        operation_id="justifacts.assessment.update",
        request=schema.UpdateBody,
        responses={
            200: schema.CancelAnswer,
            404: OpenApiResponse(schema.Failure, description="The organization has no such order."),
            409: OpenApiResponse(schema.Failure, description="The reference has another order number."),
            **_ERRORS,
        },
        summary="Justifacts pushes an order's new status.",
    )
    def post(self, request: Request) -> Response:
        word = AssessmentUpdate.parse(self.body)
        order = receive_push(self.connection, word, self.inbound(), self.now)
        failpoint("push.committed")
        record_justifacts_contact(self.connection, self.now)
        enqueue(deliver, str(order.pk))
        if order.next_call == PendingCall.CANCEL:
            enqueue(call_justifacts, str(order.pk))
        return Response({"success": True, "results": {"assessment_id": word.assessment_id or str(order.pk)}})

    def note_refused(self, call: InboundRequest, exc: Exception, message: str) -> None:
        if isinstance(exc, InvalidMessage | BadBody | BodyTooLarge):
            note_unreadable_push(self.connection, call, getattr(self, "body", {}), message, self.now)


class UnknownCall(PartnerView):
    """Any other name: 404 in the envelope, never a redirect."""

    name = "unknown call"

    def post(self, request: Request) -> Response:
        raise Http404
