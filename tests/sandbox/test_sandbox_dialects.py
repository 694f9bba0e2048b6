"""Dialects: how Justifacts writes, as a raw look at HTTP shows."""

from __future__ import annotations

import json
import re
import uuid

import pytest


def status(world, reference: str, **more):
    """The update that `assessment.status` answers."""
    return world.justifacts("assessment.status", {"reference_id": reference}, **more).json()["results"]


def step(world, reference: str, **body):
    return world.sandbox.post(f"justifacts/orders/{reference}/step", **{"push": False, **body})


def many(world, reference: str, times: int = 25):
    return [status(world, reference) for _ in range(times)]


# --- Justifacts' messages -------------------------------------------------------------------------


def test_order_numbers_and_packages_are_json_numbers_and_understood_again(world, speak):
    speak("justifacts", "numeric_ids")
    packages = [row["assessment_type_id"] for row in world.justifacts("assessment.list").json()["results"]]
    assert 1001 in packages
    reference = str(uuid.uuid4())
    number = world.place(reference, package="1001").json()["results"]["assessment_id"]
    assert type(number) is int
    assert status(world, reference)["assessment_id"] == number
    for form in (number, str(number)):
        found = world.justifacts("assessment.status", {"assessment_id": form}).json()
        assert found["results"]["reference_id"] == reference


