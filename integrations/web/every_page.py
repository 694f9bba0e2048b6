"""What every response and every page has besides Django's own (``SECURE_*``, the content security policy)."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def security_headers(get_response: GetResponse) -> GetResponse:
    """Middleware that sets each default header that the response does not have."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        # Pages and API responses hold personal data. Static files set their own value.
        response.setdefault("Cache-Control", "no-store")
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return middleware


def portal_version(request: HttpRequest) -> dict[str, str]:
    """Context processor, for the footer."""
    return {"portal_version": settings.PORTAL_VERSION}


def any_host_for_health_checks(get_response: GetResponse) -> GetResponse:
    """Middleware that lets ``/health/...`` pass Django's check of the Host header: a load balancer and a
    Kubernetes probe call by IP address. The answers hold no link."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/health/"):
            # A host's own name is always allowed too, beside a wildcard, which is no name.
            request.META["HTTP_HOST"] = next(host for host in settings.ALLOWED_HOSTS if host != "*")
            request.META.pop("HTTP_X_FORWARDED_HOST", None)
        return get_response(request)

    return middleware
