"""What every answer says to browsers and proxies, beside Django's own headers (``SECURE_*``, the CSP)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

_UNLESS_SAID_OTHERWISE = {
    # Pages and the machines' answers hold personal data; static files say their own.
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeadersMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in _UNLESS_SAID_OTHERWISE.items():
            response.setdefault(name, value)
        return response
