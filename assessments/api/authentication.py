"""Ashby and Justifacts authenticate with the organization's verification key.

HTTP Basic, with the key as the user name and a blank password (``docs/protocol.md``, "Ashby calls the
portal"). The key is accepted as the password as well.
"""

import base64
import binascii
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from integrations.connections.api_keys import find_by_verification_key
from integrations.models import Connection
from integrations.web.client_ip import client_address

from .throttling import KeyGuessThrottle, calls


class UnknownKey(PermissionDenied):
    """403."""

    default_detail = "This verification key is not known here. Compare it with the one in the portal."
    default_code = "invalid_api_key"


class SwitchedOff(PermissionDenied):
    """403. Carries the connection, so that the call is logged where support looks for it."""

    default_detail = "This organization is switched off in the portal. An admin of it can switch it on."
    default_code = "organization_disabled"

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection


class VerificationKeyAuthentication(BaseAuthentication):
    """Without credentials 401 (``authenticate`` returns None); with an unknown key 403, or 429 after many.

    ``request.user`` is the ``Connection``; ``request.auth`` is the key, so that the log can leave it out.
    """

    def authenticate(self, request: Request) -> tuple[Connection, str] | None:
        address = client_address(request.META)
        calls.take(f"address {address}")
        keys = _keys(get_authorization_header(request))
        if not keys:
            return None
        throttle = KeyGuessThrottle(address, keys)
        throttle.check()
        for key in keys:
            if connection := find_by_verification_key(key):
                throttle.record_success(key)
                calls.take(f"organization {connection.organization_id}")
                if not connection.is_enabled:
                    raise SwitchedOff(connection)
                return connection, key
        throttle.record_failure()
        raise UnknownKey

    def authenticate_header(self, request: Request) -> str:
        return 'Basic realm="assessments", charset="UTF-8"'


class IsConnectedOrganization(BasePermission):
    """Lets through calls that ``VerificationKeyAuthentication`` has authenticated."""

    def has_permission(self, request: Request, view: object) -> bool:
        return isinstance(request.user, Connection)


def _keys(header: bytes) -> list[str]:
    """The keys that an Authorization header may contain; none if it is not HTTP Basic."""
    scheme, _, encoded = header.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return []
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8", errors="replace")
    except binascii.Error:
        return []
    name, _, password = (half.strip() for half in text.partition(":"))
    # A key may contain a colon, so that both halves together are one key.
    whole = [text.strip().removesuffix(":")] if name and password else []
    return [half for half in (name, password, *whole) if half]


class VerificationKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The authentication section of the published description."""

    target_class = VerificationKeyAuthentication
    name = "verificationKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "basic",
            "description": "The organization's verification key as the user name, a blank password.",
        }
