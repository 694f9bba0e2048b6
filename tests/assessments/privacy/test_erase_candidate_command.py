"""``manage.py erase_candidate SLUG EMAIL``"""

import io

import pytest

from assessments.models import ErasureCertificate, Order
from integrations.models import AuditLogEntry
from tests.assessments.privacy.test_requests import complete as complete_order
from tests.fixtures.console import Console
from tests.fixtures.world import World, data

ZOE = "zoe.oneil@example.com"


@pytest.fixture
def complete(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Review"))
    world.work()
    return order


def test_the_command_prints_the_certificate_as_json(complete: Order, console: Console) -> None:
    found = console.json("erase_candidate", "acme", ZOE, "--by", "Ada, by letter of 3 May")
    certificate = ErasureCertificate.objects.get()
    assert (found["certificate"], found["by"]) == (str(certificate.pk), "Ada, by letter of 3 May")
    assert (found["orders"], found["kept"]) == ([str(complete.pk)], [])
    complete.refresh_from_db()
    assert complete.is_erased


def test_a_dry_run_lists_the_orders_and_writes_nothing(complete: Order, console: Console) -> None:
    assert console.json("erase_candidate", "acme", ZOE, "--dry-run") == {
        "dry_run": True,
        "orders": [str(complete.pk)],
        "kept": [],
        "other_addresses": [],
    }
    assert "1 would be erased, 0 kept; nothing was written" in console.run(
        "erase_candidate", "acme", ZOE, "--dry-run"
    )
    assert not ErasureCertificate.objects.exists()


def test_the_text_names_erased_and_kept_orders(world: World, complete: Order, console: Console) -> None:
    waiting = world.start()
    printed = console.run("erase_candidate", "acme", ZOE)
    assert "Certificate of erasure" in printed
    assert f"- order {complete.pk}" in printed
    assert f"- order {waiting.pk}: The check is in progress" in printed
    assert "on the machine" in printed


def test_the_address_can_be_read_from_standard_input(
    complete: Order, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other users of the machine can read command lines."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ZOE}\n"))
    assert console.json("erase_candidate", "acme", "-")["orders"] == [str(complete.pk)]


def test_the_audit_log_does_not_contain_the_address(complete: Order, console: Console) -> None:
    console.run("erase_candidate", "acme", ZOE)
    for line in AuditLogEntry.objects.all():
        assert "zoe" not in f"{line.object_id} {line.details}".casefold()


def test_a_wrong_argument_fails_with_one_line(world: World, console: Console) -> None:
    assert console.fails("erase_candidate", "nobody", ZOE) == "There is no organization “nobody”."
    assert console.fails("erase_candidate", "acme", "zoe") == "That is not an e-mail address."


def test_the_order_command_still_shows_an_erased_order(complete: Order, console: Console) -> None:
    console.run("erase_candidate", "acme", ZOE)
    found = console.json("order", str(complete.pk))
    assert (found["status"], found["result"], found["report_url"]) == ("complete", None, None)
    assert found["erased_at"]
    assert "erased" in console.run("order", str(complete.pk))
    assert console.json("orders", "--org", "acme")[0]["erased_at"]


@pytest.fixture
def orders(world: World) -> tuple[Order, Order, Order]:
    """An order under the address, one under another address, and one of another person."""
    candidate = world.start_body()["candidate"]
    return (
        complete_order(world, "JF-1", candidate=candidate | {"ashby_id": "ashby-zoe"}),
        complete_order(
            world, "JF-2", candidate=candidate | {"ashby_id": "Ashby-Zoe", "email": "zoe@private.example.org"}
        ),
        complete_order(world, "JF-3", candidate=candidate | {"email": "bo@example.com"}),
    )


def test_a_dry_run_lists_other_addresses_and_also_includes_their_orders(
    world: World, orders: tuple[Order, Order, Order], console: Console
) -> None:
    own, other, _stranger = orders
    (line,) = console.json("erase_candidate", "acme", ZOE, "--dry-run")["other_addresses"]
    assert line == {
        "order": str(other.pk),
        "candidate_id": "Ashby-Zoe",
        "status": "complete",
        "included": False,
        "would_be_kept": None,
    }
    printed = console.run("erase_candidate", "acme", ZOE, "--dry-run")
    assert f"order {other.pk}, complete; include it with --also {other.pk}" in printed
    assert "zoe@private.example.org" not in printed
    found = console.json("erase_candidate", "acme", ZOE, "--also", str(other.pk))
    assert found["orders"] == [str(own.pk), str(other.pk)]


def test_the_order_of_another_candidate_cannot_be_included(
    orders: tuple[Order, Order, Order], console: Console
) -> None:
    printed = console.fails("erase_candidate", "acme", ZOE, "--also", str(orders[2].pk))
    assert "is not an order of the same Ashby candidate under another address" in printed
    assert not ErasureCertificate.objects.exists()
