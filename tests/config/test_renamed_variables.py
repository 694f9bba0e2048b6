"""Variables under a former name are read for one version."""

from pathlib import Path

from tests.integrations.encryption.test_key_spellings import settings_of_a_process

OLD = {
    "CLAIM_SECONDS": "31",
    "CRASH_POINTS_DIR": "/points",
    "INBOUND_FAILURES_PER_MINUTE": "7",
    "JOURNAL_DIR": "/log",
    "OIDC_TRUSTED_EMAILS": "on",
    "OIDC_TRUSTED_SECOND_FACTOR": "on",
}


def test_each_old_name_is_read_and_reported(tmp_path: Path) -> None:
    *found, deprecated = settings_of_a_process(
        tmp_path,
        "LEASE_SECONDS",
        "FAILPOINTS_DIR",
        "INBOUND_AUTH_FAILURES_PER_MINUTE",
        "OIDC_PROVIDER_ENFORCES_MFA",
        "DEPRECATED_VARIABLES",
        **OLD,
    )
    assert found == [31, "/points", 7, True]
    assert set(deprecated) == set(OLD)


def test_the_new_name_wins_unless_it_is_empty(tmp_path: Path) -> None:
    names = "LEASE_SECONDS", "INBOUND_AUTH_FAILURES_PER_MINUTE"
    new = {"LEASE_SECONDS": "45", "INBOUND_AUTH_FAILURES_PER_MINUTE": ""}
    assert settings_of_a_process(tmp_path, *names, **OLD, **new) == [45, 7]


def test_without_old_names_nothing_is_reported(tmp_path: Path) -> None:
    assert settings_of_a_process(tmp_path, "DEPRECATED_VARIABLES", CLAIM_SECONDS=" ") == [{}]
