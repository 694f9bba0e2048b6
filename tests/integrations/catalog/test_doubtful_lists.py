"""A script that fetches packages or jobs does not believe a list that is empty, broken or mostly gone."""

import json
from typing import Any

import pytest

from integrations.models import Job, Package
from tests.fixtures.console import Console
from tests.fixtures.world import ASHBY, JUSTIFACTS, World

NAMES = {"packages": f"{JUSTIFACTS}assessment.list", "jobs": f"{ASHBY}/job.list"}


def entry(kind: str, number: object, name: str = "") -> dict[str, Any]:
    if kind == "packages":
        return {"assessment_type_id": number, "name": name or f"P {number}", "description": ""}
    return {"id": number, "title": name or f"J {number}", "status": "Open"}


def answers(world: World, kind: str, *pages: Any) -> None:
    """One page after the other; the last one again and again. A status number is a failing page."""
    for each in pages:
        if isinstance(each, int):
            world.wire.post(NAMES[kind], status=each, body="<html>")
        else:
            world.wire.post(NAMES[kind], json={"success": True, **each})


def known(world: World) -> None:
    """What the portal knew before: three packages and three jobs."""
    organization = world.acme.organization
    Package.objects.create(organization=organization, justifacts_id="JF-acme-3", name="Driver")
    for number in (1, 2, 3):
        Job.objects.create(organization=organization, ashby_id=f"job-{number}", title=f"J job-{number}")


def offered() -> list[str]:
    packages = Package.objects.filter(organization__slug="acme", withdrawn_at=None)
    return sorted(packages.values_list("justifacts_id", flat=True))


ALL = ["JF-acme-1", "JF-acme-2", "JF-acme-3"]
ONE = {"packages": ("JF-acme-1", "Basic"), "jobs": ("job-1", "")}


@pytest.mark.parametrize("kind", ["packages", "jobs"])
@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"moreDataAvailable": True}, "does not say where it is"),
        ({"moreDataAvailable": True, "nextCursor": None}, "does not say where it is"),
        ({"moreDataAvailable": True, "nextCursor": " "}, "does not say where it is"),
        ({"moreDataAvailable": "true"}, "does not say where it is"),
        ({"moreDataAvailable": 1}, "does not say where it is"),
        ({"moreDataAvailable": True, "nextCursor": "c1"}, "does not say where it is"),
        ({"nextCursor": "c1"}, "does not say where it is"),
    ],
)
def test_a_list_without_its_end_withdraws_nothing(
    world: World, console: Console, kind: str, more: dict[str, Any], says: str
) -> None:
    known(world)
    answers(world, kind, {"results": [entry(kind, *ONE[kind]), entry(kind, "new")], **more})
    line = console.fails(f"sync_{kind}", "acme")
    assert says in line
    assert "stay" in line or "Nothing was withdrawn" in line
    assert set(offered()) >= set(ALL)
    rows = Package.objects.filter(name="P new") if kind == "packages" else Job.objects.filter(title="J new")
    assert rows.count() == 1, "what could be read is added"


@pytest.mark.parametrize("kind", ["packages", "jobs"])
@pytest.mark.parametrize("page_two", [500, 404, {"results": None}, {"results": "none"}, {}])
def test_an_error_on_page_two_applies_nothing(
    world: World, console: Console, kind: str, page_two: Any
) -> None:
    known(world)
    first = {"results": [entry(kind, "new")], "moreDataAvailable": True, "nextCursor": "c1"}
    answers(world, kind, first, page_two)
    console.fails(f"sync_{kind}", "acme")
    assert offered() == ALL
    assert Job.objects.count() == 3


@pytest.mark.parametrize("kind", ["packages", "jobs"])
@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (["text"], "cannot be read (1 of 2)"),
        ([None], "cannot be read (1 of 2)"),
        ([{"name": "without an id"}], "cannot be read (1 of 2)"),
        ([True, []], "cannot be read (2 of 3)"),
        (["again"], "twice"),
    ],
)
def test_a_list_with_odd_entries_withdraws_nothing(
    world: World, console: Console, kind: str, odd: list[Any], says: str
) -> None:
    known(world)
    one = entry(kind, *ONE[kind])
    answers(world, kind, {"results": [one, *(one if each == "again" else each for each in odd)]})
    assert says in console.fails(f"sync_{kind}", "acme")
    assert offered() == ALL


@pytest.mark.parametrize("kind", ["packages", "jobs"])
def test_an_endless_list_ends(world: World, console: Console, kind: str) -> None:
    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        number = int(json.loads(request.body).get("cursor") or 0) + 1
        more = {"moreDataAvailable": True, "nextCursor": str(number)}
        return 200, {}, json.dumps({"success": True, "results": [entry(kind, *ONE[kind])], **more})

    known(world)
    world.wire.add_callback("POST", NAMES[kind], callback=answer)
    assert "does not end" in console.fails(f"sync_{kind}", "acme")
    assert len(world.wire.calls) < 10
    assert offered() == ALL


