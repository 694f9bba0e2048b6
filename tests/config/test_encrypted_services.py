"""Redis and PostgreSQL with TLS, and what the portal says about its Redis."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from cryptography.hazmat.primitives import serialization
from django.db import DEFAULT_DB_ALIAS, OperationalError
from django.db.utils import ConnectionHandler
from kombu.exceptions import OperationalError as BrokerError

from config.redis.cache import FailOpenRedisCache
from tests.config.test_production import manage
from tests.e2e.portal.processes import eventually
from tests.fixtures.environment import settings_in
from tests.fixtures.servers.portals import fresh_redis
from tests.fixtures.servers.postgresql_servers import Server, own_folder
from tests.integrations.http.tls.certificates import certificate

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("services")]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """With the certificate of ``localhost``, its key, and the authority that signed it."""
    with own_folder() as folder:
        authority = certificate("The authority")
        own, key = certificate("localhost", authority)
        (folder / "ca.pem").write_bytes(authority[0].public_bytes(serialization.Encoding.PEM))
        (folder / "own.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        (folder / "own.key").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
        (folder / "own.key").chmod(0o600)
        yield folder


def test_broker_and_cache_verify_the_certificate_of_redis(folder: Path, tmp_path: Path) -> None:
    files = [
        f"--tls-{name}-file {folder}/own.{end}".split() for name, end in (("cert", "pem"), ("key", "key"))
    ]
    tls = ["--port", "0", "--tls-auth-clients", "no", "--tls-ca-cert-file", str(folder / "ca.pem")]
    with fresh_redis(tmp_path) as (plain, _):
        port = int(plain.split(":")[2].partition("/")[0])
    with fresh_redis(tmp_path, *tls, "--tls-port", str(port), *files[0], *files[1]):
        url = f"rediss://localhost:{port}/0"
        ca = f"ssl_ca_certs={folder}/ca.pem"
        verified, old_spelling, unknown, wrong_name = settings_in(
            tmp_path,
            ["CELERY_BROKER_URL", "CACHES"],
            {"CELERY_BROKER_URL": f"{url}?{ca}"},
            {"CELERY_BROKER_URL": f"{url}?ssl_cert_reqs=CERT_REQUIRED&{ca}"},
            {"CELERY_BROKER_URL": url},
            {"CELERY_BROKER_URL": f"{url.replace('localhost', '127.0.0.1')}?{ca}"},
        )
        eventually(lambda: _works(verified), "the certificate is accepted", 10)
        assert _works(old_spelling), "Celery's documentation writes it so"
        for refused in (unknown, wrong_name):
            assert not _works(refused)


def _works(settings: dict) -> bool:
    """Whether a task and a counter arrive. Both fail together, or one of them does not verify."""
    cache = FailOpenRedisCache(settings["CACHES"]["default"]["LOCATION"], {})
    cache.set("counted", 7)
    # Not as the current application, which all later tests would publish with.
    celery = Celery(broker=settings["CELERY_BROKER_URL"], set_as_current=False)
    with celery.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=2)
            connection.SimpleQueue("tasks").put("sent")
            is_sent = connection.SimpleQueue("tasks").get(timeout=2).payload == "sent"
        except (BrokerError, OSError):
            is_sent = False
    assert is_sent == (cache.get("counted") == 7)
    return is_sent


def test_the_certificate_of_postgresql_is_verified(folder: Path, tmp_path: Path, django_db_blocker) -> None:
    server = Server(folder / "server")
    try:
        for name in ("own.pem", "own.key"):
            shutil.copy(folder / name, server.folder)
            (server.folder / name).chmod(0o600)
            shutil.chown(server.folder / name, server.folder.owner())
        server.stop()
        server.start("-c ssl=on -c ssl_cert_file=own.pem -c ssl_key_file=own.key")
        url = f"postgres://postgres@localhost:{server.port}/postgres?sslmode=verify-full"
        ca = f"&sslrootcert={folder}/ca.pem"
        verified, unknown, wrong_name = settings_in(
            tmp_path,
            ["DATABASES"],
            {"DATABASE_URL": url + ca},
            {"DATABASE_URL": f"{url}&sslrootcert=system"},
            {"DATABASE_URL": url.replace("localhost", "127.0.0.1") + ca},
        )
        with django_db_blocker.unblock():
            assert _is_encrypted(verified)
            for refused in (unknown, wrong_name):
                with pytest.raises(OperationalError, match="certificate"):
                    _is_encrypted(refused)
    finally:
        server.stop()


def _is_encrypted(settings: dict) -> bool:
    connection = ConnectionHandler(settings["DATABASES"])[DEFAULT_DB_ALIAS]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            return bool(cursor.fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--maxmemory-policy", "allkeys-lru"], "has the maxmemory-policy allkeys-lru"),
        (["--cluster-enabled", "yes"], "is in cluster mode"),
    ],
)
def test_a_redis_that_loses_or_refuses_tasks_is_named(tmp_path: Path, options: list[str], text: str) -> None:
    with fresh_redis(tmp_path, *options) as (broker, cache):
        done = manage(tmp_path / "var", "check", "--deploy", CELERY_BROKER_URL=broker, CACHE_URL=cache)
    assert f"The broker's Redis {text}" in done.stderr
