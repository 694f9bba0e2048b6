"""What the API's description says of signing in."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class VerificationKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "assessments.api.authentication.VerificationKeyAuthentication"
    name = "verificationKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "basic",
            "description": "The organization's verification key as the user name, a blank password.",
        }
