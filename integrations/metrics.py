"""What a worker measures about its own work, in Prometheus' format. Figures that every process shares, such
as orders by status, come from the database and are served by the web processes at ``/metrics``.

No label holds a name, an address, a key or an organization.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, start_http_server

_registry = CollectorRegistry()

partner_call_seconds = Histogram(
    "portal_partner_call_seconds",
    "Calls to Ashby and Justifacts by their outcome, with the seconds until the answer",
    ["partner", "call", "outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
    registry=_registry,
)
rate_limited_total = Counter(
    "portal_rate_limited_calls",
    "Calls that waited because the rate limit of their key was reached",
    ["partner"],
    registry=_registry,
)
lease_takeovers_total = Counter(
    "portal_lease_takeovers",
    "Leases that had expired and were taken over, because a worker had died or was held up",
    ["work"],
    registry=_registry,
)


def serve(address: str, version: str) -> None:
    """Serve this process's measurements at ``address`` (host:port) from a thread of its own. Raises
    ``OSError`` if nothing can listen there."""
    Info("portal_build", "The version that runs", registry=_registry).info({"version": version})
    host, _, port = address.rpartition(":")
    start_http_server(int(port), host.strip("[]"), registry=_registry)
