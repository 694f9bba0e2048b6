"""What is filtered, as a file for a spreadsheet."""

import csv
import io

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from assessments.admin.private_search import sealed
from assessments.models import Order
from tests.fixtures.admin import Desk
from tests.fixtures.world import World, data

EXPORT = "assessments_order_export"


def rows(desk: Desk, **query: str) -> list[dict[str, str]]:
    answer = desk.client.get(reverse(f"admin:{EXPORT}"), query)
    assert answer.status_code == 200
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def two(world: World) -> tuple[Order, Order]:
    done = world.placed("JF-1")
    world.push(done, "Complete", assessment_result=data("result", "Clear"))
    candidate = {"ashby_id": "c", "first_name": "=cmd()", "last_name": "Ek", "email": "bo@example.com"}
    return done, world.start(candidate=candidate)


def test_every_order_is_a_row(two: tuple[Order, Order], support: Desk) -> None:
    first, second = sorted(rows(support), key=lambda row: row["candidate"], reverse=True)
    assert (first["candidate"], first["status"], first["result"]) == ("Zoë O'Neil", "complete", "Clear")
    assert first["completed_at"].endswith("+00:00")
    assert second["organization"] == "Acme"


def test_an_export_applies_the_filters_and_the_search(two: tuple[Order, Order], support: Desk) -> None:
    assert [row["status"] for row in rows(support, status="complete")] == ["complete"]
    assert [row["email"] for row in rows(support, q=sealed("bo@example.com"))] == ["bo@example.com"]
    listed = support.html("assessments_order_changelist", status="complete")
    assert f"{reverse(f'admin:{EXPORT}')}?status=complete" in listed


def test_no_cell_is_a_formula(two: tuple[Order, Order], support: Desk) -> None:
    assert "'=cmd() Ek" in [row["candidate"] for row in rows(support)]


def test_an_export_contains_only_visible_orders(
    two: tuple[Order, Order], world: World, org_admin: Desk
) -> None:
    theirs = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    world.call("/ashby/assessment.start", theirs, key=world.globex.verification_key)
    assert {row["organization"] for row in rows(org_admin)} == {"Acme"}


def test_an_export_is_logged_with_person_and_count(two: tuple[Order, Order], support: Desk) -> None:
    rows(support)
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_repr) == ("sam", "Export of 2 orders")


def test_a_read_only_person_cannot_export(two: tuple[Order, Order], reader: Desk) -> None:
    assert "Export as CSV" not in reader.open("assessments_order_changelist")
    assert reader.client.get(reverse(f"admin:{EXPORT}")).status_code == 403


def test_an_export_asks_the_database_at_most_32_times(
    two: tuple[Order, Order], support: Desk, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(32):
        rows(support)


@pytest.mark.parametrize("number", ["00123", "12345678901234567890", "1E5", "3-4"])
def test_an_id_copied_from_a_spreadsheet_is_found(world: World, support: Desk, number: str) -> None:
    world.placed(number, application={"ashby_id": f"0{number}"}, job={"ashby_id": number, "name": "Cook"})
    (row,) = rows(support)
    assert row["justifacts_order_id"] == row["job_id"] == f"'{number}"
    assert row["application_id"] == f"'0{number}"
    assert row["assessment_id"] in support.html("assessments_order_changelist", q=sealed(f"'{number}"))
