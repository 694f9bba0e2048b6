"""Fixtures of the real processes, for journeys and browser tests.

One portal of real processes for all journeys of a worker; each journey brings its own employer.

``embedded``: nothing but what the wheels bring. ``services``: PostgreSQL and Redis, where found.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.journey.processes import Portal
from tests.redis_server import NoRedis, own_redis
from tests.services import POSTGRESQL, missing

#: Those that run, by the group of tests that they are for.
OPEN: dict[str, Portal] = {}


@contextmanager
def fresh_database() -> Iterator[str]:
    """A PostgreSQL database, dropped afterwards."""
    name = f"portal_journey_{uuid.uuid4().hex[:8]}"
    try:
        with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=3) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError:
        missing("PostgreSQL does not answer at TEST_DATABASE_URL")
    yield f"{POSTGRESQL}/{name}"
    with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """The one that the journeys share."""
    with fresh_database() as url:
        yield url


@pytest.fixture(scope="session")
def embedded_portal(tmp_path_factory) -> Iterator[Portal]:
    with Portal(tmp_path_factory.mktemp("embedded")) as portal:
        OPEN["embedded"] = portal
        yield portal


@contextmanager
def fresh_redis(folder: Path) -> Iterator[tuple[str, str]]:
    """A broker and a cache in a Redis that ends afterwards."""
    try:
        with own_redis(folder) as urls:
            yield urls
    except NoRedis:
        missing("no redis-server is installed")


@pytest.fixture(scope="session")
def redis_urls(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """Those that the journeys share."""
    with fresh_redis(tmp_path_factory.mktemp("redis")) as urls:
        yield urls


@pytest.fixture(scope="session")
def services_portal(tmp_path_factory, database_url, redis_urls) -> Iterator[Portal]:
    broker, cache = redis_urls
    with Portal(
        tmp_path_factory.mktemp("services"),
        DATABASE_URL=database_url,
        CELERY_BROKER_URL=broker,
        CACHE_URL=cache,
    ) as portal:
        OPEN["services"] = portal
        yield portal


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.xdist_group("embedded")),
        pytest.param("services", marks=[pytest.mark.xdist_group("services"), pytest.mark.services]),
    ]
)
def portal(request) -> Portal:
    """The portal's processes, on either set of services."""
    portal: Portal = request.getfixturevalue(f"{request.param}_portal")
    return portal
