"""Bad input gets a clear 4xx in the envelope, is recorded, and changes nothing."""

import copy
import json
from typing import Any

import pytest

from assessments.models import InboundRequest
from tests.fixtures.world import World

# Most are refused before any query; those whose characters or lengths matter run on PostgreSQL too.
ON_POSTGRESQL_TOO = pytest.mark.anywhere

START = "/ashby/assessment.start"
CALLS = [START, "/ashby/assessment.cancel", "/justifacts/assessment.update"]
#: Marks the place in a body that a raw text replaces, for what Python's json cannot write.
HERE = "@@here@@"


def assert_refused(world: World, path: str, body: Any, *statuses: int) -> Any:
    """The call is refused with one of these statuses (400 or 422 if none is given), changes nothing,
    and is recorded under the request id that the answer names."""
    before = world.row_counts()
    answer = world.call(path, body)
    code = world.error(answer)
    assert answer.status_code in (statuses or (400, 422)), (body, answer.content)
    assert world.row_counts() == before
    kept = InboundRequest.objects.get(request_id=answer.json()["errorInfo"]["requestId"])
    assert (kept.http_status, kept.outcome, kept.order) == (answer.status_code, code, None)
    return answer


def changed(body: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy of ``body`` with ``value`` at ``place`` ("candidate.email"); Ellipsis: without it."""
    body = copy.deepcopy(body)
    *parents, name = place.split(".")
    part = body
    for parent in parents:
        part = part[parent]
    if value is ...:
        del part[name]
    else:
        part[name] = value
    return body


NOT_OURS = {
    "text": b"hello",
    "half an object": b'{"a": ',
    "trailing comma": b'{"a": 1,}',
    "two objects": b"{}{}",
    "single quotes": b"{'a': 1}",
    "comment": b"{} // x",
    "form": b"a=1&b=2",
    "xml": b"<a/>",
    "invalid utf-8": b'{"a": "\xff"}',
    "cut utf-8": b'{"a": "\xc3"}',
    "overlong utf-8": b'{"a": "\xc0\xaf"}',
    "surrogate in utf-8": b'{"a": "\xed\xa0\x80"}',
    "latin-1": '{"a": "Zoë"}'.encode("latin-1"),
    "utf-16 without mark": '{"a": 1}'.encode("utf-16-le"),
    "gzip": b"\x1f\x8b\x08\x00\x00",
    "NUL bytes": b"\x00\x00",
    "raw NUL in text": b'{"a": "\x00"}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "-Infinity": b'{"a": -Infinity}',
    "1e999": b'{"a": 1e999}',
    "-1e999": b'{"a": [-1e999]}',
    "very large integer": b'{"a": ' + b"9" * 4000 + b"}",
    "huge integer": b'{"a": ' + b"9" * 100_000 + b"}",
    "100,000 lists": b"[" * 100_000,
    "100,000 lists, closed": b"[" * 100_000 + b"]" * 100_000,
    "50,000 objects": b'{"a":' * 50_000,
    "30,000 objects, closed": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "900 lists": b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    "60 lists": b'{"a":' + b"[" * 60 + b"]" * 60 + b"}",
    "the same name twice": b'{"a": 1, "a": 2}',
    "the same name twice, within": b'{"b": [{"a": 1, "\\u0061": 1}]}',
    "NUL as a name": b'{"\\u0000": 1}',
    "NUL in a name within": b'{"a": [{"b\\u0000": 1}]}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone low surrogate": b'{"a": "x\\udc00y"}',
    "surrogates in the wrong order": b'{"a": "\\udc00\\ud800"}',
    "lone surrogate as a name": b'{"\\udfff": 1}',
}
TOP_LEVELS = [b"null", b"true", b"0", b"1.5", b'"text"', b"[]", b"[{}]", b'["assessment_id"]']
ALL_CALLS = [*CALLS, "/ashby/assessment.list", "/ashby/customFields.fetch"]


@pytest.mark.parametrize("content", NOT_OURS.values(), ids=NOT_OURS)
def test_a_body_that_is_not_json_is_refused(world: World, content: bytes) -> None:
    for path in (START, "/justifacts/assessment.update"):
        answer = assert_refused(world, path, content, 400)
        assert answer.json()["errorInfo"]["code"] == "invalid_input"


@pytest.mark.parametrize("path", ALL_CALLS)
def test_a_body_that_is_not_an_object_is_refused(world: World, path: str) -> None:
    for content in (*TOP_LEVELS, b"hello", b'{"a": 1, "a": 2}', b'{"a": "\\ud800"}'):
        assert_refused(world, path, content, 400)


def test_a_deeply_nested_body_is_refused(world: World) -> None:
    assert_refused(world, START, b'{"a":' * 100_000, 413)


@pytest.mark.parametrize("path", CALLS)
def test_an_empty_object_is_refused(world: World, path: str) -> None:
    for content in (b"", b"{}", b" \n ", b'{"unknown": 1}'):
        assert_refused(world, path, content, 400)


NEEDED = [
    "assessment_type_id",
    "candidate",
    "candidate.first_name",
    "candidate.last_name",
    "candidate.email",
    "application",
    "application.ashby_id",
    "job",
    "job.ashby_id",
]
IDS = ["assessment_type_id", "application.ashby_id", "job.ashby_id"]
FOR_THE_RECRUITER = ["candidate.first_name", "candidate.last_name", "candidate.email"]


@pytest.mark.parametrize("place", NEEDED)
def test_a_missing_or_empty_required_part_is_refused(world: World, place: str) -> None:
    for value in (..., None, "", " ", "\u00a0\u2003", [], {}):
        assert_refused(world, START, changed(world.start_body(), place, value))


@pytest.mark.parametrize("place", IDS)
def test_an_id_that_is_neither_text_nor_number_is_refused(world: World, place: str) -> None:
    for value in (-1.5, True, False, [], ["x"], {}, {"value": "x"}, [None]):
        assert_refused(world, START, changed(world.start_body(), place, value), 400)


@pytest.mark.parametrize("place", FOR_THE_RECRUITER)
def test_a_name_or_email_that_is_not_text_is_refused(world: World, place: str) -> None:
    for value in (0, 1, -1.5, True, False, [], ["x"], {}, {"value": "x"}, [None]):
        assert_refused(world, START, changed(world.start_body(), place, value), 422)


@pytest.mark.parametrize("place", ["candidate", "application", "job"])
def test_a_part_that_is_not_an_object_is_refused(world: World, place: str) -> None:
    for value in (0, 1, True, "x", [], ["ashby_id"], [{"ashby_id": "x"}]):
        assert_refused(world, START, changed(world.start_body(), place, value), 400)


def test_an_invalid_address_is_explained_to_the_recruiter(world: World) -> None:
    for email in (
        "nonsense",
        "@example.com",
        "zoe@",
        "zoe@example",
        "zoe@@example.com",
        "zoe@example..com",
        "zoe@exam ple.com",
        "zoe oneil@example.com",
        "zoe@-example.com",
        "zoë@example.com",
        "zoe@example.com, ann@example.com",
        "Zoë <zoe@example.com>",
        "mailto:zoe@example.com",
        "zoe@exam\tple.com",
        "zoe@example.com\nann@example.com",
        "zoe@example.com\u2028m",
        "\u202emoc.elpmaxe@eoz",  # Displays as another address than it is.
        "zoe\u0008e@example.com",
        "zoe@ex\u0000ample.com",
        "zoe@ex\ud800ample.com\ud800@",
        "\u200b",
        "zoe.@example.com",
    ):
        answer = assert_refused(world, START, changed(world.start_body(), "candidate.email", email), 422)
        sentence = answer.json()["message"]
        assert "e-mail address" in sentence, ascii(email)
        assert "start again" in sentence, ascii(email)
        assert email not in answer.content.decode()


@pytest.mark.parametrize("place", FOR_THE_RECRUITER)
def test_errors_that_a_recruiter_can_fix_are_explained(world: World, place: str) -> None:
    answer = assert_refused(world, START, changed(world.start_body(), place, ...), 422)
    assert "start again" in answer.json()["message"]


CONTROLS = ["\\u0000", "\\u0001", "\\u0007", "\\b", "\\u000b", "\\f", "\\u001b[31m", "\\u007f", "\\ud800"]
# A title, a link or an answer is cleaned: tests/assessments/intake/test_lenient_parsing.py.
HELD = {"assessment_type_id": 422, "application.ashby_id": 400, "job.ashby_id": 400, "candidate.email": 422}


@ON_POSTGRESQL_TOO
@pytest.mark.parametrize("place", HELD)
def test_control_characters_in_ids_are_refused(world: World, place: str) -> None:
    text = json.dumps(changed(world.start_body(), place, f"x{HERE}@y.example"))
    for control in CONTROLS:
        assert_refused(world, START, text.replace(HERE, control), 400, HELD[place])


@pytest.mark.parametrize("path", ["/ashby/assessment.cancel", "/ashby/assessment.list"])
def test_control_characters_in_a_cancellation_are_refused(world: World, path: str) -> None:
    for control in CONTROLS:
        assert_refused(world, path, json.dumps({"assessment_id": HERE}).replace(HERE, control), 400)


@ON_POSTGRESQL_TOO
@pytest.mark.parametrize("place", ["", "candidate", "application", "job"])
def test_control_characters_in_a_field_name_are_refused(world: World, place: str) -> None:
    body = world.start_body()
    (body[place] if place else body)[HERE] = 1
    for control in CONTROLS:
        assert_refused(world, START, json.dumps(body).replace(HERE, control), 400)


@pytest.mark.parametrize("place", IDS)
def test_a_line_break_in_an_id_is_refused(world: World, place: str) -> None:
    """Such a text would add lines wherever it is shown."""
    for end in "\n\r\t\x85\x9b\u2028\u2029":
        assert_refused(world, START, changed(world.start_body(), place, f"a@b.example{end}x"), 400)


@ON_POSTGRESQL_TOO
@pytest.mark.parametrize("place", IDS)
def test_an_id_that_is_too_long_is_refused(world: World, place: str) -> None:
    for length in (201, 2001, 200_000):
        assert_refused(world, START, changed(world.start_body(), place, "x" * length), 400)


@ON_POSTGRESQL_TOO
@pytest.mark.parametrize("place", ["application.ashby_id", "job.ashby_id"])
def test_an_id_of_200_characters_is_accepted(world: World, place: str) -> None:
    answer = world.call(START, changed(world.start_body(), place, "é" * 200))
    assert (answer.status_code, world.row_counts()[0]) == (200, 1)


def test_a_very_long_email_address_is_refused(world: World) -> None:
    email = f"{'x' * 64}@{'y' * 60}.{'z' * 60}.{'w' * 60}.example.com"
    answer = assert_refused(world, START, changed(world.start_body(), "candidate.email", email), 422)
    assert "e-mail address is longer than 254" in answer.json()["message"]


def test_the_answer_never_repeats_the_request(world: World) -> None:
    body = changed(world.start_body(), "candidate.email", "secret-address")
    body["application"]["ashby_id"] = ["secret-application"]
    assert b"secret" not in world.call(START, body).content
