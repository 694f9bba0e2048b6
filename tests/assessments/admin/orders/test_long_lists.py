"""No page over orders reads all of them, however many there are, and every row can be reached."""

import html
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.urls import reverse

from assessments.admin.private_search import sealed
from assessments.models import (
    AshbyUpdate,
    CallAttempt,
    CandidateSearchTerm,
    InboundRequest,
    Order,
    OrderEvent,
)
from integrations.web.keyset import Position
from tests.assessments.admin.orders.test_order_list import listed, short
from tests.fixtures.admin import Desk
from tests.fixtures.statements import sqlite_plan, statements, steps
from tests.fixtures.world import World, data

ORDERS = "assessments_order_changelist"
#: Copies of each order, and the most rows of a table that one query may read.
_COPIES, _MOST_ROWS = 600, 900
_CHILDREN = (AshbyUpdate, CallAttempt, InboundRequest, OrderEvent, CandidateSearchTerm)
_TABLES = [model._meta.db_table for model in (Order, *_CHILDREN)]


@pytest.fixture
def rare(world: World, settings) -> Order:
    """One order of a candidate with a rare name, and on PostgreSQL thousands of others."""
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"counted": 100, "csv_keys": 100}
    job = {"ashby_id": "job-2", "name": "Account Manager"}
    for status in ("Received", "Applicant Started", "Complete", "Complete"):
        order = world.placed(f"JF-{status}-{Order.objects.count()}", job=job)
        world.push(order, status, assessment_result=data("result", "Clear"))
    theirs = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id), job=job)
    world.call("/ashby/assessment.start", theirs, key=world.globex.verification_key)
    world.ashby_takes_everything()
    world.work()
    if connection.vendor == "postgresql":
        _copy_everything()
    candidate = {"ashby_id": "c-7", "first_name": "Xenia", "last_name": "Quark", "email": "x.quark@mail.test"}
    return world.placed(
        "JF-77001", candidate=candidate, job={"ashby_id": "job-1", "name": "Backend Engineer"}
    )


def _copy_everything() -> None:
    """Gives each copy ids of its own, and moves it a minute into the past for each one before it."""
    child = {"id": "t.id + 1000000 * n", "order_id": "md5(t.order_id::text || n)::uuid"}
    values = {
        Order: {
            "assessment_id": "md5(t.assessment_id::text || n)::uuid",
            "application_id": "t.application_id || n",
            "candidate_id": "t.candidate_id || n",
            "justifacts_order_id": "nullif(t.justifacts_order_id, '') || n",
            "created_at": "t.created_at - n * interval '1 minute'",
            "status_since": "t.status_since - n * interval '1 minute'",
        },
        **{model: child for model in _CHILDREN},
    }
    with connection.cursor() as cursor:
        for model, own in values.items():
            columns = [field.column for field in model._meta.concrete_fields]
            selected = ", ".join(own.get(column, f't."{column}"') for column in columns)
            names = ", ".join(f'"{column}"' for column in columns)
            table = model._meta.db_table
            copies = f"FROM {table} t, generate_series(1, {_COPIES}) n"
            cursor.execute(f"INSERT INTO {table} ({names}) SELECT {selected} {copies}")
            cursor.execute(f"ANALYZE {table}")
        # A few thousand rows are read at once more quickly than by an index.
        cursor.execute("SET LOCAL enable_seqscan = off")


def _pages(rare: Order) -> dict[str, tuple[str, dict[str, Any]]]:
    orders: list[dict[str, Any]] = [
        *({}, {"p": 9}, {"o": "5"}, {"o": "-4"}, {"o": "3"}, {"organization": "acme"}, {"started": "7d"}),
        *({"problem": problem} for problem in ("ashby", "paused", "stalled", "held")),
        *({"status": "complete"}, {"status": "rejected"}, {"result": "Adverse"}, {"result": "other"}),
        *({"package": rare.package_id}, {"job": rare.job_id}),
        *({"q": text} for text in ("Xenia Quark", "x.quark@mail.test", "JF-77001", "JF-77", "Backend")),
        *({"q": text} for text in (str(rare.pk), str(rare.pk)[:8], "Quark Backend")),
    ]
    logs: dict[str, list[dict[str, Any]]] = {
        "ashbyupdate": [{}, {"state": "refused"}],
        "callattempt": [{"call": "cancel"}, {"q": "none"}],
        "orderevent": [{}, {"source": "person"}],
        "inboundrequest": [{}, {"q": "none"}],
    }
    pages = {f"orders {query}": (ORDERS, query) for query in orders}
    for name, queries in logs.items():
        pages |= {f"{name} {query}": (f"assessments_{name}_changelist", query) for query in queries}
    return pages | {"export": ("assessments_order_export", {})}


