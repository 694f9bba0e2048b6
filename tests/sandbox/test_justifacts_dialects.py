"""The dialects of Justifacts, as seen in raw HTTP."""

from __future__ import annotations

import json
import re
import uuid

import pytest


def status(org, reference: str, **more):
    """The update in the answer to `assessment.status`."""
    return org.justifacts("assessment.status", {"reference_id": reference}, **more).json()["results"]


def step(org, reference: str, **body):
    return org.sandbox.post(f"justifacts/orders/{reference}/step", **{"push": False, **body})


def statuses(org, reference: str, times: int = 25):
    return [status(org, reference) for _ in range(times)]


def test_order_numbers_and_package_ids_are_json_numbers_that_are_accepted_back(org, use_dialect):
    use_dialect("justifacts", "numeric_ids")
    packages = [row["assessment_type_id"] for row in org.justifacts("assessment.list").json()["results"]]
    assert 1001 in packages
    reference = str(uuid.uuid4())
    number = org.place(reference, package="1001").json()["results"]["assessment_id"]
    assert type(number) is int
    assert status(org, reference)["assessment_id"] == number
    for form in (number, str(number)):
        found = org.justifacts("assessment.status", {"assessment_id": form}).json()
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
def test_timestamps_have_the_chosen_form(org, use_dialect, order, trait, form):
    use_dialect("justifacts", trait)
    assert all(form(update["timestamp"]) for update in statuses(org, order[1]))


def test_a_float_timestamp_has_a_decimal_point_in_json(org, use_dialect, order):
    use_dialect("justifacts", "float_times")
    answer = org.justifacts("assessment.status", {"reference_id": order[1]})
    assert re.search(r'"timestamp": \d{13}\.0[,}]', answer.text)


def test_iso_timestamps_have_several_zones_and_spellings_of_utc(org, use_dialect, order):
    use_dialect("justifacts", "iso_times")
    ends = {update["timestamp"][-1] for update in statuses(org, order[1], 200)}
    assert {"Z", "z", "0"} <= ends


def test_timestamps_can_be_missing_null_or_unreadable(org, use_dialect, order):
    use_dialect("justifacts", "no_times")
    found = [update.get("timestamp", "missing") for update in statuses(org, order[1], 60)]
    assert all(stamp in ("missing", None, 0, -1, "", "now", {}, "0000-00-00T00:00:00Z") for stamp in found)
    assert {"missing", "now"} <= {stamp for stamp in found if isinstance(stamp, str)}


def test_empty_parts_have_many_forms_and_leave_the_status(org, use_dialect, order):
    use_dialect("justifacts", "empty_parts")
    updates = statuses(org, order[1], 60)
    assert {update["assessment_status"]["value"] for update in updates} == {"Justifacts Received"}
    reasons = [update.get("cancelled_reason", "missing") for update in updates]
    assert all(
        reason in ("missing", "", " ", None, {}, []) or reason["value"] in (None, "") for reason in reasons
    )
    assert any(isinstance(reason, dict) and reason.get("value", 1) is None for reason in reasons)
    assert {} in [update.get("metadata") for update in updates]


def test_parts_can_be_bare_values(org, use_dialect, order):
    use_dialect("justifacts", "bare_values")
    step(org, order[1], status="Complete", result="Adverse")
    update = status(org, order[1])
    assert (update["assessment_status"], update["assessment_result"]) == ("Complete", "Adverse")


def test_statuses_are_spelled_differently(org, use_dialect, order):
    use_dialect("justifacts", "shouting")
    spellings = {update["assessment_status"]["value"] for update in statuses(org, order[1])}
    assert len(spellings) > 3
    assert {" ".join(re.findall(r"[a-z]+", spelling.lower())) for spelling in spellings} == {
        "justifacts received"
    }


def test_references_are_returned_in_capitals_and_braces(org, use_dialect, order):
    use_dialect("justifacts", "capital_references")
    given = {update["reference_id"] for update in statuses(org, order[1])}
    assert {order[1].upper(), f"{{{order[1].upper()}}}"} <= given
    assert {str(uuid.UUID(reference.strip())) for reference in given} == {order[1]}


def test_answers_lack_the_reference_and_pushes_have_it(org, use_dialect, order, portal, eventually):
    use_dialect("justifacts", "no_references")
    assert {update.get("reference_id") or "" for update in statuses(org, order[1])} == {""}
    push = _pushed(org, portal, order[1])
    assert json.loads(push["raw"])["reference_id"] == order[1]


def test_unknown_fields_are_added(org, use_dialect, order):
    use_dialect("justifacts", "extra_fields")
    update = status(org, order[1])
    assert update["x_tenant"] == update["assessment_status"]["x_tenant"] == 7


def test_an_order_is_issued_again_under_another_number_with_the_same_reference(org, use_dialect, order):
    number, reference = order
    use_dialect("justifacts", "new_order_number")
    step(org, reference, status="Applicant Started")
    update = status(org, reference)
    assert update["assessment_id"] != number
    assert update["reference_id"] == reference
    for known in (number, update["assessment_id"]):
        found = org.justifacts("assessment.status", {"assessment_id": known}).json()["results"]
        assert found["assessment_id"] == update["assessment_id"]
    assert org.ledger()["orders"] == 1


