"""Every page of every model opens, and keeps to the strict content security policy."""

import re

from django.contrib import admin
from django.utils import timezone

from assessments.models import Heartbeat, Reconciliation, StallThresholds
from assessments.privacy.requests import erase_candidate
from integrations.catalog.mapping import map_job
from integrations.connections.connect import connect
from integrations.models import CustomField
from tests.fixtures.admin import Desk, member
from tests.fixtures.world import World

OURS = [model for model in admin.site._registry if model._meta.app_label in ("integrations", "assessments")]


def test_all_models_are_registered() -> None:
    names = {model.__name__ for model in OURS}
    assert names == {
        *("Organization", "Connection", "AshbyApiKey", "PreviousVerificationKey"),
        *("Package", "Job", "CustomField", "Membership", "AuditLogEntry"),
        *("Order", "OrderEvent", "AshbyUpdate", "CallAttempt", "InboundRequest", "Heartbeat"),
        *("StallThresholds", "Reconciliation", "ErasureCertificate"),
    }


def test_lists_and_pages_open(world: World, desk: Desk) -> None:
    world.ashby_takes_everything()
    world.placed()
    world.work()
    map_job(world.acme.organization, "job-1", world.acme.basic)
    CustomField.objects.create(organization=world.acme.organization, name="State", type="String")
    Heartbeat.beat("worker", timezone.now())
    member("ada", world.acme.organization)
    connect("Acme", slug="acme", verification_key="the-next-key-of-acme")
    StallThresholds.objects.create(organization=world.acme.organization)
    Reconciliation.objects.create(organization=world.acme.organization, requested_by="the portal")
    erase_candidate(world.acme.organization, "nobody@example.com", "ada", timezone.now())
    for model in OURS:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        pages = [
            desk.html(f"{name}_changelist"),
            desk.html(f"{name}_changelist", q="acme"),
            desk.html(f"{name}_change", model.objects.first().pk),
        ]
        for page in pages:
            assert not re.search(r"<[^>]+\sstyle=", page), name
            assert not re.search(r"<[^>]+\son[a-z]+=", page), name
            assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", page), name
            for secret in (world.acme.verification_key, world.acme.ashby_key):
                assert secret not in page, name


def test_the_start_page_carries_the_portals_name(desk: Desk) -> None:
    page = desk.open("index")
    assert "Assessment portal" in page
    assert "Django administration" not in page