def _statements(desk: Desk, name: str, query: dict[str, Any]) -> list[tuple[str, Any]]:
    """The SELECT statements of a page, with their parameters."""
    if "q" in query:
        query = query | {"q": sealed(query["q"])}

    def get() -> None:
        assert desk.client.get(reverse(f"admin:{name}"), query).status_code == 200

    # Without a condition there is nothing to search: the limit ends such a statement.
    return [
        (sql, parameters)
        for sql, parameters in statements(get)
        if re.match(r"\W*(SELECT|WITH)", sql) and "WHERE" in sql and "FOR UPDATE" not in sql
    ]


def _reads_too_much(sql: str, params: Any) -> list[str]:
    """The steps that read many rows of a table on PostgreSQL, or the whole table on SQLite."""
    if connection.vendor == "sqlite":
        whole = re.compile(rf"SCAN ({'|'.join(_TABLES)})\b(?! USING)")
        return [step for step in sqlite_plan(sql, params) if whole.match(step)]
    return [
        f"{node['Node Type']} of {node['Relation Name']}: {read} rows"
        for node, read in steps(sql, params)
        if node.get("Relation Name") in _TABLES and read > _MOST_ROWS
    ]


@pytest.mark.anywhere
def test_no_page_reads_all_orders_updates_or_events(rare: Order, support: Desk, org_admin: Desk) -> None:
    found = [
        f"{person}, {page}: {step} by {sql[:3000]}"
        for person, desk in (("support", support), ("org admin", org_admin))
        for page, (name, query) in _pages(rare).items()
        for sql, params in _statements(desk, name, query)
        for step in _reads_too_much(sql, params)
    ]
    assert not found, "\n".join(found)


def test_every_order_is_reached_by_next_and_previous(world: World, support: Desk, settings) -> None:
    """However many there are, and while new orders arrive."""
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"counted": 3}
    orders = [world.start() for _ in range(2)]
    Order.objects.bulk_create(_copies_of(orders[0], 118))
    page, seen = support.html(ORDERS), []
    assert "More than 51 orders" in page
    while True:
        seen.append(listed(page))
        world.start()
        link = re.search(r'href="([^"]*)" rel="next"', page)
        if link is None:
            break
        page = support.client.get(reverse(f"admin:{ORDERS}") + html.unescape(link[1])).content.decode()
    assert [len(each) for each in seen] == [50, 50, 20]
    assert set.union(*seen) == short(*Order.objects.order_by("created_at")[:120])
    back = re.search(r'href="([^"]*)" rel="prev"', page)
    assert back
    page = support.client.get(reverse(f"admin:{ORDERS}") + html.unescape(back[1])).content.decode()
    assert listed(page) == seen[1]


def _copies_of(order: Order, count: int) -> list[Order]:
    copies = [Order.objects.get(pk=order.pk) for _ in range(count)]
    for number, copy in enumerate(copies):
        copy.pk, copy.application_id = uuid.uuid4(), f"copy-{number}"
        copy.created_at = order.created_at - timedelta(minutes=number // 2)
    return copies


def test_a_made_up_position_is_the_first_page(world: World, support: Desk) -> None:
    order = world.start()
    for position in ("after~2026", "WzFd:c2ln", "-1x", "999999999999999999999"):
        answer = support.client.get(reverse(f"admin:{ORDERS}"), {"p": position}, follow=True)
        assert listed(answer.content.decode()) == short(order)


def test_a_position_in_a_list_with_another_order_shows_the_list(world: World, support: Desk) -> None:
    order = world.start()
    position = Position.of(order, ["-created_at", "-pk"], is_after=True)
    answer = support.client.get(reverse(f"admin:{ORDERS}"), {"p": str(position), "o": "5"}, follow=True)
    assert listed(answer.content.decode()) == short(order)


def test_an_export_is_complete_however_many_portions_it_has(world: World, support: Desk, settings) -> None:
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"csv": 2, "csv_keys": 3}
    orders = [world.start() for _ in range(7)]
    answer = support.client.get(reverse("admin:assessments_order_export"))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [str(order.pk) for order in reversed(orders)]
    assert LogEntry.objects.get().object_repr == "Export of 3 orders or more"


def test_the_page_of_an_order_asks_the_database_at_most_15_times(
    world: World, support: Desk, org_admin: Desk, django_assert_max_num_queries
) -> None:
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Clear"))
    for desk in (support, org_admin):
        # The first page of a session, and the first entry of an organization's audit log, write more.
        desk.open("assessments_order_change", order.pk)
        with django_assert_max_num_queries(15):
            assert "Zoë" in desk.open("assessments_order_change", order.pk)
