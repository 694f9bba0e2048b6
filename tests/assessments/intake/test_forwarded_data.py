"""Data from Ashby is stored and passed on unchanged; optional parts may be absent."""

import json
import uuid
from typing import Any

import pytest

from assessments.models import InboundRequest, Order
from assessments.placement.next_call import make_next_call
from tests.fixtures.world import World

START = "/ashby/assessment.start"
NAMES = [
    "Zoë",
    "Zoe\u0308",  # Looks the same, with a combining mark.
    "O'Neil",
    "D’Arcy",
    "王小明",
    "Владимир",
    "محمد",
    "אברהם",
    "علی\u200cرضا",  # A joiner that belongs to the spelling.
    "ശശിധരന്\u200d",  # A joiner at the end.
    "ชัยวัฒน์",
    "ನಿಖಿಲ್",
    "Zoë 👩🏽‍💻",  # Four code points and a joiner.
    "渚\ufa19",  # A variant that normalization would replace.
    "𝒜𝓃𝓃𝒶",  # Beyond the basic plane.
    "a\u0301\u0328\u035f",
    "Null",
    "<script>alert(1)</script>",
    "Robert'); DROP TABLE assessments_order;--",
    '"quoted" \\ back\\slash',
    "{{ 7 * 7 }} %s %(x)s {0}",
    "x" * 200,
    "Zoë" + "🦊" * 197,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reaches_justifacts_unchanged(world: World, name: str) -> None:
    body = world.start_body(job={"ashby_id": "job-1", "name": name})
    body["candidate"] |= {"first_name": name, "last_name": name}
    body["additional_fields"] = {"nickname": name}
    answer = world.call(START, json.dumps(body, ensure_ascii=False).encode())
    assert answer.status_code == 200, answer.content
    assert world.call(START, json.dumps(body, ensure_ascii=True).encode()).content == answer.content
    order = Order.objects.get()
    kept = (order.candidate_first_name, order.candidate_last_name, order.job_name)
    assert kept == (name, name, name)
    world.justifacts_takes()
    make_next_call(order.pk)
    sent = world.sent("assessment.start")[0]
    assert (sent["candidate"]["first_name"], sent["candidate"]["last_name"]) == (name, name)
    assert (sent["job"]["name"], sent["additional_fields"]) == (name, {"nickname": name})


def test_all_data_of_a_start_reaches_justifacts(world: World) -> None:
    team = [
        {"userId": "u1", "firstName": "Ann", "lastName": "Lee", "email": "ann@acme.test", "role": "Recruiter"}
    ]
    body = world.start_body()
    body["job"] |= {"req_id": "R-7", "hiringTeam": team}
    body["additional_fields"] = {"f1": "text", "f2": 3, "f3": True, "f4": ["a", "b"], "f5": {"from": "x"}}
    world.call(START, body)
    order = Order.objects.get()
    world.justifacts_takes()
    world.ashby_takes_everything()
    world.work()
    assert world.sent("assessment.start") == [
        {**body, "assessment_type_id": "JF-acme-1", "reference_id": str(order.pk)}
    ]


FIELDS = {"c0ffee": "2019-04-01", "n": 1.5, "list": [1, None, "x"], "deep": {"a": {"b": []}}}


@pytest.mark.parametrize("place", ["", "application", "job"])
def test_additional_fields_are_found_at_every_known_place(world: World, place: str) -> None:
    body = world.start_body()
    (body[place] if place else body)["additional_fields"] = FIELDS
    assert world.call(START, body).status_code == 200
    assert Order.objects.get().additional_fields == FIELDS


@pytest.mark.parametrize("nothing", [None, {}])
def test_an_empty_place_does_not_hide_another(world: World, nothing: Any) -> None:
    body = world.start_body(additional_fields=nothing)
    body["application"]["additional_fields"] = nothing
    body["job"]["additional_fields"] = FIELDS
    world.call(START, body)
    assert Order.objects.get().additional_fields == FIELDS


def test_top_level_fields_take_precedence(world: World) -> None:
    body = world.start_body(additional_fields={"at": "top"})
    body["application"]["additional_fields"] = {"at": "application"}
    world.call(START, body)
    assert Order.objects.get().additional_fields == {"at": "top"}


OPTIONAL = [
    ("candidate", "ashby_id"),
    ("candidate", "ashby_profile_url"),
    ("application", "status"),
    ("job", "name"),
    ("job", "req_id"),
    ("job", "ashby_job_url"),
    ("job", "hiringTeam"),
    ("", "additional_fields"),
]


@pytest.mark.parametrize(("place", "name"), OPTIONAL)
def test_an_optional_part_may_be_absent(world: World, place: str, name: str) -> None:
    """Justifacts gets no null for an absent part."""
    empty: Any = {"hiringTeam": [], "additional_fields": {}}.get(name, "")
    for value in (..., None, empty):
        body = world.start_body()
        part = body[place] if place else body
        part.pop(name, None)
        if value is not ...:
            part[name] = value
        answer = world.call(START, body)
        assert answer.status_code == 200, (value, answer.content)
        order = Order.objects.get(application_id=body["application"]["ashby_id"])
        assert "null" not in json.dumps(order.start_request.as_json())


def test_a_start_with_only_the_required_parts_is_accepted(world: World) -> None:
    minimal = {
        "assessment_type_id": str(world.acme.basic.assessment_type_id),
        "candidate": {"first_name": "A", "last_name": "B", "email": "a@b.co"},
        "application": {"ashby_id": "app"},
        "job": {"ashby_id": "job"},
    }
    assert world.call(START, minimal).status_code == 200
    sent = Order.objects.get().start_request.as_json()
    assert sent == {**minimal, "assessment_type_id": "JF-acme-1"}


def test_an_application_in_any_status_is_accepted(world: World) -> None:
    """Real traffic uses more than the four documented statuses."""
    for status in (
        "Hired",
        "Archived",
        "Active",
        "Lead",
        "active",
        "Converted From Lead",
        "🦊",
        " ",
        "x" * 200,
    ):
        application = {"ashby_id": str(uuid.uuid4()), "status": status}
        assert world.call(START, world.start_body(application=application)).status_code == 200, status
        assert Order.objects.filter(application_id=application["ashby_id"]).exists(), status


def test_a_valid_email_address_is_kept_unchanged(world: World) -> None:
    for email in (
        "zoe+tag@example.com",
        "o'neil@example.com",
        "Zoe.ONeil@EXAMPLE.COM",
        "zoe@sub.domain.example.co.uk",
        "zoe@bücher.example",
        '"zoe.oneil"@example.com',
        f"{'x' * 64}@{'y' * 60}.{'z' * 60}.{'w' * 60}.com",
    ):
        assert kept_address(world, email) == email


def test_pasted_decoration_around_an_email_address_is_removed(world: World) -> None:
    for around in ("  {} ", "{}\u200b", "\ufeff{}", "\u00a0{}\u200f"):
        assert kept_address(world, around.format("zoe@example.com")) == "zoe@example.com", ascii(around)


def kept_address(world: World, email: str) -> str:
    """The address that the order keeps of a start with this one."""
    body = world.start_body()
    body["candidate"]["email"] = email
    assert world.call(START, body).status_code == 200, ascii(email)
    return Order.objects.get(application_id=body["application"]["ashby_id"]).candidate_email


def test_unknown_fields_are_ignored_and_logged_without_candidate_data(world: World) -> None:
    """Support sees what Ashby sent, without the candidate's data."""
    body = world.start_body(
        surprise={"deep": [1, {"note": "write to zoe.oneil@example.com"}]},
        webhookActionId="w-1",
        additional_fields={"birthday": "1990-01-01"},
    )
    body["candidate"] |= {"preferred": "Call her Zoë", "phone": "+1 555", "score": 3}
    body["job"]["level"] = "Senior"
    assert world.call(START, body).status_code == 200
    kept = InboundRequest.objects.get().body
    assert kept["surprise"] == {"deep": [1, {"note": "write to •••"}]}
    assert (kept["webhookActionId"], kept["job"]["level"]) == ("w-1", "Senior")
    assert kept["additional_fields"] == {"birthday": "•••"}
    assert kept["candidate"] == {
        "ashby_id": body["candidate"]["ashby_id"],
        "ashby_profile_url": body["candidate"]["ashby_profile_url"],
        "first_name": "•••",
        "last_name": "•••",
        "email": "•••",
        "preferred": "Call her •••",
        "phone": "•••",
        "score": 3,
    }
    assert "surprise" not in json.dumps(Order.objects.get().start_request.as_json())


@pytest.mark.parametrize("place", ["application", "job", "candidate"])
def test_answers_to_custom_fields_are_redacted_everywhere(world: World, place: str) -> None:
    body = world.start_body()
    body[place]["additional_fields"] = {"ssn": "078-05-1120", "more": {"dob": "1990"}}
    world.call(START, body)
    assert InboundRequest.objects.get().body[place]["additional_fields"] == {"ssn": "•••", "more": "•••"}


@pytest.mark.parametrize(
    "fields", [[{"id": "ssn", "value": "078-05-1120"}], "078-05-1120", ["078-05-1120"], 78051120]
)
def test_unreadable_answers_are_not_logged(world: World, fields: Any) -> None:
    assert world.call(START, world.start_body(additional_fields=fields)).status_code == 200
    assert InboundRequest.objects.get().body["additional_fields"] == "•••"


def test_a_very_long_body_is_not_logged(world: World) -> None:
    assert world.call(START, {**world.start_body(), "padding": "x" * 100_000}).status_code == 200
    assert list(InboundRequest.objects.get().body) == ["omitted"]
