"""What keeps the project in order: migrations, checks, the API's description."""

import io
import json

import pytest
from django.core.management import call_command


@pytest.mark.django_db
def test_the_models_have_no_change_without_a_migration() -> None:
    """Someone who pulls gets the tables that the code expects."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_documented_configuration_raises_no_check() -> None:
    """The defaults are sound."""
    call_command("check", fail_level="WARNING", stdout=io.StringIO(), stderr=io.StringIO())


@pytest.mark.django_db
def test_the_description_names_every_call(client) -> None:
    """OpenAPI 3.1 of what Ashby and Justifacts may call."""
    schema = json.loads(client.get("/api/schema/?format=json").content)
    assert schema["openapi"].startswith("3.1")
    assert {
        "/ashby/assessment.list",
        "/ashby/assessment.start",
        "/ashby/assessment.cancel",
        "/ashby/assessment.customField.list",
        "/justifacts/assessment.update",
    } == set(schema["paths"])


@pytest.mark.django_db
def test_the_description_can_be_read_in_a_browser(client) -> None:
    """Without anything from another host."""
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert b"//cdn" not in page.content
