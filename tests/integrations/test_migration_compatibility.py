"""Neighbouring versions run side by side: a migration expands the schema, and only a later version contracts
it (CONTRIBUTING.md)."""

import pytest
from django_migration_linter.migration_linter import MigrationLinter

from tests.fixtures.servers.services import on_postgresql

pytestmark = [pytest.mark.anywhere, on_postgresql, pytest.mark.django_db]

#: Before the upgrade to 0.5.0 all processes are stopped; CHANGELOG.md says so.
_LAST_OF_0_5 = {"assessments": "0027", "integrations": "0015"}


@pytest.fixture
def linter() -> MigrationLinter:
    """Prints what it finds."""
    return MigrationLinter(
        no_cache=True,
        # integrations/migrations/_operations.py says how long an index may lock; the others are of style.
        exclude_migration_tests=[
            "CREATE_INDEX",
            "CREATE_INDEX_EXCLUSIVE",
            "RUNPYTHON_ARGS_NAMING_CONVENTION",
            "RUNPYTHON_MODEL_IMPORT",
            "RUNPYTHON_MODEL_VARIABLE_NAME",
            "RUNPYTHON_REVERSIBLE",
        ],
    )


def test_an_older_version_works_with_the_schema_of_the_next(linter: MigrationLinter) -> None:
    """A migration neither removes nor renames what the older version uses, nor requires what it does not
    write."""
    for (app, name), migration in linter.migration_loader.disk_migrations.items():
        if name[:4] > _LAST_OF_0_5.get(app, "9999"):
            linter.lint_migration(migration)
    assert linter.nb_erroneous == 0


@pytest.mark.parametrize(
    ("name", "is_compatible"), [("0025_standard_terms", False), ("0027_process_heartbeats", True)]
)
def test_only_a_migration_that_contracts_is_found(
    linter: MigrationLinter, name: str, is_compatible: bool
) -> None:
    linter.lint_migration(linter.migration_loader.disk_migrations["assessments", name])
    assert (linter.nb_erroneous == 0) == is_compatible
