"""Acme and a stranger, Globex: one row of every kind each, and people in every role."""

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone

from assessments.models import (
    Concern,
    ErasureCertificate,
    Event,
    Heartbeat,
    NextCall,
    Order,
    Reconciliation,
    Update,
    WatchLimits,
)
from assessments.services.hold import hold
from integrations import audit
from integrations.catalogue import map_job
from integrations.connections import connect
from integrations.models import CustomField, Organization, RetiringVerificationKey
from tests.admin.conftest import colleague, member
from tests.world import Tenant, World

#: What says something of Globex, in whatever page: none of it may reach who has no business there.
OF_ORDERS = [
    "Globex",
    "Grigory",
    "Strangeman",
    "Secret Sommelier",
    "Deep Dive Check",
    "JF-globex",
    "JF-X-gus",
]
OF_SETTINGS = ["•••9-gx", "•••8-gx", "gus@example.com", "Stranger Question", "Key of strangers"]

#: What fills the parts of an address that are no row, and which row fills the others.
FIXED = {
    "<slug:step>": "ashby-key",
    "<slug:kind>": "test",
    "<uidb64>": "MQ",
    "<token>": "x-y",
    "<app_label>": "integrations",
    "<url>": "nonsense/",
}
ROW_OF = {
    "<id>": "user",
    "<int:pk>": "organization",
    "<uuid:pk>": "order",
    "<int:update_pk>": "update",
    "<int:key>": "ashbyapikey",
}


def not_for(role: str) -> list[str]:
    """The words that the role has no business to read."""
    everything = [*OF_ORDERS, *OF_SETTINGS]
    return {"both": OF_SETTINGS, "support": OF_SETTINGS, "operator": [], "superuser": []}.get(
        role, everything
    )


def person(role: str, world: World) -> User | None:
    """Somebody in that role; nobody is not signed in."""
    acme, globex = world.acme.organization, world.globex.organization
    match role:
        case "nobody":
            return None
        case "visitor":
            return User.objects.create_user("visitor", "visitor@example.com")
        case "org_admin":
            return member("ada", acme)
        case "helper":
            return member("hal", acme, "support")
        case "both":
            member("mia", acme)
            return member("mia", globex, "support")
        case "support" | "operator":
            return colleague(f"the-{role}", role)
    return User.objects.create_superuser("root", "root@example.com")


@dataclass
class Company:
    """One row of every kind, by the model's name; and an order for each thing that one can do."""

    tenant: Tenant
    rows: dict[str, Model] = field(default_factory=dict)

    @property
    def organization(self) -> Organization:
        return self.tenant.organization

    def path(self, pattern: str) -> str:
        """The address that the pattern has for this company's row. A part of an address that is not
        known here is an error, so that whoever adds one says what fills it."""
        return "/admin/" + re.sub(r"<[^>]+>", lambda part: self._part(pattern, part[0]), pattern)

    def _part(self, pattern: str, part: str) -> str:
        if part in FIXED:
            return FIXED[part]
        if part == "<path:content_type_id>":
            return str(ContentType.objects.get_for_model(Order).pk)
        of_model = "order" if pattern.startswith("r/") else pattern.split("/")[1]
        kind = of_model if part == "<path:object_id>" else ROW_OF[part]
        return str(self._row(pattern, kind).pk)

    def _row(self, pattern: str, kind: str) -> Model:
        """An order that the action is about."""
        for action, name in (
            ("/adopt/", "unknown"),
            ("/place-again/", "unknown"),
            ("/resend/", "told"),
            ("/resolve/", "told"),
            ("/lift/", "held"),
            ("/take-number/", "disputed"),
            ("/take-result/", "disputed"),
        ):
            if pattern.endswith(action):
                return self.rows[name if kind == "order" else f"{name} {kind}"]
        return self.rows[kind]

    def state(self) -> list[Any]:
        """All that the portal holds of the company, its people too."""
        found: list[Any] = []
        for model, model_admin in admin.site._registry.items():
            path = getattr(model_admin, "organization_path", None)
            if path:
                found += model.objects.filter(**{path: self.organization.pk}).order_by("pk").values()
        found += User.objects.filter(memberships__organization=self.organization).order_by("pk").values()
        return found


def acme(world: World) -> Company:
    """Its names are ordinary."""
    return _company(world, world.acme, "Zoë", "O'Neil", "Backend Engineer", "bea", "State")


