"""PostgreSQL, Redis and the PostgreSQL of the recovery log, all on the host ``data``."""

import contextlib
import shutil
import subprocess  # nosec B404 # servers of the tests' own
import tempfile
import threading
from pathlib import Path

import psycopg

from ..processes import MOVABLE_CLOCK
from .network import Network
from .requirements import postgresql_programs, run

HOST = "data"
#: The addresses of the host, by number.
DATABASE, REDIS, RECOVERY_LOG = range(3)


class Services:
    def __init__(self, network: Network) -> None:
        self._network = network
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-data-"))
        self.folder.chmod(0o755)
        shutil.chown(self.folder, "postgres")
        self._offset = 0.0
        self._redis: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self.database_url = self._url(DATABASE, "portal")
        self.environment = {
            "DATABASE_URL": self.database_url,
            "RECOVERY_LOG_DATABASE_URL": self._url(RECOVERY_LOG, "postgres"),
            "CELERY_BROKER_URL": f"redis://{network.address(HOST, REDIS)}:6379/0",
            "CACHE_URL": f"redis://{network.address(HOST, REDIS)}:6379/1",
        }

    def _url(self, number: int, name: str) -> str:
        return f"postgres://postgres@{self._network.address(HOST, number)}:5432/{name}"

    def start(self) -> None:
        first, second = (self.folder / f"postgresql-{number}" for number in (DATABASE, RECOVERY_LOG))
        options = ("-U", "postgres", "-A", "trust", "--no-sync")
        self._as_postgres(postgresql_programs() / "initdb", "-D", first, *options)
        with (first / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.0.0.0/8 trust\n")
        # Making a cluster takes seconds.
        run("cp", "--archive", first, second)
        for number in (DATABASE, RECOVERY_LOG):
            self._pg_ctl(number, "start")
        self.sql("CREATE DATABASE portal")
        self._make_clock()
        self.start_redis()

    def end(self) -> None:
        for number in (DATABASE, RECOVERY_LOG):
            with contextlib.suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
                self._pg_ctl(number, "stop")
        self.stop_redis()
        shutil.rmtree(self.folder, ignore_errors=True)

    def set_clock(self, seconds: float) -> None:
        """Set how far the database's clock is ahead. libfaketime cannot do this: PostgreSQL's time limits and
        its detection of deadlocks would stop working."""
        with self._lock:
            self._offset = seconds
            with psycopg.connect(self.database_url) as connection:
                connection.execute("UPDATE chaos.clock SET seconds = %s", [seconds])

    def _make_clock(self) -> None:
        with psycopg.connect(self.database_url) as connection:
            connection.execute(MOVABLE_CLOCK)
            connection.execute("UPDATE chaos.clock SET seconds = %s", [self._offset])

    def sql(self, *statements: str) -> None:
        """On the server, outside of the portal's database."""
        with psycopg.connect(self._url(DATABASE, "postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def restart_postgresql(self) -> None:
        """As after a crash of the server."""
        with self._lock:
            self._pg_ctl(DATABASE, "restart")

    def dump(self, file: Path) -> None:
        # With the schema of the movable clock: it is the first in the search path, so migrations make their
        # tables there.
        run("pg_dump", "--format=custom", "--file", file, self.database_url)

    def restore(self, file: Path) -> None:
        """Replace the portal's database by the dump."""
        self.sql("DROP DATABASE portal WITH (FORCE)", "CREATE DATABASE portal")
        run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={self.database_url}", file)
        self._make_clock()

    def start_redis(self) -> None:
        options = (
            "--bind",
            self._network.address(HOST, REDIS),
            "--protected-mode",
            "no",
            "--save",
            "",
            "--appendonly",
            "no",
        )
        with (self.folder / "redis.log").open("ab") as log:
            self._redis = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
                self._network.command(HOST, "redis-server", *options),
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )

    def stop_redis(self) -> None:
        if self._redis:
            self._redis.kill()
            self._redis.wait()
            self._redis = None

    def _pg_ctl(self, number: int, action: str) -> None:
        data = self.folder / f"postgresql-{number}"
        settings = (
            f"-c listen_addresses={self._network.address(HOST, number)} -c unix_socket_directories= "
            "-c fsync=off -c shared_buffers=64MB -c max_connections=300"
        )
        mode = {"restart": ["-m", "immediate"], "stop": ["-m", "fast"]}.get(action, [])
        options = ["-o", settings, "-l", f"{data}.log"] if action != "stop" else []
        self._as_postgres(postgresql_programs() / "pg_ctl", "-D", data, "-w", *mode, *options, action)

    def _as_postgres(self, *words: str | Path) -> None:
        run(*self._network.command(HOST, "runuser", "-u", "postgres", "--", *words))
