"""Starts are parsed leniently: only data that an order needs can be refused (docs/protocol.md)."""

import json
from typing import Any

import pytest

from assessments.models import InboundRequest
from assessments.placement.next_call import make_next_call
from tests.assessments.intake.changed_starts import assert_accepted, assert_refused, changed
from tests.fixtures.world import World

CLEANED = {
    "  Zoë ": "Zoë",
    "Zoë\t": "Zoë",
    "\r\nZoë\n": "Zoë",
    "Anna\tMaria": "Anna Maria",
    "Anna\r\nMaria": "Anna Maria",
    "Anna \u00a0\u2003 Maria": "Anna Maria",
    "Anna\u2028Maria\u2029": "Anna Maria",
    "\u3000小明\u3000": "小明",
    "\ufeffZoë": "Zoë",
    "Zo\u200bë\u2060": "Zoë",
    "soft\u00adhyphen": "softhyphen",
    "\u202bאברהם\u202c": "אברהם",
    "\u202eZoë\u202c": "Zoë",
    "\u2066Zoë\u2069\u200e\u200f\u061c": "Zoë",
    "Z\u0000oë\u0001\u001b\u007f\u009b": "Zoë",
    "Zoë\ud800": "Zoë",
    "\u200dZoë\u200c": "Zoë",
    "Zoë \u200d Ann": "Zoë Ann",
    "\u3164Zoë\u2800": "Zoë",
    "علی\u200cرضا": "علی\u200cرضا",
    "Zoe\u0308": "Zoe\u0308",
    "O’Neil-Łukasz Jr. 3rd": "O’Neil-Łukasz Jr. 3rd",
}


def test_a_name_is_cleaned_and_still_reads_the_same(world: World) -> None:
    for written, kept in CLEANED.items():
        body = changed(world.start_body(), "candidate.first_name", written)
        order = assert_accepted(world, "candidate.last_name", written, body)
        names = (order.candidate_first_name, order.candidate_last_name)
        assert names == (kept, kept), ascii(written)


@pytest.mark.parametrize(
    "written", ["Z\u0000oë\u0001\u001b\u007f\u009b", "علی\u200cرضا", "Zoe\u0308"], ids=ascii
)
def test_a_cleaned_name_is_sent_to_justifacts(world: World, written: str) -> None:
    body = changed(world.start_body(), "candidate.first_name", written)
    order = assert_accepted(world, "candidate.last_name", written, body)
    world.justifacts_takes()
    make_next_call(order.pk)
    kept = CLEANED[written]
    sent = world.sent("assessment.start")[0]["candidate"]
    assert (sent["first_name"], sent["last_name"]) == (kept, kept)


NOBODY = [
    "\u200b",
    "\u3164",
    "\uffa0",
    "\u2800",
    "\u115f\u1160",
    "\u200d",
    "\ufe0f",
    "\u0301",
    "\u034f",
    "\u0000",
]
NOBODY += ["-", ".", "…", "'", "123", "٣", "👩🏽‍💻", "🏳️‍🌈", "\u202e", "\U000e0041", "—", "_", "?", "\ufffd"]


@pytest.mark.parametrize("place", ["candidate.first_name", "candidate.last_name"])
def test_a_name_without_a_letter_is_refused(world: World, place: str) -> None:
    for name in NOBODY:
        sentence = assert_refused(world, place, name)
        assert place.removeprefix("candidate.").replace("_", " ") in sentence, ascii(name)
        assert "start again" in sentence, ascii(name)


def test_a_one_letter_name_in_any_script_is_accepted(world: World) -> None:
    for name in ("王", "김", "あ", "Я", "ก", "א", "ش", "Ø", "ª", "A."):
        assert assert_accepted(world, "candidate.last_name", name).candidate_last_name == name


@pytest.mark.parametrize("place", ["candidate.first_name", "candidate.last_name"])
def test_a_missing_name_is_refused_with_advice(world: World, place: str) -> None:
    for nothing in (None, "", "  ", "\t", []):
        sentence = assert_refused(world, place, nothing)
        assert place.removeprefix("candidate.").replace("_", " ") in sentence
        assert "only one name, write that name in both fields" in sentence
        assert "in Ashby, then start again" in sentence


def test_one_text_as_first_and_last_name_is_accepted(world: World) -> None:
    body = changed(world.start_body(), "candidate.first_name", "Suharto")
    assert assert_accepted(world, "candidate.last_name", "Suharto", body).candidate_name == "Suharto Suharto"


@pytest.mark.parametrize("place", ["candidate.first_name", "candidate.last_name"])
def test_a_name_over_200_letters_is_refused_with_an_explanation(world: World, place: str) -> None:
    for name in ("é" * 201, "x" * 200_000):
        sentence = assert_refused(world, place, name)
        assert place.removeprefix("candidate.").replace("_", " ") in sentence
        assert "200 letters" in sentence
    assert assert_accepted(world, place, f"\t {'é' * 200}\n")
    assert assert_accepted(world, place, "e\u0301" * 200), "an accent is no letter of its own"


