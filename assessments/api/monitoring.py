"""Health checks and metrics, for load balancers and monitoring."""

from dataclasses import asdict

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, Info, generate_latest

from assessments.insights.health import (
    Part,
    Process,
    clocks_part,
    figures,
    oldest_due_work,
    processes,
    processes_part,
)
from assessments.recovery_log import log as recovery_log
from integrations.background import broker_is_reachable
from integrations.host_clock import host_clock


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 while this web process serves."""
    parts = {"web": {"ok": True, "detail": "answers"}}
    return JsonResponse({"status": "ok", "version": settings.PORTAL_VERSION, "parts": parts})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 while this host can take Ashby's calls, which needs the database alone; otherwise 503. For load
    balancers: a dead worker, scheduler, broker or recovery log must not take every web host away."""
    return _state({"database": _database()})


@require_safe
def status(request: HttpRequest) -> JsonResponse:
    """The state of each part by name, and each worker and scheduler process; 503 while any part fails. For
    people and alerts."""
    now = timezone.now()
    parts = {"database": _database()}
    found: list[Process] = []
    if parts["database"].ok:
        found = processes(now)
        parts["worker"] = processes_part("worker", found, now)
        parts["scheduler"] = processes_part("scheduler", found, now)
        parts["clocks"] = clocks_part(host_clock.check(), found)
        parts["oldest_due_work"] = oldest_due_work(now)
    is_writable = recovery_log.is_writable()
    detail = (
        "can be written" if is_writable else "cannot be written; a restore would miss starts (docs/backup.md)"
    )
    parts["recovery_log"] = Part(is_writable, detail)
    answers = broker_is_reachable()
    parts["broker"] = Part(answers, "answers" if answers else "does not answer; work waits for the sweep")
    return _state(parts, processes=[asdict(process) for process in found])


def _database() -> Part:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Part(False, f"does not answer ({type(error).__name__})")
    return Part(True, "answers")


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
