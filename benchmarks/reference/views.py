"""Plain DRF views: the rows of a list, one INSERT for a start."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .models import OfferedPackage, StartedCheck


class PackageSerializer(serializers.ModelSerializer):
    class Meta:
        model = OfferedPackage
        fields = ("assessment_type_id", "name", "description")


class ReferenceList(APIView):
    def post(self, request: Request) -> Response:
        packages = OfferedPackage.objects.filter(customer=request.user.pk)
        return Response({"success": True, "results": PackageSerializer(packages, many=True).data})


class ReferenceStart(APIView):
    def post(self, request: Request) -> Response:
        row = StartedCheck.objects.create(
            customer_id=request.user.pk,
            application_id=request.data["application"]["ashby_id"],
            body=request.data,
        )
        return Response({"success": True, "results": {"assessment_id": row.id}})
