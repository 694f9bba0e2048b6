"""A host whose secrets differ from those of the other hosts does not start."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection

from integrations.models import SecretFingerprint
from tests.fixtures.world import World

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()

pytestmark = pytest.mark.anywhere


@pytest.fixture(autouse=True)
def host(settings, db):
    """Starts a host with these secrets; returns which of them keeps it from starting."""
    if connection.vendor == "sqlite":
        pytest.skip("one host alone can use SQLite")

    def start(secret_key: str, *keys: str, fallbacks: tuple[str, ...] = ()) -> str:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secret_key, list(fallbacks)
        settings.FIELD_ENCRYPTION_KEYS = list(keys)
        try:
            SecretFingerprint.compare_and_record()
        except SecretFingerprint.Differs as error:
            return str(error).partition(" ")[0]
        return ""

    return start


def test_the_first_host_decides_and_its_secrets_are_not_stored(host) -> None:
    assert host("one", OLD) == ""
    assert host("one", f'"{OLD}"') == "", "another spelling of the same key"
    assert host("two", OLD) == "SECRET_KEY"
    assert host("one", NEW) == "FIELD_ENCRYPTION_KEYS"
    stored = str(list(SecretFingerprint.objects.values()))
    assert OLD not in stored
    assert "'one'" not in stored


def test_a_host_may_have_the_new_key_first_and_needs_the_old_one_until_the_rotation_ends(
    world: World, host, settings
) -> None:
    old = settings.FIELD_ENCRYPTION_KEYS[0]
    world.start()
    assert host("one", NEW) == "FIELD_ENCRYPTION_KEYS", "it can read nothing, even if it is the first"
    assert host("one", old) == ""
    assert host("one", old, NEW) == ""
    assert host("one", old) == "", "the new key has not encrypted anything"
    assert host("one", NEW, old) == ""
    assert host("one", old) == host("one", NEW) == "FIELD_ENCRYPTION_KEYS"
    assert host("one", NEW, old) == ""
    call_command("rotate_encryption_keys", "--json")
    assert host("one", NEW) == ""


def test_a_new_secret_key_starts_beside_the_old_one_or_replaces_it(host) -> None:
    assert host("old", OLD) == ""
    assert host("new", OLD) == "SECRET_KEY"
    assert host("new", OLD, fallbacks=("old",)) == ""
    assert host("old", OLD) == "SECRET_KEY", "it would refuse the sessions of the other host"
    assert host("new", OLD) == ""
    assert host("newest", OLD) == "SECRET_KEY"
    call_command("replace_secret_key")
    assert host("newest", OLD) == ""
