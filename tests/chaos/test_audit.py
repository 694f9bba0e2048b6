"""The audit finds what it is there for, and the plan is the seed's."""

import copy
from typing import Any

import pytest

from integrations.sandbox.dialects.traits import TRAITS

from .audit import Ledgers, audit
from .plan import make_plan

ONE = "order-1"


def _body(timestamp: int, label: str = "", **parts: Any) -> dict[str, Any]:
    status = {"assessment_status": {"value": label}} if label else {}
    return {"timestamp": timestamp, **status, **parts}


def _good() -> Ledgers:
    """A check that went well."""
    story = [
        _body(1, "Justifacts Received"),
        _body(2, "Started"),
        _body(3, "Applicant Started"),
        _body(4, "Complete", assessment_result={"value": "Clear"}),
    ]
    order = {
        "assessment_id": ONE,
        "organization": "chaos-1",
        "application_id": "application-1",
        "status": "complete",
        "has_ended": True,
        "result": "Clear",
        "needs_attention": False,
        "attention_reason": "",
        "attention_topic": "",
        "next_call": "",
        "updates": [
            {"state": "delivered", "payload": body, "timestamp": body["timestamp"]} for body in story
        ],
    }
    there = {
        "reference_id": ONE,
        "completed_at": 1.0,
        "cancelled_reason": None,
        "result": "Clear",
        "sent_status": "",
    }
    return Ledgers({ONE: "application-1"}, {ONE: [there]}, {ONE: list(story)}, {ONE: order}, {})


def test_a_client_that_never_got_an_answer_is_one() -> None:
    ledgers = _good()
    ledgers.given_up.append("start application-2: 503")
    assert _kinds(ledgers) == {"unexplained"}


def _kinds(ledgers: Ledgers) -> set[str]:
    return {finding.kind for finding in audit(ledgers)}


def test_a_check_that_went_well_is_no_finding() -> None:
    assert not audit(_good())


def _lose_the_order(ledgers: Ledgers) -> None:
    ledgers.orders.clear()


def _never_place(ledgers: Ledgers) -> None:
    ledgers.taken.clear()
    ledgers.orders[ONE] |= {"status": "accepted", "has_ended": False}


def _miss_the_end(ledgers: Ledgers) -> None:
    ledgers.orders[ONE] |= {"status": "in_process", "has_ended": False}


def _miss_the_result(ledgers: Ledgers) -> None:
    ledgers.taken[ONE][0]["result"] = "Adverse"


def _send_another_result(ledgers: Ledgers) -> None:
    _last(ledgers)["assessment_result"] = {"value": "Review"}
    ledgers.orders[ONE]["updates"][-1]["payload"] = _last(ledgers)


def _keep_a_dispute_back(ledgers: Ledgers) -> None:
    ledgers.taken[ONE][0]["sent_status"] = "Dispute"


def _miss_the_result_under_another_number(ledgers: Ledgers) -> None:
    _miss_the_result(ledgers)
    ledgers.orders[ONE] |= {
        "needs_attention": True,
        "attention_topic": "number",
        "attention_reason": "Justifacts now calls this order JF-1R.",
    }


def _last(ledgers: Ledgers) -> dict[str, Any]:
    return ledgers.stories[ONE][-1]


def _go_on_after_a_cancel(ledgers: Ledgers) -> None:
    ledgers.orders[ONE]["status"] = "cancelled"
    ledgers.taken[ONE][0]["completed_at"] = None


def _leave_an_update(ledgers: Ledgers) -> None:
    ledgers.orders[ONE]["updates"][-1]["state"] = "waiting"
    ledgers.stories[ONE].pop()


def _lose_an_update_on_the_way(ledgers: Ledgers) -> None:
    ledgers.stories[ONE].pop(1)


def _place_twice(ledgers: Ledgers) -> None:
    ledgers.taken[ONE].append(dict(ledgers.taken[ONE][0]))


def _make_two_orders_of_one_start(ledgers: Ledgers) -> None:
    ledgers.orders["order-2"] = ledgers.orders[ONE] | {"assessment_id": "order-2"}
    ledgers.taken["order-2"] = ledgers.taken[ONE]
    ledgers.stories["order-2"] = ledgers.stories[ONE]


def _send_twice(ledgers: Ledgers) -> None:
    again = _body(5, "Started")
    ledgers.stories[ONE].append(again)
    ledgers.orders[ONE]["updates"].append({"state": "delivered", "payload": again, "timestamp": 5})


def _swap(ledgers: Ledgers) -> None:
    story = ledgers.stories[ONE]
    story[1], story[2] = story[2], story[1]


def _send_after_the_end(ledgers: Ledgers) -> None:
    ledgers.stories[ONE][1] = _body(2, cancelled_reason={"value": "no"})
    ledgers.orders[ONE]["updates"][1]["payload"] = ledgers.stories[ONE][1]


