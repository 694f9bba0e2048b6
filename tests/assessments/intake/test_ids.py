"""Ids in the spellings that callers write."""

import json
import uuid
from typing import Any

import pytest

from assessments.models import InboundRequest
from integrations.catalog.mapping import map_job
from tests.assessments.intake.changed_starts import assert_accepted, changed
from tests.fixtures.world import World

UUID_FORMS = [str.upper, "{{{}}}".format, " {} ".format, "\t{}\n".format, lambda text: f"{{{text.upper()}}}"]


@pytest.mark.parametrize("form", UUID_FORMS)
def test_ids_are_compared_as_uuids(world: World, form: Any) -> None:
    """A start, its repeat and its cancellation mean one order in any spelling of the ids."""
    body = world.start_body()
    order = assert_accepted(world, "unknown", 1, body)
    again = changed(body, "assessment_type_id", form(body["assessment_type_id"]))
    again["application"]["ashby_id"] = form(body["application"]["ashby_id"])
    assert (
        assert_accepted(world, "candidate.ashby_id", form(body["candidate"]["ashby_id"]), again).pk
        == order.pk
    )
    assert world.call("/ashby/assessment.cancel", {"assessment_id": form(str(order.pk))}).status_code == 200
    order.refresh_from_db()
    assert order.status == "cancelled"


def test_a_cancellation_with_a_number_as_id_is_refused(world: World) -> None:
    answer = world.call("/ashby/assessment.cancel", {"assessment_id": 48213})
    assert (answer.status_code, world.error(answer)) == (404, "assessment_not_found")


def test_a_job_is_found_by_its_uuid(world: World) -> None:
    job = str(uuid.uuid4())
    map_job(world.acme.organization, job, world.acme.executive)
    body = world.start_body(assessment_type_id=str(world.acme.connection.job_package_type_id))
    assert assert_accepted(world, "job.ashby_id", f"{{{job.upper()}}}", body).package == world.acme.executive


@pytest.mark.anywhere
def test_the_call_log_redacts_the_candidate_in_any_spelling(world: World) -> None:
    body = changed(world.start_body(), "candidate.last_name", "\u202bO'Neil\u0000 ")
    order = assert_accepted(world, "job.unknown", "Call O'Neil \u0001", body)
    kept = InboundRequest.objects.get(order=order).body
    assert "Neil" not in json.dumps(kept)
    assert kept["job"]["unknown"] == "Call ••• \ufffd"
