"""Health checks and metrics, for load balancers and monitoring."""

from dataclasses import asdict

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, Info, generate_latest

from assessments.insights.health import Part, database_part, figures
from assessments.insights.portal_status import all_parts


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 while this web process serves."""
    parts = {"web": {"ok": True, "detail": "answers"}}
    return JsonResponse({"status": "ok", "version": settings.PORTAL_VERSION, "parts": parts})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 while this host can take Ashby's calls, which needs the database alone; otherwise 503. For load
    balancers: a dead worker, scheduler, broker or recovery log must not take every web host away."""
    return _state({"database": database_part()})


@require_safe
def status(request: HttpRequest) -> JsonResponse:
    """The state of each part by name, and each worker and scheduler process; 503 while any part fails. For
    people and alerts."""
    parts, found = all_parts(timezone.now())
    return _state(parts, processes=[asdict(process) for process in found])


def _state(parts: dict[str, Part], **more: object) -> JsonResponse:
    ok = all(part.ok for part in parts.values())
    states = {name: asdict(part) for name, part in parts.items()}
    body = {"status": "ok" if ok else "unavailable", "parts": states, **more}
    response = JsonResponse(body, status=200 if ok else 503)
    # Django would log every 503 as an error. Probes run every second, and their caller sees the status.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Metrics in Prometheus' text format. With ``METRICS_TOKEN`` set, it is required as a bearer token."""
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if settings.METRICS_TOKEN and not constant_time_compare(request.headers.get("Authorization", ""), wanted):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry()
    found = figures(timezone.now())
    build = Info("portal_build", "The version that runs", registry=registry)
    build.info({"version": settings.PORTAL_VERSION})
    for name, text, label, values in (
        ("portal_orders", "Orders by status", "status", found.orders),
        ("portal_updates", "Updates for Ashby by state", "state", found.updates),
        ("portal_heartbeat_age_seconds", "Seconds since the last heartbeat", "process", found.heartbeat_ages),
    ):
        gauge = Gauge(name, text, [label], registry=registry)
        for key, figure in values.items():
            gauge.labels(key).set(figure)
    for name, text, value in (
        ("portal_orders_needing_attention", "Orders that need attention", found.needing_attention),
        (
            "portal_orders_needing_a_human",
            "Deprecated, will be removed in 0.6: use portal_orders_needing_attention",
            found.needing_attention,
        ),
        ("portal_paused_organizations", "Organizations with paused deliveries", found.paused_organizations),
        ("portal_oldest_due_seconds", "How long the oldest due work waits", found.oldest_due_seconds),
    ):
        Gauge(name, text, registry=registry).set(value)
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")