@pytest.mark.parametrize("kind", ["packages", "jobs"])
def test_an_empty_list_is_reported_where_something_was_known(
    world: World, console: Console, kind: str
) -> None:
    known(world)
    answers(world, kind, {"results": []})
    assert "3" in console.fails(f"sync_{kind}", "acme")
    assert offered() == ALL


@pytest.mark.parametrize("kind", ["packages", "jobs"])
def test_an_empty_list_of_a_new_organization_is_no_failure(world: World, console: Console, kind: str) -> None:
    Package.objects.all().delete()
    answers(world, kind, {"results": [], "moreDataAvailable": False})
    assert console.json(f"sync_{kind}", "acme") == {"added": [], "changed": [], "withdrawn": [], "total": 0}


@pytest.mark.parametrize("kind", ["packages", "jobs"])
def test_pages_are_followed_however_the_promise_is_written(world: World, console: Console, kind: str) -> None:
    answers(
        world,
        kind,
        {"results": [entry(kind, 1)], "moreDataAvailable": "true", "nextCursor": 7},
        {"results": [entry(kind, 2)], "nextCursor": "c2"},
        {"results": [entry(kind, 2), entry(kind, 3)], "moreDataAvailable": "false", "nextCursor": "c3"},
    )
    Package.objects.all().delete()
    assert console.json(f"sync_{kind}", "acme")["total"] == 3
    cursors = [json.loads(call.request.body).get("cursor") for call in world.wire.calls]
    assert cursors == [None, "7", "c2"]


def test_a_list_that_lost_most_packages_is_not_believed(world: World, console: Console) -> None:
    known(world)
    answers(world, "packages", {"results": [entry("packages", "JF-acme-1", "Basic")]})
    line = console.fails("sync_packages", "acme")
    assert "lacks 2 of the 3" in line
    assert "--allow-withdrawals" in line
    assert offered() == ALL
    found = console.json("sync_packages", "acme", "--allow-withdrawals")
    assert found["withdrawn"] == ["Driver", "Executive"]
    assert offered() == ["JF-acme-1"]


def test_a_single_withdrawal_goes_on_working(world: World, console: Console) -> None:
    known(world)
    answers(
        world,
        "packages",
        {"results": [entry("packages", "JF-acme-1", "Basic"), entry("packages", "JF-acme-3", "Driver")]},
    )
    assert console.json("sync_packages", "acme")["withdrawn"] == ["Executive"]


def test_packages_recreated_under_other_ids_are_not_lost(world: World, console: Console) -> None:
    known(world)
    recreated = [
        entry("packages", number, name) for number, name in ((1, "BASIC "), (2, "Executive"), (3, "Driver"))
    ]
    answers(world, "packages", {"results": recreated})
    assert console.json("sync_packages", "acme")["withdrawn"] == ["Basic", "Driver", "Executive"]
    assert offered() == ["1", "2", "3"]


def test_even_an_allowed_withdrawal_needs_a_complete_list(world: World, console: Console) -> None:
    answers(world, "packages", {"results": [], "moreDataAvailable": True})
    console.fails("sync_packages", "acme", "--allow-withdrawals")
    assert offered() == ["JF-acme-1", "JF-acme-2"]


def test_ids_and_texts_are_read_however_they_are_written(world: World, console: Console) -> None:
    organization = world.acme.organization
    listed = [
        entry("packages", " JF-acme-1 ", "Basic"),
        entry("packages", "jf-acme-1", "Other"),
        entry("packages", "JF-acme-2", "  Executive\n check "),
        {"assessment_type_id": 48213, "name": " ", "description": "x" * 9000},
        {"assessment_type_id": "n", "name": 7, "description": ["list"]},
    ]
    answers(world, "packages", {"results": listed})
    found = console.json("sync_packages", "acme")
    assert found["added"] == ["Other", "48213", "7"], "ids that differ in case are different ids"
    assert found["withdrawn"] == []
    assert organization.packages.get(justifacts_id="JF-acme-2").name == "Executive check"
    assert len(organization.packages.get(justifacts_id="48213").description) == 5000
    assert console.json("sync_packages", "acme") == {**found, "added": [], "changed": []}


def test_a_check_of_the_connection_says_that_a_list_is_incomplete(world: World, console: Console) -> None:
    scopes = ["candidates:write", "jobs:read", "apiKeys:read"]
    world.ashby("apiKey.info", {"success": True, "results": {"title": "Key", "scopes": scopes}})
    answers(world, "packages", {"results": [entry("packages", 1)], "moreDataAvailable": True})
    said = console.run("check_connection", "acme")
    assert "Justifacts offers 1 package. Justifacts' list of packages promises another page" in said