def _ask_without_a_reason(ledgers: Ledgers) -> None:
    ledgers.orders[ONE]["needs_attention"] = True


def _leave_a_call(ledgers: Ledgers) -> None:
    ledgers.orders[ONE]["next_call"] = "cancel"


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (_lose_the_order, "lost"),
        (_never_place, "lost"),
        (_miss_the_end, "lost"),
        (_miss_the_result, "lost"),
        (_miss_the_result_under_another_number, "lost"),
        (_send_another_result, "lost"),
        (_keep_a_dispute_back, "lost"),
        (_go_on_after_a_cancel, "lost"),
        (_leave_an_update, "lost"),
        (_lose_an_update_on_the_way, "lost"),
        (_place_twice, "doubled"),
        (_make_two_orders_of_one_start, "doubled"),
        (_send_twice, "doubled"),
        (_swap, "out of order"),
        (_send_after_the_end, "out of order"),
        (_ask_without_a_reason, "unexplained"),
        (_leave_a_call, "unexplained"),
    ],
)
def test_every_harm_is_found(harm: Any, kind: str) -> None:
    ledgers = copy.deepcopy(_good())
    harm(ledgers)
    assert kind in _kinds(ledgers)


def test_a_request_for_attention_explains_what_was_not_placed() -> None:
    ledgers = _good()
    _never_place(ledgers)
    ledgers.orders[ONE] |= {"needs_attention": True, "attention_reason": "Nobody knows."}
    assert not audit(ledgers)


def test_a_request_for_attention_explains_a_result_that_was_not_applied() -> None:
    ledgers = _good()
    _miss_the_result(ledgers)
    ledgers.orders[ONE] |= {"needs_attention": True, "attention_reason": "The times contradict each other."}
    assert not audit(ledgers)


def test_a_dispute_sent_to_ashby_in_any_spelling_is_no_finding() -> None:
    ledgers = _good()
    ledgers.taken[ONE][0]["sent_status"] = "Dispute"
    sent = _body(5, "DISPUTE.")
    ledgers.stories[ONE].append(sent)
    ledgers.orders[ONE]["updates"].append({"state": "delivered", "payload": sent, "timestamp": 5})
    assert not audit(ledgers)


def test_a_status_may_be_repeated_after_an_unknown_status() -> None:
    ledgers = _good()
    again = [_body(3, "Awaiting county records"), _body(3, "Applicant Started")]
    story = [*ledgers.stories[ONE][:3], *again, ledgers.stories[ONE][3]]
    story = [{**body, "timestamp": n} for n, body in enumerate(story, start=1)]
    ledgers.stories[ONE] = story
    ledgers.orders[ONE]["updates"] = [
        {"state": "delivered", "payload": body, "timestamp": body["timestamp"]} for body in story
    ]
    assert not audit(ledgers)


def test_a_good_start_that_was_refused_is_a_finding() -> None:
    ledgers = _good()
    ledgers.refused += [("application-2", 422, "no name"), ("application-3", 409, "there is one")]
    assert [finding.order for finding in audit(ledgers)] == ["application-2"]


def test_dialects_are_the_seeds_and_leave_checks_and_faults_as_they_are() -> None:
    plain, spoken = make_plan(7, 50, "embedded", dialects=False), make_plan(7, 50, "embedded")
    assert (plain.checks, plain.faults, plain.dialects) == (spoken.checks, spoken.faults, ())
    assert spoken.dialects == make_plan(7, 50, "embedded").dialects
    assert {one.organization for one in spoken.dialects} == {1, 2, 3, 4, 5}


def test_every_trait_is_spoken_in_some_run() -> None:
    plans = [make_plan(seed, 1, "embedded") for seed in range(20)]
    for side, traits in TRAITS.items():
        drawn = {name for plan in plans for one in plan.dialects if one.side == side for name in one.traits}
        assert drawn == set(traits)


def test_a_seed_repeats_its_plan() -> None:
    assert make_plan(7, 50, "embedded") == make_plan(7, 50, "embedded")
    assert make_plan(7, 50, "embedded") != make_plan(8, 50, "embedded")


@pytest.mark.parametrize("backend", ["embedded", "services"])
def test_a_long_plan_holds_every_kind_of_fault(backend: str) -> None:
    kinds = {fault.kind for fault in make_plan(1, 2000, backend).faults}
    servers = (
        {"kill -9 broker", "disk full"} if backend == "embedded" else {"kill -9 redis", "kill -9 postgresql"}
    )
    assert servers <= kinds
    assert {"kill -9 web", "kill -9 web child", "kill -9 worker", "stop", "failpoint", "sleep at"} <= kinds
    assert {"wipe broker", "rotate key", "move clock", "ashby wrong_key", "justifacts hang_after"} <= kinds
