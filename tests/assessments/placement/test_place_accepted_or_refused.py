"""Placement that Justifacts accepts or refuses."""

import json

import pytest

from assessments.models import CallAttempt, Order, OrderEvent
from assessments.placement.next_call import make_next_call
from tests.fixtures.world import JUSTIFACTS, World


def test_justifacts_gets_ashbys_data_its_own_package_and_our_reference(world: World) -> None:
    """Names are unchanged, extra fields are kept, and the package has Justifacts' opaque id."""
    people = {"first_name": "Zoë-Łucja", "last_name": "O'Neil y García", "email": "zoe.oneil@example.com"}
    team = [{"userId": "u1", "firstName": "Ann", "lastName": "B", "email": "ann@example.com", "role": "Lead"}]
    body = world.start_body(
        candidate={**people, "ashby_id": "c-1", "ashby_profile_url": "https://app.ashbyhq.com/candidates/1"},
        application={"ashby_id": "a-1", "status": "Active"},
        job={
            "ashby_id": "job-1",
            "name": "Ingénieur",
            "req_id": "R-7",
            "ashby_job_url": "https://app.ashbyhq.com/jobs/1",
            "hiringTeam": team,
        },
        additional_fields={"field-1": ["x", "y"], "field-2": False},
    )
    order = world.placed(**body)

    assert world.sent("assessment.start") == [
        {
            "assessment_type_id": "JF-acme-1",
            "candidate": body["candidate"],
            "application": body["application"],
            "job": body["job"],
            "additional_fields": {"field-1": ["x", "y"], "field-2": False},
            "reference_id": str(order.pk),
        }
    ]
    request = world.wire.calls[0].request
    assert request.headers["Idempotency-Key"] == str(order.pk)
    assert "Zoë-Łucja".encode() in request.body
    assert not world.sent("assessment.status")


def test_absent_fields_are_not_sent_as_null(world: World) -> None:
    candidate = {"first_name": "A", "last_name": "B", "email": "a@b.example", "ashby_id": None}
    world.placed(candidate=candidate, job={"ashby_id": "j", "req_id": None, "hiringTeam": None})
    [body] = world.sent("assessment.start")
    assert "null" not in json.dumps(body)
    assert "additional_fields" not in body
    assert body["job"] == {"ashby_id": "j"}


def test_an_accepted_order_is_received_reported_and_polled(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed("JF-9")
    world.work()
    order.refresh_from_db()
    assert (order.status, order.next_call, order.lease_token) == ("received", "poll", None)
    assert order.placed_at
    assert world.delivered(order) == ["Justifacts Received"]
    assert not make_next_call(order.pk)
    assert len(world.sent("assessment.start")) == 1


def test_a_status_in_the_answer_is_applied(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts(
        "assessment.start",
        {
            "success": True,
            "results": {
                "assessment_id": 4711,
                "update_request": {"timestamp": 1, "assessment_status": {"value": "Applicant Started"}},
            },
        },
    )
    world.work()
    assert world.delivered(order) == ["Justifacts Received", "Started", "Applicant Started"]
    order.refresh_from_db()
    assert order.justifacts_order_id == "4711"


def test_a_number_of_another_order_is_not_linked(world: World) -> None:
    """Justifacts confuses two orders: neither gets the other's report, and staff are asked."""
    world.ashby_takes_everything()
    world.placed("JF-1")
    second = world.start()
    update = {"assessment_status": {"value": "Complete"}, "assessment_result": {"value": "Adverse"}}
    world.justifacts(
        "assessment.start",
        {"success": True, "results": {"assessment_id": "JF-1", "update_request": update}},
    )
    world.work()
    second.refresh_from_db()
    assert second.needs_attention
    assert "another order already has" in second.attention_reason
    assert (second.status, second.result, second.justifacts_order_id) == ("accepted", "", "")
    assert world.delivered(second) == []
    assert len(world.sent("assessment.start")) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451, 499, 200])
def test_a_refusal_ends_the_order_with_justifacts_own_reason(world: World, status: int) -> None:
    world.ashby_takes_everything()
    order = world.start()
    code = "package_not_available" if status == 200 else "no"
    info = {"code": code, "message": "This package is not sold in Québec."}
    world.justifacts("assessment.start", {"success": False, "errors": [code], "errorInfo": info}, status)
    world.work()
    order.refresh_from_db()
    assert (order.status, order.next_call) == ("rejected", "")
    assert order.closing_reason == "This package is not sold in Québec."
    [delivered] = world.sent("assessment.update")
    assert delivered["cancelled_reason"]["value"] == "This package is not sold in Québec."
    assert "assessment_status" not in delivered
    assert len(world.sent("assessment.start")) == 1
    hinted = OrderEvent.objects.filter(kind="rejected", summary__contains="verification key").exists()
    assert hinted == (status in (401, 403))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"success": False, "errors": ["out_of_credit"]}, "out_of_credit"),
        ({"success": False, "errors": [{"message": "is bad", "parameter": "email"}]}, "email: is bad"),
        (
            {"success": False, "error": {"code": "INVALID-EMAIL", "message": "No such domain"}},
            "No such domain",
        ),
        ({"success": False, "errors": [{"code": "invalidPackage"}]}, "invalidPackage"),
    ],
)
def test_a_refusal_in_any_shape_has_a_reason(world: World, body: dict, reason: str) -> None:
    order = world.start()
    world.justifacts("assessment.start", body)
    make_next_call(order.pk)
    order.refresh_from_db()
    assert (order.status, order.closing_reason) == ("rejected", reason)


@pytest.mark.parametrize("status", [200, 201, 202, 203])
def test_any_2xx_with_success_accepts_the_order(world: World, status: int) -> None:
    order = world.start()
    world.justifacts("assessment.start", {"success": True, "results": {"assessment_id": "JF-9"}}, status)
    make_next_call(order.pk)
    order.refresh_from_db()
    assert (order.status, order.justifacts_order_id) == ("received", "JF-9")


def test_a_refused_check_can_be_started_again(world: World) -> None:
    world.ashby_takes_everything()
    same = world.start_body()
    first = world.start(**same)
    world.justifacts("assessment.start", {"success": False, "errors": ["out_of_credit"]})
    world.work()
    second = world.start(**same)
    assert second.pk != first.pk
    world.justifacts_takes("JF-2")
    world.work()
    assert [body["reference_id"] for body in world.sent("assessment.start")] == [
        str(first.pk),
        str(second.pk),
    ]
    assert Order.objects.get(pk=second.pk).status == "received"


def test_the_call_log_shows_each_attempt_without_candidate_or_key(world: World) -> None:
    """Justifacts' answer quotes the request; the call log redacts it."""
    order = world.start()
    echo = {"success": False, "message": "No: zoe.oneil@example.com", "echo": ["Zoë", "O'NEIL"]}
    echo["key"] = world.acme.verification_key
    world.justifacts("assessment.start", echo, 422)
    make_next_call(order.pk)
    attempt = CallAttempt.objects.get()
    assert (attempt.call, attempt.http_status, attempt.outcome) == ("place", 422, "refused")
    kept = f"{attempt.answer} {attempt.message}".lower()
    for secret in ("zoe.oneil", "zoë", "o'neil", "example.com", world.acme.verification_key):
        assert secret not in kept
    assert world.wire.calls[0].request.url == f"{JUSTIFACTS}assessment.start"
