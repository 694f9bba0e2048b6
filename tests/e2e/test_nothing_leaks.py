"""No process writes a secret or candidate data in clear."""

import sqlite3

import pytest

from tests.e2e.portal.processes import Employer, Portal, eventually
from tests.fixtures.servers.portals import on_embedded

pytestmark = pytest.mark.journey

EMAIL = "canary.candidate@example.com"
NAME = "Canarialastname"


@on_embedded
def test_no_file_or_log_holds_secrets_or_candidate_data(portal: Portal) -> None:
    """Orders run while both partners fail; then every file is searched."""
    employer = Employer(portal)
    employer.fails(
        "justifacts", "refuse", call="assessment.start", count=1, message=f"No such person {EMAIL}"
    )
    candidate = {"first_name": "Canary", "last_name": NAME, "email": EMAIL}
    refused = employer.start(candidate=candidate)
    eventually(lambda: employer.order(refused)["status"] == "rejected", "Justifacts refuses the first")
    employer.fails("ashby", "success_false", count=1, message=f"Trouble with {EMAIL} and {NAME}")
    employer.fails("justifacts", "garbage", call="assessment.status", count=1)
    check = employer.start(candidate=candidate)
    eventually(lambda: employer.justifacts_orders(check), "Justifacts has the order")
    employer.step(check, status="Complete", result="Adverse")
    eventually(lambda: employer.delivered(check)[-1:] == ["Complete"], "Ashby gets the end", 60)

    ours = [portal.environment[name] for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "METRICS_TOKEN")]
    secrets = [text.encode() for text in (employer.verification_key, employer.ashby_key, *ours)]
    for path, content in portal.written():
        for secret in secrets:
            assert secret not in content, f"a secret stands in {path.name}"
        assert EMAIL.encode() not in content, f"the candidate's address stands in {path.name}"
        assert NAME.encode() not in content, f"the candidate's name stands in {path.name}"


@pytest.mark.xdist_group("embedded")
def test_no_column_holds_candidate_data_in_clear(embedded_portal: Portal) -> None:
    """Every column of every table is searched."""
    employer = Employer(embedded_portal)
    email = f"canary.{employer.slug}@example.com"
    employer.fails("justifacts", "refuse", call="assessment.start", count=1, message=f"Bad address {email}")
    check = employer.start(candidate={"first_name": "A", "last_name": "B", "email": email})
    eventually(lambda: employer.order(check)["status"] == "rejected", "Justifacts refuses")
    found = set()
    with sqlite3.connect(embedded_portal.folder / "var" / "portal.sqlite3") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f'SELECT * FROM "{table}"')  # nosec B608 # noqa: S608 - the name comes from the schema
            names = [column[0] for column in rows.description]
            for row in rows:
                found |= {
                    (table, name) for name, value in zip(names, row, strict=True) if email in str(value)
                }
    assert found == set()