@pytest.mark.parametrize(
    ("trait", "form"),
    [
        ("text_times", lambda stamp: isinstance(stamp, str) and stamp.strip().isdigit()),
        ("iso_times", lambda stamp: re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", stamp)),
        ("float_times", lambda stamp: isinstance(stamp, float)),
        ("second_times", lambda stamp: isinstance(stamp, int) and len(str(stamp)) == 10),
    ],
)
def test_times_are_written_in_the_chosen_form(world, speak, order, trait, form):
    speak("justifacts", trait)
    assert all(form(update["timestamp"]) for update in many(world, order[1]))


def test_a_fraction_stays_a_fraction_on_the_wire(world, speak, order):
    speak("justifacts", "float_times")
    answer = world.justifacts("assessment.status", {"reference_id": order[1]})
    assert re.search(r'"timestamp": \d{13}\.0[,}]', answer.text)


def test_times_in_iso_have_several_zones_and_a_small_z_too(world, speak, order):
    speak("justifacts", "iso_times")
    ends = {update["timestamp"][-1] for update in many(world, order[1], 60)}
    assert {"Z", "z", "0"} <= ends


def test_times_can_be_missing_null_and_unreadable(world, speak, order):
    speak("justifacts", "no_times")
    found = [update.get("timestamp", "missing") for update in many(world, order[1], 60)]
    assert all(stamp in ("missing", None, 0, -1, "", "now", {}, "0000-00-00T00:00:00Z") for stamp in found)
    assert {"missing", "now"} <= {stamp for stamp in found if isinstance(stamp, str)}


def test_empty_parts_are_empty_in_every_way_and_the_status_stays(world, speak, order):
    speak("justifacts", "empty_parts")
    updates = many(world, order[1], 60)
    assert {update["assessment_status"]["value"] for update in updates} == {"Justifacts Received"}
    reasons = [update.get("cancelled_reason", "missing") for update in updates]
    assert all(
        reason in ("missing", "", " ", None, {}, []) or reason["value"] in (None, "") for reason in reasons
    )
    assert any(isinstance(reason, dict) and reason.get("value", 1) is None for reason in reasons)
    assert {} in [update.get("metadata") for update in updates]


def test_parts_can_be_bare_values(world, speak, order):
    speak("justifacts", "bare_values")
    step(world, order[1], status="Complete", result="Adverse")
    update = status(world, order[1])
    assert (update["assessment_status"], update["assessment_result"]) == ("Complete", "Adverse")


def test_words_are_shouted_and_stay_the_same_words(world, speak, order):
    speak("justifacts", "shouting")
    words = {update["assessment_status"]["value"] for update in many(world, order[1])}
    assert len(words) > 3
    assert {" ".join(re.findall(r"[a-z]+", word.lower())) for word in words} == {"justifacts received"}


def test_references_come_back_in_capitals_and_braces(world, speak, order):
    speak("justifacts", "capital_references")
    given = {update["reference_id"] for update in many(world, order[1])}
    assert {order[1].upper(), f"{{{order[1].upper()}}}"} <= given
    assert {str(uuid.UUID(reference.strip())) for reference in given} == {order[1]}


def test_answers_can_lack_the_reference_and_pushes_have_it(world, speak, order, portal, eventually):
    speak("justifacts", "no_references")
    assert {update.get("reference_id") or "" for update in many(world, order[1])} == {""}
    push = _pushed(world, portal, order[1])
    assert json.loads(push["raw"])["reference_id"] == order[1]


def test_unknown_fields_are_added(world, speak, order):
    speak("justifacts", "extra_fields")
    update = status(world, order[1])
    assert update["x_tenant"] == update["assessment_status"]["x_tenant"] == 7


def test_an_order_is_issued_again_under_another_number_with_our_reference(world, speak, order):
    number, reference = order
    speak("justifacts", "new_order_number")
    step(world, reference, status="Applicant Started")
    update = status(world, reference)
    assert update["assessment_id"] != number
    assert update["reference_id"] == reference
    for known in (number, update["assessment_id"]):
        found = world.justifacts("assessment.status", {"assessment_id": known}).json()["results"]
        assert found["assessment_id"] == update["assessment_id"]
    assert world.ledger()["orders"] == 1


def test_other_words_follow_in_process_and_completion_by_themselves(world, speak, order, eventually):
    reference = order[1]
    speak("justifacts", "unknown_words")
    step(world, reference, status="In Process: Justifacts")
    assert status(world, reference)["assessment_status"]["value"] == "In Process: Justifacts"
    eventually(
        lambda: status(world, reference)["assessment_status"]["value"].startswith(("Awaiting", "Suspended"))
    )
    step(world, reference, status="Complete", result="Clear")
    assert status(world, reference)["assessment_status"]["value"] == "Complete"
    eventually(
        lambda: status(world, reference)["assessment_status"]["value"].startswith(("Dispute", "Reinvest"))
    )
    assert status(world, reference)["assessment_result"]["value"] == "Clear"


def test_a_result_changes_after_completion_with_an_older_timestamp_or_none(world, speak, order, eventually):
    reference = order[1]
    speak("justifacts", "late_results")
    step(world, reference, status="Complete", result="Review")
    first = status(world, reference)
    assert first["assessment_result"]["value"] == "Review"
    eventually(lambda: status(world, reference)["assessment_result"]["value"] in ("Clear", "Adverse"))
    assert status(world, reference).get("timestamp", 0) < first["timestamp"]


# --- Justifacts' wire -----------------------------------------------------------------------------


def test_answers_and_pushes_are_in_latin1_as_declared(world, speak, order, portal):
    speak("justifacts", "latin1")
    answer = world.justifacts("assessment.status", {"reference_id": order[1]})
    assert answer.headers["Content-Type"] == "application/json;charset=ISO-8859-1"
    assert "geprüft".encode("latin-1") in answer.content
    push = _pushed(world, portal, order[1])
    assert push["headers"]["Content-Type"] == "application/json;charset=ISO-8859-1"
    assert "geprüft in Zürich".encode("latin-1") in push["raw"]


def test_bodies_begin_with_a_byte_order_mark(world, speak, order, portal):
    speak("justifacts", "utf8_bom")
    assert world.justifacts("assessment.list").content.startswith(b"\xef\xbb\xbf{")
    assert _pushed(world, portal, order[1])["raw"].startswith(b"\xef\xbb\xbf{")


def test_json_has_another_content_type(world, speak, order, portal):
    speak("justifacts", "wrong_content_type")
    kinds = {world.justifacts("assessment.list").headers["Content-Type"].split(";")[0] for _ in range(12)}
    assert kinds == {"text/plain", "text/html"}
    pushed = {_pushed(world, portal, order[1])["headers"]["Content-Type"].split(";")[0] for _ in range(8)}
    assert pushed == {"text/plain", "application/x-www-form-urlencoded"}


def test_success_has_other_statuses_and_a_cancel_no_body(world, speak, order):
    speak("justifacts", "created_statuses")
    assert world.justifacts("assessment.list").status_code in (201, 202)
    cancel = world.justifacts("assessment.cancel", {"assessment_id": order[0]})
    assert (cancel.status_code, cancel.content) == (204, b"")
    assert world.sandbox.get(f"justifacts/orders/{order[1]}")["cancelled_reason"]


@pytest.mark.parametrize(
    ("trait", "orders"),
    [("proxy_pages", 0), ("proxy_pages_after", 1), ("unknown_codes", 0), ("unknown_codes_after", 1)],
)
def test_a_fault_comes_before_or_after_the_order_is_taken(world, speak, trait, orders):
    speak("justifacts", trait)
    answer = world.place()
    if trait.startswith("proxy"):
        assert answer.text.startswith(("<!doctype html>", "<html>"))
        assert answer.headers["Content-Type"].startswith("text/html")
    else:
        assert (answer.status_code, answer.json()["success"]) == (200, False)
        assert answer.json()["errorInfo"]["code"]
    assert world.ledger()["orders"] == orders


def test_proxies_answer_with_several_statuses(world, speak):
    speak("justifacts", "proxy_pages")
    assert {world.justifacts("assessment.list").status_code for _ in range(40)} == {200, 403, 404, 502}


@pytest.mark.parametrize("side", ["ashby", "justifacts"])
def test_errors_have_other_envelopes(world, speak, side):
    speak(side, "errors_as_objects")

    def refused():
        return (
            world.ashby("nothing") if side == "ashby" else world.justifacts("assessment.status", {})
        ).json()

    shapes = {tuple(sorted(refused())) for _ in range(30)}
    assert len(shapes) > 2
    assert ("errorInfo", "errors", "success") not in shapes or len(shapes) > 3


def _pushed(world, portal, reference: str) -> dict:
    """One push of the order, as the portal's side received it."""
    step(world, reference, move=False, push=True, wait=True)
    return portal.calls(world.slug, "assessment.update")[-1]
