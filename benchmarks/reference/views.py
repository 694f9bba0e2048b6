"""Plain DRF views: the same look-up of the key, the same rows of a list, one INSERT for a start."""

from typing import Any

from rest_framework import serializers
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integrations.encryption.blind_index import blind_index
from integrations.models import Connection, Package

from .models import ReferenceRow


class KeyAuthentication(BasicAuthentication):
    """DRF's Basic authentication, with the portal's look-up of the organization by the hash of the key."""

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> tuple[Any, None]:
        connections = Connection.objects.select_related("organization")
        connection = connections.filter(verification_key_index=blind_index(userid)).first()
        if connection is None:
            raise AuthenticationFailed
        return connection, None


class PackageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Package
        fields = ("assessment_type_id", "name", "description")


class PlainView(APIView):
    """DRF's defaults instead of the portal's settings."""

    authentication_classes = (KeyAuthentication,)
    permission_classes = (AllowAny,)
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = DefaultContentNegotiation


class ReferenceList(PlainView):
    def post(self, request: Request) -> Response:
        packages = Package.objects.filter(
            organization=request.user.organization_id, is_active=True, withdrawn_at=None
        )
        return Response({"success": True, "results": PackageSerializer(packages, many=True).data})


class ReferenceStart(PlainView):
    def post(self, request: Request) -> Response:
        row = ReferenceRow.objects.create(
            organization_id=request.user.organization_id,
            application_id=request.data["application"]["ashby_id"],
            body=request.data,
        )
        return Response({"success": True, "results": {"assessment_id": row.id}})
