"""The main scenario: one check from start to report."""

from assessments.models import Order
from tests.fixtures.world import World, data


def test_a_check_runs_from_the_start_to_the_report(world: World) -> None:
    """A recruiter starts the check, Justifacts runs it, and Ashby receives each step in order."""
    answer = world.call("/ashby//assessment.start", world.start_body()).json()
    order = Order.objects.get(pk=answer["results"]["assessment_id"])
    first = answer["results"]["update_request"]
    assert first["assessment_status"]["value"] == "Sending to Justifacts"

    world.justifacts_takes("JF-77")
    world.ashby_takes_everything()
    world.work()
    for status in ("Justifacts Received", "Applicant Started", "In Process: Justifacts"):
        assert world.push(Order.objects.get(), status).status_code == 200
        world.work()
    world.push(
        Order.objects.get(),
        "Complete",
        assessment_result=data("result", "Clear"),
        assessment_profile_url=data("report", "https://reports.test/77", "url"),
    )
    world.work()

    assert world.delivered(order) == [
        "Justifacts Received",
        "Started",
        "Applicant Started",
        "In Process: Justifacts",
        "Complete",
    ]
    last = world.sent("assessment.update")[-1]
    assert last["assessment_result"]["value"] == "Clear"
    assert last["assessment_result"]["type"] == "string"
    assert last["assessment_profile_url"]["value"] == "https://reports.test/77"
    timestamps = [first["timestamp"], *(body["timestamp"] for body in world.sent("assessment.update"))]
    assert timestamps == sorted(set(timestamps))
    order.refresh_from_db()
    assert (order.status, order.result, order.justifacts_order_id) == ("complete", "Clear", "JF-77")
    assert not world.waiting(order)
