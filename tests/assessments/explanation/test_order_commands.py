"""The commands ``orders``, ``order`` and ``retry``."""

import os
import uuid
from datetime import datetime
from typing import Any

import pytest

from assessments.management.commands.orders import Command
from assessments.models import AshbyUpdate, Order, OrderEvent
from integrations.management.base import who_runs
from tests.fixtures.console import Console
from tests.fixtures.world import World, data


@pytest.fixture
def complete(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed()
    world.push(
        order,
        "Complete",
        assessment_result=data("result", "Adverse"),
        assessment_profile_url=data("report", "https://justifacts.test/report/1", "url"),
    )
    world.work()
    order.refresh_from_db()
    return order


def is_utc(text: str) -> bool:
    offset = datetime.fromisoformat(text).utcoffset()
    return offset is not None and not offset


class TestOrderCommand:
    def test_the_json_has_every_documented_key(self, complete: Order, console: Console) -> None:
        found = console.json("order", str(complete.pk))
        assert {name: found[name] for name in ("assessment_id", "organization", "package", "job")} == {
            "assessment_id": str(complete.pk),
            "organization": "Acme",
            "package": "Basic",
            "job": "Backend Engineer",
        }
        assert (found["status"], found["result"]) == ("complete", "Adverse")
        assert found["report_url"] == "https://justifacts.test/report/1"
        assert found["justifacts_order_id"] == "JF-2026-1"
        assert (found["needs_attention"], found["attention_reason"]) == (False, None)
        assert found["application_id"] == complete.application_id
        assert is_utc(found["created_at"])
        assert is_utc(found["completed_at"])
        assert found["organization_slug"] == "acme"
        assert found["package_id"] == str(complete.package.assessment_type_id)
        assert {"at", "source", "kind", "summary"} == set(found["events"][0])
        assert [event["kind"] for event in found["events"]] == ["started", "placed", "completed"]

    def test_the_json_has_updates_as_sent_with_their_attempts(
        self, world: World, complete: Order, console: Console
    ) -> None:
        updates = console.json("order", str(complete.pk))["updates"]
        assert [update["sequence"] for update in updates] == [1, 2]
        assert [update["payload"] for update in updates] == world.sent("assessment.update")
        assert updates[0]["timestamp"] == updates[0]["payload"]["timestamp"]
        last = updates[-1]
        assert (last["state"], last["attempt_count"], last["last_error"]) == ("delivered", 1, None)
        assert is_utc(last["delivered_at"])
        (attempt,) = last["attempts"]
        assert (attempt["outcome"], attempt["http_status"]) == ("taken", 200)
        assert attempt["request_id"] == "ashby-req-1"

    def test_a_missing_value_is_null(self, world: World, console: Console) -> None:
        found = console.json("order", str(world.start().pk))
        for name in ("result", "report_url", "justifacts_order_id", "completed_at", "attention_reason"):
            assert found[name] is None

    def test_the_text_has_summary_and_events(self, complete: Order, console: Console) -> None:
        lines = console.run("order", str(complete.pk)).splitlines()
        assert "Adverse" in lines[0]
        assert "Ashby has all updates." in lines[1]
        assert any("Justifacts accepted the order as number JF-2026-1." in line for line in lines)

    @pytest.mark.parametrize("command", ["order", "retry"])
    def test_an_invalid_or_unknown_id_fails_with_one_line(
        self, db: None, console: Console, command: str
    ) -> None:
        assert "not an assessment id" in console.fails(command, "JF-2026-1")
        unknown = str(uuid.uuid4())
        assert unknown in console.fails(command, unknown)


class TestOrdersCommand:
    def test_the_list_has_no_candidate_data(self, world: World, console: Console) -> None:
        order = world.start()
        for printed in (console.run("orders"), console.run("orders", "--json")):
            assert str(order.pk) in printed
            assert order.candidate_email not in printed
            assert order.candidate_last_name not in printed

    def test_the_options_filter_the_list(self, world: World, complete: Order, console: Console) -> None:
        waiting = world.start()
        Order.objects.filter(pk=waiting.pk).update(needs_attention=True, attention_reason="Ask Justifacts.")

        def listed(*arguments: str) -> list[str]:
            return [order["assessment_id"] for order in console.json("orders", *arguments)]

        assert listed() == [str(waiting.pk), str(complete.pk)]
        assert listed("--org", "acme") == listed()
        assert listed("--org", "globex") == []
        assert listed("--status", "complete") == [str(complete.pk)]
        assert listed("--needs-attention") == [str(waiting.pk)]
        assert listed("--limit", "1") == [str(waiting.pk)]
        (short,) = console.json("orders", "--needs-attention")
        assert short["attention_reason"] == "Ask Justifacts."

    def test_columns_are_aligned(self, world: World, complete: Order, console: Console) -> None:
        world.start()
        *rows, count = console.run("orders").splitlines()
        assert len({row.index("Basic") for row in rows}) == 1
        assert count == "2 orders"

    def test_an_empty_list_is_no_failure(self, db: None, console: Console) -> None:
        assert console.run("orders") == "0 orders\n"
        assert console.json("orders") == []

    def test_an_unknown_organization_fails_with_one_line(self, db: None, console: Console) -> None:
        assert "nobody" in console.fails("orders", "--org", "nobody")

    @pytest.mark.parametrize("arguments", [["--status", "lost"], ["--limit", "many"], ["--bogus"]])
    def test_a_wrong_argument_exits_with_1_and_one_line(
        self, capsys: pytest.CaptureFixture[str], arguments: list[str]
    ) -> None:
        """argparse would exit with 2 and print the usage."""
        with pytest.raises(SystemExit) as ended:
            Command().run_from_argv(["manage.py", "orders", *arguments])
        assert ended.value.code == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert len(printed.err.splitlines()) == 1


class TestRetryCommand:
    def test_a_refused_update_is_sent_again(self, world: World, console: Console) -> None:
        order = world.placed()
        refusal = {"success": False, "errors": ["invalid_input"], "errorInfo": {"code": "invalid_input"}}
        world.ashby("assessment.update", refusal, 400)
        world.work()
        assert AshbyUpdate.objects.get().state == AshbyUpdate.State.REFUSED
        world.ashby_takes_everything()
        assert "send 1 pending update to Ashby now" in console.run("retry", str(order.pk))
        world.work()
        assert AshbyUpdate.objects.get().state == AshbyUpdate.State.DELIVERED
        asked = OrderEvent.objects.get(kind="retried")
        assert asked.summary.startswith(f"{who_runs()} asked to ")

    def test_the_json_lists_what_will_be_done(self, world: World, console: Console) -> None:
        order = world.start()
        found = console.json("retry", str(order.pk))
        assert found == {"assessment_id": str(order.pk), "done": ["place the order now"]}

    def test_a_retry_without_pending_work_is_no_failure(
        self, world: World, complete: Order, console: Console
    ) -> None:
        Order.objects.filter(pk=complete.pk).update(next_call="", next_attempt_at=None)
        assert console.run("retry", str(complete.pk)) == "This order has no pending work.\n"

    def test_a_user_without_a_name_can_run_a_command(
        self, world: World, console: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In a container, the user id often has no name."""

        def nameless(uid: int) -> Any:
            raise KeyError(f"uid not found: {uid}")

        monkeypatch.setattr("pwd.getpwuid", nameless)
        console.run("retry", str(world.start().pk))
        who = f"user {os.getuid()} on the machine"
        assert OrderEvent.objects.get(kind="retried").summary.startswith(who)
