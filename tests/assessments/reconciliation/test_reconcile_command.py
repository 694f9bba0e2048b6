"""``reconcile SLUG``."""

from assessments.reconciliation.run import begin
from integrations.models import Connection
from tests.fixtures.console import Console
from tests.fixtures.world import World, data


def test_the_command_prints_what_was_fixed_and_what_needs_review(world: World, console: Console) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    results = {
        "assessment_id": "JF-2026-1",
        "reference_id": str(order.pk),
        "assessment_status": data("s", "Applicant Started"),
    }
    world.justifacts("assessment.status", {"success": True, "results": results})
    world.justifacts("assessment.list", {}, 500)
    found = console.json("reconcile", "acme")
    assert found["organization"] == "Acme"
    assert found["orders_checked"] == 1
    assert [line["order"] for line in found["resolved"]] == [str(order.pk)]
    assert found["needs_review"] == []
    assert found["not_checked"]
    assert found["ended_at"]
    lines = console.run("reconcile", "acme")
    assert "1 orders checked: 0 resolved, 0 needs review" in lines


def test_the_command_fails_with_one_clear_line(world: World, console: Console) -> None:
    assert "no connected organization “nobody”" in console.fails("reconcile", "nobody")
    begin(world.acme.organization, "Ada")
    assert "running already" in console.fails("reconcile", "acme")


def test_a_disabled_organization_is_not_compared(world: World, console: Console) -> None:
    Connection.objects.filter(organization=world.acme.organization).update(is_enabled=False)
    assert "switched off" in console.fails("reconcile", "acme")
