"""Search by name finds a candidate in every spelling, also while an upgrade rebuilds the index."""

import re
import time

import pytest
from django.core.management import CommandError
from django.urls import reverse

from assessments import search, tasks
from assessments.models import CandidateSearchTerm, Heartbeat, Order
from integrations.encryption.search_hashes import _hash, hash_keys, normal
from tests.assessments.admin.orders.test_order_list import listed, short
from tests.fixtures.admin import Desk
from tests.fixtures.statements import before_statement
from tests.fixtures.world import World
from tests.integrations.encryption.test_rotate_command import rotate


def order_of(world: World, first: str, last: str) -> Order:
    person = {"ashby_id": "c", "first_name": first, "last_name": last, "email": "x@mail.test"}
    return world.start(candidate=person)


def found(desk: Desk, query: str) -> set[str]:
    page = desk.client.post(reverse("admin:assessments_order_changelist"), {"q": query}, follow=True)
    return listed(page.content.decode())


@pytest.mark.parametrize(
    ("first", "last", "queries"),
    [
        ("Zoë", "O’Neil", ("O'Neil", "ONeil", "o neil", "oneil zoe", "Zoe O`Neil")),
        ("Zoë", "ONeil", ("O'Neil", "O’Neil Zoë", "zoe o neil")),
        ("Anne‐Marie", "Roux", ("Anne-Marie", "anne marie", "annemarie", "marie anne")),
        ("Annemarie", "Roux", ("Anne-Marie", "anne marie", "Anne Marie Roux")),
        ("Anne", "Marie Roux", ("Anne-Marie", "anne–marie roux")),
        ("Annecatherine", "Roux", ("Anne Catherine",)),
        ("Łukasz", "Yıldız", ("lukasz", "Yildiz Lukasz", "YILDIZ")),
        ("小明", "王", ("王小明", "小明王", "王 小明", "小明 王", "王小")),
        ("민준", "김", ("김민준", "김 민준", "민준 김", "민준김")),
        ("김민준", "김", ("김 민준", "민준 김", "김민준")),
    ],
)
def test_a_name_is_found_however_it_is_typed(
    world: World, desk: Desk, first: str, last: str, queries: tuple[str, ...]
) -> None:
    order = order_of(world, first, last)
    world.start()
    for query in queries:
        assert short(order) <= found(desk, query), query


def test_every_word_must_match(world: World, desk: Desk) -> None:
    order_of(world, "Anne-Marie", "Roux")
    order_of(world, "Christopher", "O'Neil")
    for query in (
        "Anne Peter",
        "Anne-Peter",
        "Christopher Marie",
        "neil marie",
        "annemariex",
        "Marie Backend O",
    ):
        assert found(desk, query) == set(), query


@pytest.mark.anywhere
def test_a_name_and_a_job_are_searched_together(world: World, desk: Desk) -> None:
    order = order_of(world, "Anne-Marie", "O’Neil")
    assert found(desk, "anne marie engineer") == found(desk, "o neil backend annemarie") == short(order)


def write_terms_of_an_earlier_version(order: Order) -> None:
    """Replaces the terms: earlier versions indexed each word of a name as written, and its parts."""
    texts = set()
    for name in (order.candidate_first_name, order.candidate_last_name):
        words = normal(name).split()
        for word in {*words, *(part for each in words for part in re.split(r"[\W_]+", each) if part)}:
            texts |= {word[:length] for length in range(3, min(len(word), 10) + 1)} or {word}
    texts.add(f"{order.candidate_email.split('@')[0]}@")
    key = hash_keys("portal search terms")[0]
    order.search_terms.all().delete()
    CandidateSearchTerm.objects.bulk_create(
        CandidateSearchTerm(order=order, term=_hash(key, text)) for text in texts
    )


@pytest.fixture
def orders_before_rebuild(world: World) -> list[Order]:
    orders = [order_of(world, "Łukasz", "O'Neil-Roux") for _ in range(3)]
    for order in orders:
        write_terms_of_an_earlier_version(order)
    return orders


@pytest.mark.anywhere
def test_terms_of_an_earlier_version_are_found_until_the_rebuild(
    orders_before_rebuild: list[Order], desk: Desk
) -> None:
    for query in ("łukasz", "O'Neil", "neil", "roux", "x@mail.test", "x@"):
        assert found(desk, query) == short(*orders_before_rebuild)
    assert found(desk, "Lukasz") == set()


def test_the_task_rebuilds_the_index_and_the_command_reports_it(
    orders_before_rebuild: list[Order], desk: Desk
) -> None:
    with pytest.raises(CommandError, match="search terms: 3"):
        rotate("--check")
    tasks.renew_search_terms()
    assert rotate("--check")["left"] == {}
    assert found(desk, "Lukasz ONeil") == short(*orders_before_rebuild)


@pytest.mark.anywhere
def test_an_interrupted_rebuild_is_continued_by_the_next(
    orders_before_rebuild: list[Order], settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"search_terms": 1}
    settings.SEARCH_TERMS_TURN_SECONDS = 0
    tasks.renew_search_terms()
    assert search.count_pending() == 3
    ends = iter([False, False, True])
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ends)))
    assert search.rebuild(until=0.5) == 2
    monkeypatch.undo()
    settings.SEARCH_TERMS_TURN_SECONDS = 20
    Heartbeat.objects.all().delete()
    tasks.renew_search_terms()
    assert search.count_pending() == 0


def test_orders_of_an_old_process_are_indexed_by_the_next_rebuild(
    world: World, orders_before_rebuild: list[Order]
) -> None:
    tasks.renew_search_terms()
    write_terms_of_an_earlier_version(orders_before_rebuild[0])
    assert search.count_pending() == 1
    assert search.rebuild() == 1


def test_an_erased_candidate_is_not_indexed(orders_before_rebuild: list[Order]) -> None:
    search.unindex_orders(Order.objects.all())
    Order.objects.update(candidate_first_name="", candidate_last_name="", candidate_email="")
    assert (search.count_pending(), search.rebuild()) == (0, 0)


def test_a_candidate_erased_during_a_rebuild_is_not_indexed(
    orders_before_rebuild: list[Order], settings
) -> None:
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"search_terms": 1}

    def erase_all(number: int) -> None:
        if number == 1:
            search.unindex_orders(Order.objects.all())
            Order.objects.update(candidate_first_name="", candidate_last_name="", candidate_email="")

    with before_statement('INSERT INTO "assessments_candidatesearchterm"', erase_all):
        assert search.rebuild() == 1
    assert (
        CandidateSearchTerm.objects.exclude(
            order=min(orders_before_rebuild, key=lambda each: each.pk)
        ).count()
        == 0
    )
