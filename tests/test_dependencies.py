"""Production dependencies are documented and have acceptable licenses."""

import json

from tests.fixtures.dependencies import ADVISORIES, REPORT, WHY, locked, report


def test_the_report_matches_the_lock_file() -> None:
    assert REPORT.read_text() == report(), "run `make dependencies`"


def test_every_package_has_an_allowed_license() -> None:
    assert [f"{each.name}: {each.licence}" for each in locked() if not each.is_allowed] == []


def test_exactly_the_direct_dependencies_have_a_reason() -> None:
    asked_for = {each.name for each in locked() if "pyproject.toml" in each.needed_by}
    assert asked_for == set(WHY)


def test_no_locked_package_has_a_known_vulnerability() -> None:
    found = json.loads(ADVISORIES.read_text())
    locked_here = {f"{each.name} {each.version}" for each in locked()}
    assert {
        name: each["known"] for name, each in found.items() if name in locked_here and each["known"]
    } == {}
    assert set(found) <= locked_here, "remove advisories of versions that are no longer locked"
