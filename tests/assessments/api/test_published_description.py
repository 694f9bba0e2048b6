"""The published description of the inbound endpoints against the portal, by schemathesis: what Ashby and
Justifacts may send by it, and what they may not. Every answer is as the description says, none is a 5xx,
and a refused call has changed nothing but the record of calls.

``FUZZ_REQUESTS=20000`` makes that many requests in place of a few hundred.
"""

import copy
import os
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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

_REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "300"))
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
#: What a refused call may write: the record that support looks it up in, when Ashby last called, (once a
#: minute) that the key, which was right, was used, and that a push could not be read.
_RECORDS = (
    'UPDATE "integrations_connection" SET "justifacts_problem',
    'INSERT INTO "assessments_inboundrequest"',
    'UPDATE "integrations_connection" SET "last_inbound_call_at"',
    'UPDATE "integrations_connection" SET "verification_key_last_used_at"',
)


@pytest.fixture
def description(world: World) -> Any:
    """As it is published."""
    return schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)


def test_every_published_call_is_fuzzed(description: Any) -> None:
    assert sorted(each.ok().path for each in description.get_all_operations()) == sorted(_CALLS)


@pytest.mark.parametrize("path", _CALLS)
def test_what_is_published_is_what_answers(world: World, description: Any, path: str) -> None:
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
    def asked(case: Any, key: str, body: str) -> None:
        if body == "mixed" and isinstance(case.body, dict):
            case.body |= known
        elif body == "known" and known:
            case.body = copy.deepcopy(known)
        case.headers = {**(case.headers or {}), **_key(world, key)}
        with _undone() as written:
            answer = case.call()
        answers[answer.status_code] += 1
        case.validate_response(answer, checks=_PROMISED)
        if answer.status_code != 200:
            assert [sql for sql in written if not sql.startswith(_RECORDS)] == []

    asked()
    print(path, dict(answers))
    assert set(answers) - {200}, "something was refused"
    assert answers[200]


def _known(world: World, path: str) -> dict[str, Any]:
    """What exists, and reads as a person's name and address do: what is generated never does, and is
    refused before anything is looked up."""
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
    """The statements that wrote; afterwards the world is as it was."""
    written: list[str] = []

    def watch(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(sql)
        return execute(sql, *arguments)

    with transaction.atomic(), database.execute_wrapper(watch):
        yield written
        transaction.set_rollback(True)
