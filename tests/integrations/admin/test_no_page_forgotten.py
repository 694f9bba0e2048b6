"""What holds for every page: it opens, it stays quick with more rows, it keeps strangers out."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assessments.models import (
    ErasureCertificate,
    Heartbeat,
    OrderEvent,
    Reconciliation,
    StallThresholds,
)
from integrations.catalog.mapping import map_job
from integrations.connections.connect import connect
from integrations.models import CustomField, Package
from tests.fixtures.admin import Desk, words
from tests.fixtures.world import World

MODELS = list(admin.site._registry)
ADDED = {
    *("Organization", "Connection", "AshbyApiKey", "Job", "CustomField"),
    *("User", "Group", "Membership", "StallThresholds"),
}


def name_of(model: Any) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def fill(world: World, first: int, last: int) -> None:
    """So many more orders, each with its history, and jobs, mappings and fields."""
    organization = world.acme.organization
    world.ashby_takes_everything()
    Heartbeat.beat("worker", timezone.now())
    for number in range(first, last + 1):
        order = world.placed(f"JF-{number}", job={"ashby_id": f"job-{number}", "name": f"Job {number}"})
        world.push(order, "Applicant Started")
        map_job(organization, f"job-{number}", world.acme.basic)
        Package.objects.create(organization=organization, justifacts_id=f"P-{number}", name=f"P {number}")
        other = connect(f"Org {number}", verification_key=f"verify-{number}", ashby_key=f"ashby-{number}")
        StallThresholds.objects.create(organization=other.organization)
        Reconciliation.objects.create(organization=other.organization, requested_by="the portal")
        CustomField.objects.create(organization=organization, name=f"Field {number}", type="String")
        ErasureCertificate.objects.create(organization=other.organization, by="the portal")
    world.work()


def queries(act: Callable[[], object]) -> int:
    act()
    with CaptureQueriesContext(database) as captured:
        act()
    return len(captured)


def test_a_form_to_add_one_opens_where_people_add_them(world: World, admin_client: Client) -> None:
    for model in MODELS:
        answer = admin_client.get(reverse(f"admin:{name_of(model)}_add"))
        assert answer.status_code == (200 if model.__name__ in ADDED else 403), model
        page = answer.content.decode()
        for tenant in (world.acme, world.globex):
            assert tenant.verification_key not in page, model
            assert tenant.ashby_key not in page, model


def test_more_rows_need_no_more_queries(world: World, desk: Desk) -> None:
    def counts() -> dict[str, int]:
        lists = [f"{name_of(model)}_changelist" for model in MODELS]
        return {name: queries(partial(desk.html, name)) for name in lists}

    fill(world, 1, 2)
    few = counts()
    fill(world, 3, 5)
    assert counts() == few
    assert {name: count for name, count in few.items() if count >= 30} == {}


def test_a_long_history_needs_no_more_queries(world: World, desk: Desk) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.push(order, "Applicant Started")
    world.work()
    short = queries(lambda: desk.html("assessments_order_change", order.pk))
    for number in range(10):
        world.push(order, f"Step {number}")
        world.work()
    assert queries(lambda: desk.html("assessments_order_change", order.pk)) == short


def test_a_stranger_sees_nothing_but_the_sign_in(world: World, client: Client) -> None:
    fill(world, 1, 1)
    for model in MODELS:
        row = model.objects.first()
        pages = [reverse(f"admin:{name_of(model)}_changelist"), reverse(f"admin:{name_of(model)}_add")]
        pages += [reverse(f"admin:{name_of(model)}_change", args=[row.pk])] if row else []
        for page in pages:
            answer = client.get(page)
            assert (answer.status_code, answer.url.split("?")[0]) == (302, reverse("admin:login")), page


@pytest.mark.parametrize("button", ["retry", "poll"])
def test_a_stranger_presses_no_button(world: World, client: Client, button: str) -> None:
    order = world.placed()
    answer = client.post(reverse(f"admin:assessments_order_{button}", args=[order.pk]))
    assert answer.status_code == 302
    assert "/login/" in answer.url
    assert not OrderEvent.objects.filter(source=OrderEvent.Source.PERSON).exists()


def test_a_user_who_is_no_staff_sees_nothing(world: World, client: Client) -> None:
    client.force_login(User.objects.create_user("visitor"))
    order = world.start()
    answer = client.get(f"/orders/{order.pk}/", follow=True)
    assert "/login/" in answer.redirect_chain[-1][0]
    assert order.candidate_email not in answer.content.decode()


def test_an_orders_address_leads_through_the_sign_in_to_the_order(world: World, client: Client) -> None:
    """The report's address when Justifacts gives none."""
    typed = "correct horse battery"
    User.objects.create_superuser("ada", None, typed)
    order = world.start()
    answer = client.get(f"/orders/{order.pk}/", follow=True)
    sign_in, _ = answer.redirect_chain[-1]
    answer = client.post(sign_in, {"username": "ada", "password": typed}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("admin:assessments_order_change", args=[order.pk])
    assert "Zoë O'Neil" in words(answer.content.decode())


@pytest.mark.parametrize("path", ["/orders/8a1f2b9e-0000-4000-8000-000000000000/", "/orders/nonsense/"])
def test_an_address_of_no_order_is_no_crash(db: None, admin_client: Client, path: str) -> None:
    answer = admin_client.get(path, follow=True)
    assert answer.status_code in (200, 404)


def test_every_page_and_log_line_is_without_secrets_after_they_were_changed(world: World, desk: Desk) -> None:
    connection = world.acme.connection
    secrets = [
        "fresh-verification-key-1",
        "fresh-ashby-key-1",
        world.acme.verification_key,
        world.acme.ashby_key,
    ]
    said = desk.press(
        "integrations_connection_change",
        connection.pk,
        is_enabled="on",
        verification_key=secrets[0],
        staging_base_url=connection.staging_base_url,
    )
    key = {"name": "Fresh", "key": secrets[1], "use": "on", "organization": world.acme.organization.pk}
    said += desk.press("integrations_ashbyapikey_add", **key)
    said += desk.html("integrations_connection_history", connection.pk)
    for model in MODELS:
        said += desk.html(f"{name_of(model)}_changelist")
        if row := model.objects.first():
            said += desk.html(f"{name_of(model)}_change", row.pk)
    said += " ".join(f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all())
    assert LogEntry.objects.count() == 2
    assert not [secret for secret in secrets if secret in said]
