"""What every test has: no network, no real broker, and the world of two organizations."""

import contextlib
import gc
import os
import sqlite3
import uuid
from collections.abc import Iterator

import hypothesis
import pytest
import responses
from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.test import override_settings

from assessments.role_grants import grant_roles
from config.celery import app
from integrations.bulkhead import Bulkhead
from integrations.web import csv_export
from tests.fixtures.servers import migrated
from tests.fixtures.world import World

#: Fixtures that tests of several packages use.
pytest_plugins = [
    "tests.fixtures.admin",
    "tests.fixtures.console",
    "tests.fixtures.servers.database_clock",
    "tests.fixtures.servers.portals",
    "tests.fixtures.servers.hosts",
    "tests.fixtures.two_tenants",
]

# Enough for every change; HYPOTHESIS_PROFILE=thorough looks further.
hypothesis.settings.register_profile("usual", max_examples=30, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=1000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))


#: Each of these groups runs on one worker. Tests of real processes wait most of their time: they are in the
#: first two, so that of three workers one has the processor for the rest. First come those on the group's
#: shared portal, then those on processes of their own. The third has the longest of the rest.
_GROUPS = ("embedded", "services", "long")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first, so that no worker is left alone with it at the end."""
    items.sort(key=_turn)
    # The collector would go through Django's and the tests' modules again and again, and find nothing.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Stops a shared portal after the last test that uses it: idle processes cost time too."""
    yield
    from tests.fixtures.servers import (
        portals,  # a plugin must not be imported before pytest rewrites its asserts
    )

    name = _shared_portal(item)
    if name in portals.OPEN and (nextitem is None or _shared_portal(nextitem) != name):
        portals.OPEN.pop(name).end_all()


def _shared_portal(item: pytest.Item) -> str:
    """``embedded`` or ``services``; empty if the test uses neither."""
    if "embedded_portal" in getattr(item, "fixturenames", ()):
        return "embedded"
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("portal", "") if callspec else ""


def _turn(item: pytest.Item) -> tuple[object, ...]:
    in_browser = item.get_closest_marker("browser") is not None
    if group := item.get_closest_marker("xdist_group"):
        # Tests that share a portal are together, and among them those that share the browser.
        return _GROUPS.index(group.args[0]), not _shared_portal(item), in_browser
    database = item.get_closest_marker("django_db")
    # Last, because they end with an empty database, without what the migrations wrote.
    empties = bool(database and database.kwargs.get("transaction"))
    return len(_GROUPS), empties, not in_browser


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores for each two, for the same reason."""
    cores = len(os.sched_getaffinity(0))
    return cores + cores // 2


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker) -> Iterator[None]:
    """A copy of a migrated database, for each worker."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            _open_copy_in_memory()
        else:
            name = f"test_{connection.settings_dict['NAME']}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
            migrated.create_postgresql(name)
            connection.settings_dict["NAME"] = name
            connection.ops.sql_flush = _delete_all_rows
        # For serialized_rollback.
        connection._test_serialized_contents = connection.creation.serialize_db_to_string()
    yield
    if connection.vendor != "sqlite":
        with django_db_blocker.unblock():
            connection.close()
        migrated.drop_postgresql(name)


def _delete_all_rows(_style: object, tables: list[str], **_options: bool) -> list[str]:
    """The statements that empty PostgreSQL's tables after a test with transactions of its own. ``TRUNCATE``
    makes new files for all tables, which takes seconds."""
    deletions = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]  # nosec B608 # noqa: S608 - names of our own tables
    # The role of a replica fires no trigger: the audit log's would refuse.
    return ["SET LOCAL session_replication_role = replica", *deletions]


def _open_copy_in_memory() -> None:
    # A name with a shared cache, so that the threads of a live server find it too.
    connection.settings_dict["NAME"] = connection.creation._get_test_db_name()
    connection.ensure_connection()
    with contextlib.closing(sqlite3.connect(migrated.sqlite_template())) as template:
        template.backup(connection.connection)
    with connection.cursor() as cursor:
        # A test with transactions of its own is cleaned up after by deleting every row, which the audit log
        # refuses; test_audit_trail.py makes this trigger again for itself.
        cursor.execute("DROP TRIGGER IF EXISTS audit_line_never_goes")


@pytest.fixture(autouse=True, scope="session")
def _settings_of_tests() -> Iterator[None]:
    """Set once: a setting that changes for every test costs a millisecond each time."""
    with override_settings(
        # The real way takes a third of a second for each person.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        # Or each test client reads the whole folder of static files first.
        WHITENOISE_AUTOREFRESH=True,
        # Most stories are not about signing in; test_two_factor.py switches it on.
        REQUIRE_TWO_FACTOR=False,
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    ):
        yield


@pytest.fixture(autouse=True)
def _apart_from_the_machine(settings, tmp_path_factory, monkeypatch) -> Iterator[None]:
    """Messages stay in memory, the cache is each test's own; a call that is not expected fails."""
    settings.RECOVERY_LOG_DIR = tmp_path_factory.getbasetemp() / f"journal-{uuid.uuid4().hex}"
    app.conf.broker_url = "memory://"
    # The test client closes no download that a test has not read.
    monkeypatch.setattr(csv_export, "_downloads", Bulkhead(csv_export.AT_ONCE))
    monkeypatch.setattr(csv_export, "_downloads_of_one", Bulkhead(csv_export.AT_ONCE_FOR_ONE_PERSON))
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """The network: only what a test registers answers."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def world(db, client, wire, settings) -> World:
    """Acme, connected, with packages and a job; and Globex, a stranger, connected too."""
    if not Group.objects.exists():
        # A test with transactions of its own has emptied every table, the migrations' rows too.
        ContentType.objects.clear_cache()
        grant_roles(apps)
    settings.ASHBY_API_BASE_URL = "https://ashby.test"
    settings.PORTAL_BASE_URL = "https://portal.test"
    return World(client, wire)
