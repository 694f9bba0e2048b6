"""Fixtures of the real processes, for journeys and browser tests.

One portal of real processes for all journeys of a worker; each journey brings its own employer.

``embedded``: nothing but what the wheels bring. ``services``: PostgreSQL and Redis, where found.
"""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
import redis

from tests.journey.processes import Portal
from tests.services import POSTGRESQL, REDIS, missing


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A fresh PostgreSQL database, dropped afterwards."""
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
def embedded_portal(tmp_path_factory) -> Iterator[Portal]:
    with Portal(tmp_path_factory.mktemp("embedded")) as portal:
        yield portal


@pytest.fixture(scope="session")
def services_portal(tmp_path_factory, database_url) -> Iterator[Portal]:
    try:
        redis.Redis.from_url(REDIS, socket_connect_timeout=2).ping()
    except redis.ConnectionError:
        missing("Redis does not answer at TEST_REDIS_URL")
    with Portal(
        tmp_path_factory.mktemp("services"),
        DATABASE_URL=database_url,
        CELERY_BROKER_URL=f"{REDIS}/13",
        CACHE_URL=f"{REDIS}/14",
    ) as portal:
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