def test_unknown_statuses_follow_in_process_and_completion(org, use_dialect, order, eventually):
    reference = order[1]
    use_dialect("justifacts", "unknown_statuses")
    step(org, reference, status="In Process: Justifacts")
    assert status(org, reference)["assessment_status"]["value"] == "In Process: Justifacts"
    eventually(
        lambda: status(org, reference)["assessment_status"]["value"].startswith(("Awaiting", "Suspended"))
    )
    step(org, reference, status="Complete", result="Clear")
    assert status(org, reference)["assessment_status"]["value"] == "Complete"
    eventually(
        lambda: status(org, reference)["assessment_status"]["value"].startswith(("Dispute", "Reinvest"))
    )
    assert status(org, reference)["assessment_result"]["value"] == "Clear"


def test_a_result_changes_after_completion_with_an_old_timestamp_or_none(org, use_dialect, order, eventually):
    reference = order[1]
    use_dialect("justifacts", "late_results")
    step(org, reference, status="Complete", result="Review")
    first = status(org, reference)
    assert first["assessment_result"]["value"] == "Review"
    eventually(lambda: status(org, reference)["assessment_result"]["value"] in ("Clear", "Adverse"))
    assert status(org, reference).get("timestamp", 0) < first["timestamp"]


def test_answers_and_pushes_are_in_latin1_as_declared(org, use_dialect, order, portal):
    use_dialect("justifacts", "latin1")
    answer = org.justifacts("assessment.status", {"reference_id": order[1]})
    assert answer.headers["Content-Type"] == "application/json;charset=ISO-8859-1"
    assert "geprüft".encode("latin-1") in answer.content
    push = _pushed(org, portal, order[1])
    assert push["headers"]["Content-Type"] == "application/json;charset=ISO-8859-1"
    assert "geprüft in Zürich".encode("latin-1") in push["raw"]


def test_bodies_begin_with_a_byte_order_mark(org, use_dialect, order, portal):
    use_dialect("justifacts", "utf8_bom")
    assert org.justifacts("assessment.list").content.startswith(b"\xef\xbb\xbf{")
    assert _pushed(org, portal, order[1])["raw"].startswith(b"\xef\xbb\xbf{")


def test_json_has_another_content_type(org, use_dialect, order, portal):
    use_dialect("justifacts", "wrong_content_type")
    kinds = {org.justifacts("assessment.list").headers["Content-Type"].split(";")[0] for _ in range(12)}
    assert kinds == {"text/plain", "text/html"}
    pushed = {_pushed(org, portal, order[1])["headers"]["Content-Type"].split(";")[0] for _ in range(8)}
    assert pushed == {"text/plain", "application/x-www-form-urlencoded"}


def test_success_is_answered_201_or_202_and_a_cancel_204(org, use_dialect, order):
    use_dialect("justifacts", "created_statuses")
    assert org.justifacts("assessment.list").status_code in (201, 202)
    cancel = org.justifacts("assessment.cancel", {"assessment_id": order[0]})
    assert (cancel.status_code, cancel.content) == (204, b"")
    assert org.sandbox.get(f"justifacts/orders/{order[1]}")["cancelled_reason"]


@pytest.mark.parametrize(
    ("trait", "orders"),
    [("proxy_pages", 0), ("proxy_pages_after", 1), ("unknown_codes", 0), ("unknown_codes_after", 1)],
)
def test_a_fault_comes_before_or_after_the_order_is_placed(org, use_dialect, trait, orders):
    use_dialect("justifacts", trait)
    answer = org.place()
    if trait.startswith("proxy"):
        assert answer.text.startswith(("<!doctype html>", "<html>"))
        assert answer.headers["Content-Type"].startswith("text/html")
    else:
        assert (answer.status_code, answer.json()["success"]) == (200, False)
        assert answer.json()["errorInfo"]["code"]
    assert org.ledger()["orders"] == orders


def test_proxy_pages_have_several_statuses(org, use_dialect):
    use_dialect("justifacts", "proxy_pages")
    assert {org.justifacts("assessment.list").status_code for _ in range(40)} == {200, 403, 404, 502}


@pytest.mark.parametrize("side", ["ashby", "justifacts"])
def test_errors_have_other_envelopes(org, use_dialect, side):
    use_dialect(side, "errors_as_objects")

    def refusal():
        return (org.ashby("nothing") if side == "ashby" else org.justifacts("assessment.status", {})).json()

    shapes = {tuple(sorted(refusal())) for _ in range(30)}
    assert len(shapes) > 2
    assert ("errorInfo", "errors", "success") not in shapes or len(shapes) > 3


def _pushed(org, portal, reference: str) -> dict:
    """Push the order; the call as the portal received it."""
    step(org, reference, move=False, push=True, wait=True)
    return portal.calls(org.slug, "assessment.update")[-1]
