"""What Ashby and Justifacts call: one transaction each, then a message for the loop."""

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.reference.models import OfferedPackage
from benchmarks.reference.views import PackageSerializer
from benchmarks.stack import BARE_PACKAGE

from .changes import apply
from .models import Check, Event, InboundCall, SearchTerm
from .queue import put

#: As many as the portal's search index has for a candidate of the sandbox.
_SEARCH_TERMS = 14


class BareList(APIView):
    def post(self, request: Request) -> Response:
        packages = OfferedPackage.objects.all()
        return Response({"success": True, "results": PackageSerializer(packages, many=True).data})


class BareStart(APIView):
    def post(self, request: Request) -> Response:
        body = request.data
        OfferedPackage.objects.get(assessment_type_id=body["assessment_type_id"])
        with transaction.atomic():
            check = Check.objects.create(
                application_id=body["application"]["ashby_id"],
                job_id=body["job"]["ashby_id"],
                candidate=body["candidate"],
                application=body["application"],
                job=body["job"],
                package_id=BARE_PACKAGE,
                status="accepted",
            )
            terms = [SearchTerm(check_of=check, term=hash((check.id, n))) for n in range(_SEARCH_TERMS)]
            SearchTerm.objects.bulk_create(terms)
            Event.objects.create(check_of=check, source="ashby", summary="Ashby started the check.")
            InboundCall.objects.create(check_of=check, name="assessment.start", http_status=200, body=body)
        put("place", check.id)
        return Response({"success": True, "results": {"assessment_id": check.id}})


class BarePush(APIView):
    def post(self, request: Request) -> Response:
        body = request.data
        with transaction.atomic():
            check = Check.objects.select_for_update().get(id=body["reference_id"])
            apply(check, body)
            InboundCall.objects.create(check_of=check, name="assessment.update", http_status=200, body=body)
        put("deliver", check.id)
        return Response({"success": True, "results": {"assessment_id": body["assessment_id"]}})
