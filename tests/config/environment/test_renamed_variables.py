"""Variables under a former name are read for one version."""

from pathlib import Path

from tests.fixtures.environment import values_in

OLD = {
    "CLAIM_SECONDS": "31",
    "CRASH_POINTS_DIR": "/points",
    "INBOUND_FAILURES_PER_MINUTE": "7",
    "JOURNAL_DIR": "/log",
    "OIDC_TRUSTED_EMAILS": "on",
    "OIDC_TRUSTED_SECOND_FACTOR": "on",
}


def test_each_old_name_is_read_and_reported(tmp_path: Path) -> None:
    found = values_in(tmp_path, **OLD)
    assert (found["LEASE_SECONDS"], str(found["FAILPOINTS_DIR"])) == (31, "/points")
    assert (found["INBOUND_AUTH_FAILURES_PER_MINUTE"], found["OIDC_PROVIDER_ENFORCES_MFA"]) == (7, True)
    assert set(found["DEPRECATED_VARIABLES"]) == set(OLD)


def test_the_new_name_wins_unless_it_is_empty(tmp_path: Path) -> None:
    found = values_in(tmp_path, **OLD, LEASE_SECONDS="45", INBOUND_AUTH_FAILURES_PER_MINUTE="")
    assert (found["LEASE_SECONDS"], found["INBOUND_AUTH_FAILURES_PER_MINUTE"]) == (45, 7)


def test_without_old_names_nothing_is_reported(tmp_path: Path) -> None:
    assert values_in(tmp_path, CLAIM_SECONDS=" ")["DEPRECATED_VARIABLES"] == {}
