"""Two organizations with a row of everything, every address of the portal, and a person of each role."""

import re
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from assessments.models import Attempt, Event, Heartbeat, InboundCall, Order, Update, WatchLimits
from integrations.catalogue import map_job
from integrations.models import AshbyApiKey, CustomField, Job, Membership, Package
from tests.admin.conftest import colleague, member
from tests.world import Tenant, World

ROLES = ("org admin", "member support", "support", "operator")

STRANGERS_NAMES = ("Globex", "globex", "Quill", "gus@example.com", "Ghost check", "Ghost job", "Ghost field")


def addresses() -> Iterator[tuple[str, URLPattern]]:
    """Every address under /admin/, by its name."""

    def walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str, str, URLPattern]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            else:
                yield route, pattern.name or route, pattern

    for route, name, pattern in walk(get_resolver().url_patterns, ""):
        if route.startswith("admin/"):
            yield name, pattern


class Rows:
    """One row of everything for a tenant."""

    def __init__(self, world: World, tenant: Tenant, prefix: str) -> None:
        organization = tenant.organization
        body = world.start_body(
            assessment_type_id=str(tenant.basic.assessment_type_id),
            candidate={
                "ashby_id": prefix,
                "first_name": prefix,
                "last_name": "Person",
                "email": f"{prefix.lower()}@example.com",
            },
        )
        answer = world.call("/ashby/assessment.start", body, key=tenant.verification_key)
        self.order = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
        self.update = Update.objects.create(
            order=self.order, sequence=1, timestamp=1, payload={}, summary=f"{prefix} update"
        )
        job = map_job(organization, f"{prefix}-job", tenant.basic).job
        Job.objects.filter(pk=job.pk).update(title=f"{prefix} job")
        Package.objects.filter(pk=tenant.executive.pk).update(name=f"{prefix} check")
        self.rows = {
            "organization": organization,
            "connection": tenant.connection,
            "ashbyapikey": AshbyApiKey.objects.get(organization=organization),
            "package": tenant.executive,
            "job": job,
            "customfield": CustomField.objects.create(
                organization=organization, name=f"{prefix} field", type="String"
            ),
            "membership": Membership.objects.filter(organization=organization).latest("pk"),
            "watchlimits": WatchLimits.objects.create(organization=organization),
            "order": self.order,
            "update": self.update,
            "attempt": Attempt.objects.create(order=self.order, call="place", outcome="taken"),
            "event": Event.objects.filter(order=self.order).first(),
            "inboundcall": InboundCall.objects.filter(organization=organization).first(),
        }

    def fill(self, name: str, pattern: URLPattern) -> dict[str, Any] | None:
        """The arguments of an address, with this tenant's rows; None where it is about none."""
        wanted = set(pattern.pattern.converters) | set(re.findall(r"\?P<(\w+)>", str(pattern.pattern)))
        if not wanted:
            return {}
        app, _, rest = name.partition("_")
        model = rest.partition("_")[0]
        if app not in ("integrations", "assessments") or model not in self.rows:
            return None
        values = {
            "object_id": self.rows[model].pk,
            "pk": self.order.organization_id if "dry_run" in name else self.rows[model].pk,
            "update_pk": self.update.pk,
            "step": "base-url",
            "kind": "test",
            "key": self.rows["ashbyapikey"].pk,
        }
        return {argument: values[argument] for argument in wanted}


def rows_of_both(world: World) -> tuple[Rows, Rows]:
    member("bea", world.acme.organization)
    member("gus", world.globex.organization)
    Heartbeat.beat("worker", timezone.now())
    return Rows(world, world.acme, "Own"), Rows(world, world.globex, "Ghost")


def person(world: World, role: str) -> User:
    if role == "org admin":
        return member("ada", world.acme.organization)
    if role == "member support":
        return member("max", world.acme.organization, "support")
    return colleague(f"pat-{role}", role)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
