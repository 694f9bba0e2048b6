"""White space and quotation marks around an encryption key never matter: what is encrypted is also found."""

import os
import secrets
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

from assessments import search
from assessments.models import Order
from integrations.connections.api_keys import find_by_verification_key
from integrations.encryption import blind_index, rotation
from integrations.models import Connection
from tests.fixtures.environment import settings_in, values_in
from tests.fixtures.servers.migrated import copy_sqlite
from tests.fixtures.world import World
from tests.integrations.encryption.test_rotate_command import rotate, starts

OTHER = Fernet.generate_key().decode()
AROUND = ["{}\n", "{}\r\n", " {}", "{} ", "\t{}\n\n", '"{}"', "'{}'\n"]


@pytest.fixture
def key(settings: Any) -> str:
    settings.FIELD_ENCRYPTION_KEYS_AS_WRITTEN = []
    key: str = settings.FIELD_ENCRYPTION_KEYS[0]
    return key


def finds_everything(world: World) -> bool:
    answer = world.call("/ashby/assessment.list", {})
    found = Order.objects.filter(search.matches("oneil", Order.objects.all()))
    return answer.status_code == 200 and found.exists() and starts() == []


@pytest.mark.parametrize("around", AROUND)
def test_keys_and_candidates_are_found_however_the_key_is_written(
    world: World, settings: Any, key: str, around: str
) -> None:
    world.start(candidate=world.start_body()["candidate"] | {"last_name": "Oneil"})
    settings.FIELD_ENCRYPTION_KEYS = [around.format(key)]
    assert finds_everything(world)
    Connection.objects.get(pk=world.acme.connection.pk).save()
    settings.FIELD_ENCRYPTION_KEYS = [key]
    assert finds_everything(world)


@pytest.mark.parametrize("around", AROUND)
def test_values_of_an_earlier_version_are_found_after_an_upgrade(
    world: World, settings: Any, key: str, around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions made their hashes from the text of the key as it was written."""
    written = around.format(key)
    _store_hashes_of_an_earlier_version(world, settings, written, monkeypatch)
    settings.FIELD_ENCRYPTION_KEYS = [key]
    settings.FIELD_ENCRYPTION_KEYS_AS_WRITTEN = [written]
    assert finds_everything(world)


def test_a_spelling_that_is_gone_is_named_at_the_start_and_repaired_by_one_command(
    world: World, settings: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _store_hashes_of_an_earlier_version(world, settings, f"{key}\n", monkeypatch)
    settings.FIELD_ENCRYPTION_KEYS = [key]
    assert find_by_verification_key(world.acme.verification_key) is None
    (message,) = run_checks(tags=["database"], databases=["default"])
    assert message.id == "integrations.E007"
    assert "4 stored keys can be read and cannot be found" in message.msg
    assert "integrations.Connection.verification_key" in message.msg
    assert "rotate_encryption_keys" in str(message.hint)
    assert rotation.count_pending()["integrations.Connection.verification_key"] == 2
    assert rotate()["left"] == {}
    assert finds_everything(world)


def test_the_start_check_passes_on_an_empty_database(db: None) -> None:
    assert starts() == []


def _store_hashes_of_an_earlier_version(
    world: World, settings: Any, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind_index._hash_keys.cache_clear()
    with monkeypatch.context() as earlier:
        earlier.setattr(blind_index, "_without_spelling", lambda key: key)
        settings.FIELD_ENCRYPTION_KEYS = [written]
        rotate()
        world.start(candidate=world.start_body()["candidate"] | {"last_name": "Oneil"})
    blind_index._hash_keys.cache_clear()


# --- The environment --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["{0}\n", " {0} ", "\ufeff{0}", "{0},{1}\n", "{0} , {1}", "{0},\n{1},\r\n", ",{0},,{1},"]
)
def test_white_space_and_empty_items_in_the_environment_are_ignored(tmp_path: Path, written: str) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    found = values_in(tmp_path, FIELD_ENCRYPTION_KEYS=written.format(*keys))
    assert found["FIELD_ENCRYPTION_KEYS"] == keys[: 1 + ("{1}" in written)]


@pytest.mark.parametrize("empty", ["", "\n", " , ,\n"])
def test_keys_of_white_space_alone_count_as_not_given(tmp_path: Path, empty: str) -> None:
    found = values_in(tmp_path, FIELD_ENCRYPTION_KEYS=empty)
    assert found["FIELD_ENCRYPTION_KEYS"] == [(tmp_path / "field_encryption_key").read_text().strip()]


def test_white_space_around_other_secrets_and_addresses_is_ignored(tmp_path: Path) -> None:
    given = {
        "SECRET_KEY": secrets.token_urlsafe(32),
        "CELERY_BROKER_URL": "redis://broker.test:6379/0",
        "ASHBY_API_BASE_URL": "https://ashby.test",
        "JUSTIFACTS_BASE_URL": "https://justifacts.test/application?ashby/",
        "PORTAL_BASE_URL": "https://portal.test",
        "METRICS_TOKEN": secrets.token_urlsafe(8),
    }
    written = {name: f" {value}\r\n" for name, value in given.items()}
    written |= {"DATABASE_URL": "postgres://db.test/portal\n", "CACHE_URL": "redis://cache.test/1 \n"}
    written |= {"ALLOWED_HOSTS": "a.test , b.test\n", "OUTBOUND_ALLOWED_HOSTS": "c.test:81, d.test\n"}
    names = [*given, "DATABASES", "CACHES", "ALLOWED_HOSTS", "OUTBOUND_ALLOWED_HOSTS"]
    (settings,) = settings_in(tmp_path, names, written)
    *found, databases, caches, hosts, outbound = settings.values()
    assert found == list(given.values())
    assert (databases["default"]["HOST"], databases["default"]["NAME"]) == ("db.test", "portal")
    assert caches["default"]["LOCATION"] == "redis://cache.test/1"
    assert {"a.test", "b.test", "portal.test"} == set(hosts)
    assert outbound == ["c.test:81", "d.test"]


def test_a_portal_with_a_line_end_in_its_key_answers_its_callers(tmp_path: Path) -> None:
    """The whole way, in processes of their own: stored under one spelling, found under another."""
    key = Fernet.generate_key().decode()
    environment = {
        **os.environ,
        "VAR_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/portal.sqlite3",
        "JUSTIFACTS_KEY": "verify-acme-0123456789",
        "ASHBY_KEY": "ashby-acme-0123456789",
    }

    def manage(written: str, *arguments: str) -> str:
        done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
            [sys.executable, "manage.py", *arguments],
            env={**environment, "FIELD_ENCRYPTION_KEYS": written},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    find_and_upgrade = (
        "from django.core.management import call_command; "
        "from integrations.connections.api_keys import *; "
        "print(find_by_verification_key('verify-acme-0123456789')); "
        "call_command('migrate', verbosity=0)"
    )
    copy_sqlite(tmp_path)
    manage(f"{key}\n", "connect_org", "Acme")
    for written in (key, f" {key} ,\n"):
        assert "Connection of Acme" in manage(written, "shell", "-c", find_and_upgrade)
