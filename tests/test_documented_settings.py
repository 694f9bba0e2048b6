"""Every setting of the operator is in the README's table and in ``.env.example``."""

import re
from pathlib import Path

_ROOT = Path(__file__).parent.parent
#: Set by the demo and the chaos tests only, and names in ``env.py`` that are not settings.
_INTERNAL = {"SANDBOX_PORT", "FAILPOINTS_DIR", "CRASH_POINTS_DIR", "INFO", "PATH", "PYTHONUNBUFFERED"}
#: New names, and the old names that are read for one version. Delete it with the old names.
_RENAMED = {
    "LEASE_SECONDS": "CLAIM_SECONDS",
    "RECOVERY_LOG_DIR": "JOURNAL_DIR",
    "OIDC_EMAILS_ARE_VERIFIED": "OIDC_TRUSTED_EMAILS",
    "OIDC_PROVIDER_ENFORCES_MFA": "OIDC_TRUSTED_SECOND_FACTOR",
    "INBOUND_AUTH_FAILURES_PER_MINUTE": "INBOUND_FAILURES_PER_MINUTE",
}


def in_the_readme() -> set[str]:
    section = (_ROOT / "README.md").read_text().split("\n## Settings\n")[1].split("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in first_cells for name in re.findall(r"`([A-Z_]+)`", cell)}


def in_the_example() -> set[str]:
    return set(re.findall(r"^# ([A-Z_]+)=", (_ROOT / ".env.example").read_text(), re.MULTILINE))


def in_the_code() -> set[str]:
    """The variables that ``config/env.py`` and the Procfile read, by their new names."""
    env, procfile = (_ROOT / "config/env.py").read_text(), (_ROOT / "Procfile").read_text()
    read = {*re.findall(r'"([A-Z][A-Z_]{3,})"', env), *re.findall(r"\$\{([A-Z_]+)", procfile)}
    new_of = {old: new for new, old in _RENAMED.items()}
    return {new_of.get(name, name) for name in read} - _INTERNAL


def test_the_readme_lists_every_setting() -> None:
    assert in_the_code() <= in_the_readme()


def test_the_readme_lists_no_unused_setting() -> None:
    assert in_the_readme() <= in_the_code()


def test_the_example_lists_the_settings_of_the_readme() -> None:
    assert in_the_example() == in_the_readme()
