"""What the portal is made of is written down, and may be used."""

import json

from tests.fixtures.dependencies import ADVISORIES, REPORT, WHY, locked, report


def test_the_report_is_that_of_the_lock_file() -> None:
    assert REPORT.read_text() == report(), "run `make dependencies`"


def test_every_package_has_a_licence_that_we_can_keep_to() -> None:
    assert [f"{each.name}: {each.licence}" for each in locked() if not each.is_allowed] == []


def test_everything_that_we_ask_for_has_its_reason_and_nothing_else_has() -> None:
    asked_for = {each.name for each in locked() if "pyproject.toml" in each.needed_by}
    assert asked_for == set(WHY)


def test_no_locked_package_has_a_vulnerability_that_somebody_has_found() -> None:
    found = json.loads(ADVISORIES.read_text())
    locked_here = {f"{each.name} {each.version}" for each in locked()}
    assert {
        name: each["known"] for name, each in found.items() if name in locked_here and each["known"]
    } == {}
    assert set(found) <= locked_here, "what is not locked any more is of no interest"