def globex(world: World) -> Company:
    """Every name of it is one that Acme's pages have no reason to show."""
    tenant = world.globex
    tenant.verification_key, tenant.ashby_key = "verify-globex-01239-gx", "ashby-globex-01238-gx"
    connect("Globex", slug="globex", verification_key=tenant.verification_key)
    key = tenant.organization.ashby_api_keys.get()
    key.key, key.name = tenant.ashby_key, "Key of strangers"
    key.save()
    tenant.basic.name = "Deep Dive Check"
    tenant.basic.save()
    return _company(world, tenant, "Grigory", "Strangeman", "Secret Sommelier", "gus", "Stranger Question")


_numbers = itertools.count(1)


def _company(
    world: World, tenant: Tenant, first: str, last: str, job: str, name: str, question: str
) -> Company:
    organization = tenant.organization
    candidate = {"ashby_id": f"c-{name}", "first_name": first, "last_name": last, "email": f"{last}@x.test"}

    def order(number: str, told: str) -> Order:
        """With one update in that state."""
        body = world.start_body(candidate=candidate, job={"ashby_id": f"j-{name}", "name": job})
        body["assessment_type_id"] = str(tenant.basic.assessment_type_id)
        answer = world.call("/ashby/assessment.start", body, key=tenant.verification_key)
        made = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
        Order.objects.filter(pk=made.pk).update(
            status="received",
            justifacts_order_id=number,
            next_call=NextCall.POLL,
            last_sequence=1,
            needs_attention=True,
            attention_concern=Concern.DELIVERY,
            attention_reason=f"Ashby refused {first}",
        )
        Update.objects.create(
            order=made,
            sequence=1,
            timestamp=next(_numbers),
            payload={},
            summary=f"Received {first}",
            state=told,
            delivered_at=timezone.now(),
        )
        return made

    waiting, told, unknown = order(f"JF-X-{name}-1", "refused"), order(f"JF-X-{name}-2", "delivered"), None
    unknown = order("", "delivered")
    Order.objects.filter(pk=unknown.pk).update(next_call=NextCall.LOOK_UP, attention_concern=Concern.PLACING)
    held = order(f"JF-X-{name}-4", "delivered")
    hold(held.pk, name, f"A dispute with {first}")
    disputed = order(f"JF-X-{name}-5", "delivered")
    asked_about = {"text": "Complete", "result": "Review", "report": "", "time": 1, "can_be_taken": True}
    Order.objects.filter(pk=disputed.pk).update(
        status="complete",
        completed_at=timezone.now(),
        result="Clear",
        offered_order_number=f"JF-X-{name}-5R",
        asked_about=asked_about,
    )
    update = waiting.updates.get()
    Heartbeat.beat("worker", timezone.now())
    mapping = map_job(organization, f"j-{name}", tenant.basic)
    mapping.job.title = job
    mapping.job.save()
    membership = member(name, organization).memberships.get()
    rows: dict[str, Any] = {
        "organization": organization,
        "connection": tenant.connection,
        "ashbyapikey": organization.ashby_api_keys.get(),
        "package": tenant.basic,
        "job": mapping.job,
        "mapping": mapping,
        "retiringverificationkey": RetiringVerificationKey.objects.create(
            organization=organization, key=f"verify-{organization.slug}-the-one-before"
        ),
        "customfield": CustomField.objects.create(organization=organization, name=question, type="String"),
        "reconciliation": Reconciliation.objects.create(
            organization=organization, asked_by="the portal", ended_at=timezone.now()
        ),
        "watchlimits": WatchLimits.objects.create(organization=organization),
        "membership": membership,
        "user": membership.user,
        "group": Group.objects.get(name="support"),
        "auditevent": audit.record(
            audit.Action.VIEWED, name, organization_id=organization.pk, object_id=waiting.pk
        ),
        "heartbeat": Heartbeat.objects.get(name="worker"),
        "order": waiting,
        "told": told,
        "unknown": unknown,
        "held": held,
        "disputed": disputed,
        "erasurecertificate": ErasureCertificate.objects.create(
            organization=organization,
            by=name,
            candidate_digest="0" * 64,
            kept=[{"order": str(held.pk), "why": "It is held."}],
        ),
        "update": update,
        "told update": told.updates.get(),
        "event": Event.objects.filter(order=waiting)[0],
        "inboundcall": organization.inbound_calls.all()[0],
        "attempt": waiting.attempts.create(
            update=update, call="deliver", outcome="refused", message=f"no {first}"
        ),
    }
    return Company(tenant, rows)
