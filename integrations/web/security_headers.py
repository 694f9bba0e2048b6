"""Response headers besides Django's own (``SECURE_*``, the content security policy)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

_DEFAULTS = {
    # Pages and API responses hold personal data. Static files set their own value.
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeadersMiddleware:
    """Sets each default header that the response does not have."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in _DEFAULTS.items():
            response.setdefault(name, value)
        return response
