"""A candidate whose data consists of marked texts, and an order that spreads them to every place that can
hold them."""

import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps

from assessments.models import AshbyUpdate, Order
from assessments.privacy.eligibility import lift_hold, place_hold
from assessments.reconciliation.run import reconcile_now
from assessments.recovery_log.log import entries
from assessments.recovery_log.store import Kind
from assessments.support.decisions import add_note
from assessments.support.retry import retry
from integrations.encryption.secrets import Secret
from tests.fixtures.world import World, data

EMAIL = "zebediah.quillfeather@marked.example"
FULL_NAME = "Zebediah Quillfeather"
REPORT = "https://reports.justifacts.com/marked-report/77"
#: Parts of the candidate's data. None may remain after an erasure.
MARKS = (
    *("zebediah", "quillfeather", "marked", "77 yew lane"),
    *("review-ish", "dossier"),
)
CANDIDATE = {
    "ashby_id": "marked-candidate-id",
    "first_name": "Zebediah",
    "last_name": "Quillfeather",
    "email": EMAIL,
    "ashby_profile_url": "https://app.ashbyhq.com/candidates/marked-profile",
}


def start_body(world: World, **changes: Any) -> dict[str, Any]:
    return world.start_body(
        candidate=CANDIDATE,
        application={"ashby_id": "application-9", "status": "Active"},
        additional_fields={"address": "77 Yew Lane"},
        **changes,
    )


def order_with_marks_everywhere(world: World) -> Order:
    """An order from start to result with every kind of problem, each with a text that names the candidate."""
    answer = world.call("/ashby/assessment.start", start_body(world))
    order = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
    assert world.call("/ashby/assessment.start", start_body(world)).status_code == 409
    quoting = {
        "success": False,
        "errorInfo": {"code": "x", "message": f"No room for {FULL_NAME}, 77 Yew Lane"},
    }
    world.justifacts("assessment.start", quoting, 503)
    world.ashby("assessment.update", quoting, 500)
    world.work()
    world.justifacts_takes("JF-9")
    retry(order.pk, "Sam")
    world.work()
    order.refresh_from_db()
    world.push(order, f"Waiting for the dossier of {FULL_NAME}")
    world.push(order, "Applicant Started", timestamp="not a time", remark=f"{FULL_NAME} review-ish")
    unmatched = {
        "assessment_id": "JF-9",
        "reference_id": "unmatched",
        "assessment_status": "Applicant Started",
    }
    remark = {"remark": f"{FULL_NAME} review-ish"}
    assert world.call("/justifacts/assessment.update", unmatched | remark).status_code == 404
    add_note(order.pk, f"Called {FULL_NAME} at 77 Yew Lane.", "Sam")
    place_hold(order.pk, "Ada", f"A dispute with {FULL_NAME}")
    let_ashby_refuse_an_update(world, order, quoting)
    world.push(
        order,
        "Complete",
        assessment_result=data("result", "Review-ish"),
        assessment_profile_url=data("report", REPORT, "url"),
    )
    world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk), "why": f"{FULL_NAME}, dossier"})
    lift_hold(order.pk, "Ada", f"Settled with {FULL_NAME}")
    world.ashby_takes_everything()
    retry(order.pk, "Sam")
    world.work()
    order.refresh_from_db()
    assert (order.status, order.result, order.report_url) == ("complete", "Review-ish", REPORT)
    return order


def let_ashby_refuse_an_update(world: World, order: Order, quoting: dict[str, Any]) -> None:
    """Makes Ashby refuse an update, which a reconciliation then reports too."""
    invalid = {"success": False, "errors": ["invalid_input"], "errorInfo": quoting["errorInfo"]}
    world.ashby("assessment.update", invalid, 400)
    retry(order.pk, "Sam")
    world.work()
    assert order.updates.filter(state=AshbyUpdate.State.REFUSED).exists()
    same = {"assessment_id": "JF-9", "reference_id": str(order.pk), "timestamp": 1}
    world.justifacts("assessment.status", {"success": True, "results": same})
    sold = [{"assessment_type_id": world.acme.basic.justifacts_id, "name": "Basic", "description": ""}]
    world.justifacts("assessment.list", {"success": True, "results": sold})
    world.ashby("job.list", {"success": True, "results": [], "moreDataAvailable": False})
    reconcile_now(world.acme.organization, "Ada")


def remaining_marks() -> dict[str, str]:
    """The columns of all models, and the log files, that contain a mark, with the mark."""
    found = {}
    for name, text in (*_columns(), *_log_entries()):
        if mark := next((mark for mark in MARKS if mark in text.casefold()), None):
            found[name] = mark
    return found


def _columns() -> Iterator[tuple[str, str]]:
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.all():
            for field in row._meta.concrete_fields:
                yield f"{model._meta.label}.{field.name}", _text(getattr(row, field.attname))


def _text(value: Any) -> str:
    return value.reveal() if isinstance(value, Secret) else json.dumps(value, default=str, ensure_ascii=False)


def _log_entries() -> Iterator[tuple[str, str]]:
    for kind in (Kind.START, Kind.CANCELLATION):
        for entry in entries(kind):
            yield "the recovery log", json.dumps(entry, ensure_ascii=False)
    for entry in entries(Kind.ERASURE):
        yield "the erasure log", json.dumps(entry, ensure_ascii=False)
