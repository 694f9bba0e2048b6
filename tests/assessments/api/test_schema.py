"""The published description and the parser require the same of a message."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.partner_protocol.messages import AssessmentUpdate, parse_assessment_id
from integrations.partner_protocol.parsing import InvalidMessage
from integrations.partner_protocol.starts import StartRequest

JSONSchema = dict[str, Any]
Path = tuple[str, ...]

many = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_TEXT = {"identifier": "status", "label": "Status", "type": "string", "value": "Complete"}
#: A complete body of each call, and what parses it.
CALLS: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], object]]] = {
    "/ashby/assessment.start": (
        {
            "assessment_type_id": "3f2b8c1e-0d6a-4a35-9a7e-5b1c2d3e4f50",
            "candidate": {
                "ashby_id": "c-1",
                "first_name": "Zoë",
                "last_name": "O'Neil",
                "email": "zoe@example.com",
                "ashby_profile_url": "https://app.ashbyhq.com/candidates/1",
            },
            "application": {"ashby_id": "a-1", "status": "Active"},
            "job": {
                "ashby_id": "j-1",
                "name": "Engineer",
                "req_id": "R-1",
                "ashby_job_url": "https://app.ashbyhq.com/jobs/1",
                "hiringTeam": [{"userId": "u-1", "firstName": "Ann", "email": "ann@example.com"}],
            },
            "additional_fields": {"f-1": "yes"},
        },
        StartRequest.parse,
    ),
    "/ashby/assessment.cancel": ({"assessment_id": "a-1"}, parse_assessment_id),
    "/justifacts/assessment.update": (
        {
            "assessment_id": "JF-1",
            "timestamp": 1772452800123,
            "assessment_status": _TEXT,
            "assessment_profile_url": {**_TEXT, "type": "url", "value": "https://reports.example/1"},
            "assessment_result": _TEXT,
            "cancelled_reason": _TEXT,
            "metadata": [_TEXT],
            "reference_id": "3f2b8c1e-0d6a-4a35-9a7e-5b1c2d3e4f50",
        },
        AssessmentUpdate.parse,
    ),
}
#: Values that some parts may have and others may not; an Ellipsis leaves the part out.
VALUES: list[Any] = [
    *(..., None, "", " ", "x" * 201, "\u00e9" * 200, [], ["x"], {}, {"value": None}, {"value": " "}),
    *({"value": 7}, {"value": False}, {"value": "Clear"}, {"unknown": 1}, "name", "48213", 48213, 0, -1, 1.5),
    *(True, "ann@example.com", f"{'x' * 250}@example.com"),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


class Description:
    """The published description of one call's body."""

    def __init__(self, published: dict[str, Any], path: str) -> None:
        content = published["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        self._published, self.schema = published, content["schema"]
        self._validator = jsonschema_rs.Draft202012Validator(
            {**published, **self.schema}, validate_formats=True
        )

    def allows(self, body: dict[str, Any]) -> bool:
        return self._validator.is_valid(body)

    def followed(self, schema: JSONSchema) -> JSONSchema:
        while "$ref" in schema:
            schema = self._published["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def alternatives(self) -> list[list[str]]:
        """Groups of parts of which the body needs one."""
        groups = self.followed(self.schema).get("allOf", [])
        return [[one["required"][0] for one in group["anyOf"]] for group in groups]

    def parts(self, schema: JSONSchema | None = None, above: Path = ()) -> Iterator[tuple[Path, bool]]:
        """Every part of an object that is required itself, and whether that part is required."""
        schema = self.followed(schema or self.schema)
        for name, part in schema.get("properties", {}).items():
            is_required = name in schema.get("required", [])
            yield (*above, name), is_required
            if is_required:
                yield from self.parts(part, (*above, name))


def changed(body: dict[str, Any], path: Path, value: Any) -> None:
    """Puts a value into a body, or takes it out; does nothing where the path is gone."""
    *parents, name = path
    place: Any = body
    for parent in parents:
        place = place.get(parent) if isinstance(place, dict) else None
    if isinstance(place, dict):
        if value is ...:
            place.pop(name, None)
        else:
            place[name] = value


def is_parsed(parse: Callable[[dict[str, Any]], object], body: dict[str, Any]) -> bool:
    try:
        parse(body)
    except InvalidMessage:
        return False
    return True


@pytest.fixture
def published(client: Client, db: None) -> dict[str, Any]:
    description: dict[str, Any] = json.loads(client.get("/api/schema/?format=json").content)
    return description


@pytest.mark.parametrize("path", CALLS)
def test_the_complete_body_is_allowed_and_parsed(published: dict[str, Any], path: str) -> None:
    body, parse = CALLS[path]
    assert Description(published, path).allows(body)
    assert is_parsed(parse, body)


@pytest.mark.parametrize("path", CALLS)
def test_the_description_names_every_part_of_the_complete_body(published: dict[str, Any], path: str) -> None:
    body, _parse = CALLS[path]
    described = {each for each, _ in Description(published, path).parts()}
    assert {(name,) for name in body} == {each for each in described if len(each) == 1}


@pytest.mark.parametrize("path", CALLS)
def test_the_parser_requires_exactly_what_the_description_requires(
    published: dict[str, Any], path: str
) -> None:
    complete, parse = CALLS[path]
    description = Description(published, path)
    required = [part for part, is_required in description.parts() if is_required]
    optional = [part for part, is_required in description.parts() if not is_required]
    groups = description.alternatives()
    verdicts = set()

    def compare(body: dict[str, Any]) -> None:
        allowed, parsed = description.allows(body), is_parsed(parse, body)
        assert allowed == parsed, body
        verdicts.add(parsed)

    # Each required part, and each part of a group without the others, with each value.
    targets = [(part, []) for part in required]
    targets += [((name,), [other for other in group if other != name]) for group in groups for name in group]
    for part, others in targets:
        for value in VALUES:
            body = copy.deepcopy(complete)
            for other in others:
                changed(body, (other,), ...)
            changed(body, part, copy.deepcopy(value))
            compare(body)

    @many
    @given(st.data())
    def check(data: st.DataObject) -> None:
        body = copy.deepcopy(complete)
        for part in data.draw(st.lists(st.sampled_from(optional), max_size=3) if optional else st.just([])):
            changed(body, part, ...)
        kept = [data.draw(st.sampled_from(group), "kept of its group") for group in groups]
        for name in {name for group in groups for name in group} - set(kept):
            changed(body, (name,), ...)
        changeable = [*required, *((name,) for name in kept)]
        for part in data.draw(st.lists(st.sampled_from(changeable), max_size=2), "changed parts"):
            changed(body, part, copy.deepcopy(data.draw(st.sampled_from(VALUES), "value")))
        compare(body)

    check()
    assert verdicts == {True, False}


@pytest.mark.parametrize("path", ["/ashby/assessment.start", "/justifacts/assessment.update"])
def test_a_part_that_the_description_does_not_require_is_never_refused(
    published: dict[str, Any], path: str
) -> None:
    complete, parse = CALLS[path]
    description = Description(published, path)
    needed = {(name,) for group in description.alternatives() for name in group}
    optional = [part for part, is_required in description.parts() if not is_required and part not in needed]

    @many
    @given(st.lists(st.tuples(st.sampled_from(optional), ANYTHING), min_size=1, max_size=3))
    def check(values: list[tuple[Path, Any]]) -> None:
        body = copy.deepcopy(complete)
        for part, value in values:
            changed(body, part, value)
        assert is_parsed(parse, body), body

    check()
