"""Fuzzes the inbound calls with bodies that the published description allows and bodies that it does not.
Every answer matches the description, none is a 5xx, an allowed body is not answered 400, and a refused call
changes only the call log. ``FUZZ_REQUESTS=20000`` makes that many requests instead of a few hundred."""

import copy
import functools
import os
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from django.db import connection as database
from django.db import transaction
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.wsgi import application
from tests.fixtures.world import World, basic

_REQUESTS = int(os.environ.get("FUZZ_REQUESTS", settings.default.max_examples * 5))
_CALLS = [
    "/ashby/assessment.list",
    "/ashby/assessment.start",
    "/ashby/assessment.cancel",
    "/ashby/assessment.customField.list",
    "/justifacts/assessment.update",
]
_PROMISED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: What a refused call may write: its log entry, the time of Ashby's last call, the last use of the key (once
#: a minute), and that a push could not be read.
_LOGS = (
    'UPDATE "integrations_connection" SET "justifacts_problem',
    'INSERT INTO "assessments_inboundrequest"',
    'UPDATE "integrations_connection" SET "last_inbound_call_at"',
    'UPDATE "integrations_connection" SET "verification_key_last_used_at"',
)


@functools.cache
def _description() -> Any:
    """Read once, because Schemathesis also searches the code for constants, which takes half a second."""
    return schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)


@pytest.fixture
def description(world: World) -> Any:
    return _description()


def test_every_published_call_is_fuzzed(description: Any) -> None:
    assert sorted(each.ok().path for each in description.get_all_operations()) == sorted(_CALLS)


@pytest.mark.parametrize("path", _CALLS)
def test_every_answer_matches_the_description(world: World, description: Any, path: str) -> None:
    known = _known(world, path)
    operation = description[path]["POST"]
    answers: Counter[int] = Counter()

    @seed(int(os.environ.get("FUZZ_SEED", "0")))
    @settings(
        max_examples=max(1, _REQUESTS // len(_CALLS)),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(list(GenerationMode)).flatmap(
            lambda mode: operation.as_strategy(generation_mode=mode)
        ),
        st.sampled_from(["right", "right", "right", "right", "wrong", "none"]),
        st.sampled_from(["generated", "mixed", "known"]),
    )
    def requested(case: Any, key: str, body: str) -> None:
        if body == "mixed" and isinstance(case.body, dict):
            case.body |= known
        elif body == "known" and known:
            case.body = copy.deepcopy(known)
        case.headers = {**(case.headers or {}), **_key(world, key)}
        with _undone() as written:
            answer = case.call()
        answers[answer.status_code] += 1
        case.validate_response(answer, checks=_PROMISED)
        if answer.status_code == 400 and isinstance(case.body, dict):
            assert not (_is_allowed(operation, case.body) and _is_plain(case.body)), case.body
        if answer.status_code != 200:
            assert [sql for sql in written if not sql.startswith(_LOGS)] == []

    requested()
    print(path, dict(answers))
    assert set(answers) - {200}, "nothing was refused"
    assert answers[200]


def _is_allowed(operation: Any, body: dict[str, Any]) -> bool:
    """Whether the description of a call allows a body. An undescribed body is allowed."""
    published = operation.schema.raw_schema
    described = published["paths"][operation.path]["post"].get("requestBody")
    if described is None:
        return True
    return jsonschema_rs.Draft202012Validator(
        {**published, **described["content"]["application/json"]["schema"]}, validate_formats=True
    ).is_valid(body)


def _is_plain(part: Any) -> bool:
    """Whether the portal accepts all texts and numbers of a body anywhere. JSON Schema cannot express which
    characters are invisible, or that the text "null" counts as null."""
    if isinstance(part, dict):
        return all(map(_is_plain, [*part, *part.values()]))
    if isinstance(part, list):
        return all(map(_is_plain, part))
    if isinstance(part, str):
        return part.isprintable() and part.strip().lower() not in ("null", "undefined")
    return not isinstance(part, int | float) or abs(part) < 2**53


def _known(world: World, path: str) -> dict[str, Any]:
    """Draws a body with existing ids. A generated one rarely has a usable name and address, and is refused
    before any look-up."""
    order = world.placed()
    known: dict[str, dict[str, Any]] = {
        "/ashby/assessment.start": world.start_body(),
        "/ashby/assessment.cancel": {"assessment_id": str(order.pk)},
        "/justifacts/assessment.update": {
            "assessment_id": order.justifacts_order_id,
            "reference_id": str(order.pk),
            "assessment_status": {"value": "Applicant Started"},
        },
    }
    return known.get(path, {})


def _key(world: World, which: str) -> dict[str, str]:
    keys = {"right": world.acme.verification_key, "wrong": f"guess-{uuid.uuid4()}"}
    return {"Authorization": basic(keys[which])} if which in keys else {}


@contextmanager
def _undone() -> Iterator[list[str]]:
    """Yields the SQL statements that wrote, and rolls them back."""
    written: list[str] = []

    def watch(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(sql)
        return execute(sql, *arguments)

    with transaction.atomic(), database.execute_wrapper(watch):
        yield written
        transaction.set_rollback(True)
