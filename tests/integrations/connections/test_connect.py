"""Connecting an organization: its keys and its address."""

import pytest
from django.core.exceptions import ValidationError

from integrations.connections.api_keys import add_ashby_key, find_by_verification_key
from integrations.connections.connect import connect
from integrations.models import AshbyApiKey, Connection, Organization
from tests.fixtures.world import JUSTIFACTS


def test_secrets_may_be_pasted_with_blanks_and_newlines(db) -> None:
    connection = connect(
        "Acme",
        verification_key="  verify-me\r\n",
        ashby_key="\tashby-me \n",
        staging_base_url=f" {JUSTIFACTS}\n",
    )
    assert connection.organization.slug == "acme"
    assert connection.verification_key.reveal() == "verify-me"
    assert connection.staging_base_url == JUSTIFACTS
    key = connection.selected_ashby_key
    assert key is not None
    assert key.key.reveal() == "ashby-me"
    assert find_by_verification_key("verify-me") == connection
    assert find_by_verification_key(" verify-me\n") == connection
    assert find_by_verification_key("other") is None


def test_connecting_again_updates_what_is_given_and_keeps_the_rest(db) -> None:
    connect("Acme", verification_key="one", ashby_key="a-1", staging_base_url=JUSTIFACTS)
    connection = connect("Acme", ashby_key="a-2", verification_key=" ")
    assert connection.verification_key.reveal() == "one"
    assert connection.staging_base_url == JUSTIFACTS
    assert connection.selected_ashby_key.key.reveal() == "a-2"
    assert (Organization.objects.count(), Connection.objects.count()) == (1, 1)
    assert AshbyApiKey.objects.count() == 2
    connect("Acme", verification_key="two")
    assert find_by_verification_key("one") == find_by_verification_key("two") == connection


def test_a_slug_finds_the_organization_whatever_its_new_name(db) -> None:
    first = connect("Acme", slug="acme", verification_key="one")
    renamed = connect("Acme Holdings", slug="acme")
    assert renamed.pk == first.pk
    assert Organization.objects.get().name == "Acme Holdings"


def test_storing_an_ashby_key_again_adds_no_second_row(db) -> None:
    connection = connect("Acme", ashby_key="a-1")
    add_ashby_key(connection, "a-2")
    add_ashby_key(connection, " a-1 ")
    assert AshbyApiKey.objects.count() == 2
    assert connection.selected_ashby_key.key.reveal() == "a-1"
    assert AshbyApiKey.objects.filter(is_selected=True).count() == 1


def test_an_empty_ashby_key_is_refused(db) -> None:
    connection = connect("Acme")
    with pytest.raises(ValidationError):
        add_ashby_key(connection, " \n")


def test_a_verification_key_belongs_to_one_organization(db) -> None:
    """The refusal names nobody: a key that one tries would tell who else is here."""
    connect("Acme", verification_key="the-key")
    with pytest.raises(ValidationError) as caught:
        connect("Globex", verification_key="the-key ")
    assert "Acme" not in str(caught.value)
    assert "the-key" not in str(caught.value)
    assert not Organization.objects.filter(name="Globex").exists(), "nothing is left half made"


@pytest.mark.parametrize(
    "url",
    [
        "justifacts.test",
        "ftp://justifacts.test/",
        "https://",
        "https://user:secret@justifacts.test/",
        "https://justifacts.test/#part",
        "https://justi facts.test/",
        "https://justifacts.test:99999/",
        "https://[::1/",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_cannot_be_one_is_refused(db, url: str) -> None:
    with pytest.raises(ValidationError):
        connect("Acme", staging_base_url=url)
    assert not Organization.objects.exists()


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_name_that_cannot_be_one_is_refused(db, name: str) -> None:
    with pytest.raises(ValidationError):
        connect(name)