CLEAN_ADDRESSES = [
    "\tzoe@example.com\r\n",
    "\u202azoe@example.com\u202c",
    "zoe\u200b@example.com",
    "zoe@exam\u00adple.com",
]


@pytest.mark.parametrize("email", CLEAN_ADDRESSES, ids=ascii)
def test_an_email_address_is_cleaned(world: World, email: str) -> None:
    assert assert_accepted(world, "candidate.email", email).candidate_email == "zoe@example.com"


@pytest.mark.anywhere
def test_a_long_job_name_is_truncated(world: World) -> None:
    assert assert_accepted(world, "job.name", "é" * 501).job_name == "é" * 500
    assert assert_accepted(world, "job.name", "x" * 200_000).job_name == "x" * 500
    assert assert_accepted(world, "job.name", "x" * 499 + " y").job_name == "x" * 499
    assert assert_accepted(world, "job.name", " Backend\tEngineer\u0000\n").job_name == "Backend Engineer"


ANYTHING = [
    None,
    "",
    " ",
    0,
    7,
    -1.5,
    1e17,
    True,
    False,
    [],
    [None],
    ["x"],
    {},
    {"value": "x"},
    "x" * 9000,
]
ANYTHING += ["\u0000", "\ud800", "\u202e", "a\nb", "🦊" * 1000]
OPTIONAL = [
    (
        *("candidate.ashby_id", "candidate.ashby_profile_url", "application.status", "job.name"),
        *("job.req_id", "job.ashby_job_url", "job.hiringTeam", "additional_fields"),
        *("unknown", "job.unknown", "candidate.unknown"),
    ),
    # Each of its own, because the portal reads the answers from one of three places.
    ("application.additional_fields",),
    ("job.additional_fields",),
]


@pytest.mark.parametrize("places", OPTIONAL, ids=lambda places: places[-1])
def test_optional_parts_may_hold_anything(world: World, places: tuple[str, ...]) -> None:
    """It counts as absent or as text; Justifacts never gets null, and the database can store it."""
    for value in ANYTHING:
        body = world.start_body()
        for place in places[1:]:
            body = changed(body, place, value)
        order = assert_accepted(world, places[0], value, body)
        order.refresh_from_db()
        sent = json.dumps(order.start_request.as_json() | {"additional_fields": {}})
        assert "null" not in sent
        assert "\\u0000" not in json.dumps(order.additional_fields) + sent
        assert InboundRequest.objects.filter(order=order).exists()


@pytest.mark.parametrize(
    ("place", "value", "kept"),
    [
        ("job.req_id", 4711, "4711"),
        ("job.req_id", " R-7 ", "R-7"),
        ("job.name", 3, "3"),
        ("application.status", 5, "5"),
    ],
)
def test_numbers_and_padded_texts_are_stored_as_trimmed_text(
    world: World, place: str, value: Any, kept: str
) -> None:
    part, name = place.split(".")
    assert getattr(assert_accepted(world, place, value), part)[name] == kept


ANN = {"userId": "u1", "firstName": "Ann", "lastName": "Lee", "email": "ann@acme.test", "role": "Recruiter"}


@pytest.mark.parametrize(
    ("team", "kept"),
    [
        ("", None),
        ({}, None),
        ([], None),
        ([None], None),
        ([{}], None),
        ("nobody", None),
        ({"a": ANN}, None),
        ([ANN, None, {}, "x", 1, [ANN]], [ANN]),
        ([{**ANN, "role": None, "email": ""}], [{"userId": "u1", "firstName": "Ann", "lastName": "Lee"}]),
        (
            [{"userId": 7, "firstName": " Ann\u0000\n", "manager": {"x": None}}],
            [{"userId": "7", "firstName": "Ann"}],
        ),
    ],
    ids=repr,
)
def test_readable_members_of_the_hiring_team_are_kept(world: World, team: Any, kept: Any) -> None:
    assert assert_accepted(world, "job.hiringTeam", team).job.get("hiringTeam") == kept


@pytest.mark.parametrize("nothing", [[], "", None, "x", 0, [{}], False])
def test_an_empty_container_does_not_hide_another_place(world: World, nothing: Any) -> None:
    body = changed(world.start_body(), "job.additional_fields", {"f1": "a"})
    assert assert_accepted(world, "additional_fields", nothing, body).additional_fields == {"f1": "a"}


@pytest.mark.anywhere
def test_an_answer_keeps_its_lines_and_loses_characters_that_cannot_be_stored(world: World) -> None:
    order = assert_accepted(world, "additional_fields", {"f1": ["a\nb\t\u0000\ud800c", {"x": "\u001b"}]})
    order.refresh_from_db()
    assert order.additional_fields == {"f1": ["a\nb\tc", {"x": ""}]}


@pytest.mark.parametrize("place", ["application.ashby_id", "job.ashby_id", "candidate.ashby_id"])
@pytest.mark.parametrize(("written", "kept"), [(48213, "48213"), (" app-1\n", "app-1")])
def test_an_id_may_be_a_number_or_padded(world: World, place: str, written: Any, kept: str) -> None:
    part, name = place.split(".")
    order = assert_accepted(world, place, written)
    assert order.start_request.as_json()[part][name] == kept
