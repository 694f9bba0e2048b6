"""The processes of a run: those of the Procfile, a second worker, the sandbox, and (for ``services``) a
PostgreSQL and a Redis. A process that exits is restarted, as by a service manager."""

import contextlib
import glob
import os
import resource
import shutil
import signal
import subprocess  # nosec B404 # the tests start the project's own commands
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import redis
import requests

from tests.e2e.portal.processes import Portal, eventually
from tests.fixtures.servers.redis_server import quiet_port, start_redis

from .plan import LEASE_SECONDS

_CLOCK = Path(__file__).parent / "clock"
#: Functions that stand in for PostgreSQL's own, so that its clock moves with that of the portal's processes.
MOVABLE_CLOCK = """
CREATE SCHEMA IF NOT EXISTS chaos;
CREATE TABLE IF NOT EXISTS chaos.clock AS SELECT 0.0::float8 AS seconds;
CREATE OR REPLACE FUNCTION chaos.clock_timestamp() RETURNS timestamptz VOLATILE RETURN
    (SELECT pg_catalog.clock_timestamp() + seconds * interval '1 second' FROM chaos.clock);
CREATE OR REPLACE FUNCTION chaos.statement_timestamp() RETURNS timestamptz STABLE RETURN
    (SELECT pg_catalog.statement_timestamp() + seconds * interval '1 second' FROM chaos.clock);
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = chaos, pg_catalog, public', current_database());
END $$;
"""


class Processes(Portal):
    """Starts everything, restarts what exits, and injects faults into processes."""

    #: Its PostgreSQL cluster is new.
    is_migrated = False

    def __init__(self, folder: Path, backend: str) -> None:
        self.failpoints, self.clock = folder / "failpoints", folder / "clock"
        self.failpoints.mkdir()
        self.clock.write_text("0")
        self.servers = Servers(folder) if backend == "services" else None
        # PostgreSQL runs as another user, which has to reach its folder.
        super().__init__(
            folder,
            LEASE_SECONDS=str(LEASE_SECONDS),
            WORKER_THREADS="12",
            FAILPOINTS_DIR=str(self.failpoints),
            CHAOS_CLOCK=str(self.clock),
            PYTHONPATH=str(_CLOCK),
            LOG_LEVEL="WARNING",
            ASSESSMENT_START_REPLAY_SECONDS="3600",
            **(self.servers.environment if self.servers else {}),
        )
        self.commands["worker2"] = self.commands["worker"] + " --hostname second@%h"
        # The sandbox has the true time.
        self.commands["sandbox"] = f"env -u PYTHONPATH {self.commands['sandbox']}"
        self._ending = threading.Event()
        self._console_lock = threading.Lock()
        self.restarts = 0

    def __enter__(self) -> "Processes":
        if self.servers:
            self.servers.start()
        super().__enter__()
        threading.Thread(target=self._restart_exited, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        time.sleep(0.5)
        self.resume_all()
        super().__exit__(*error)
        if self.servers:
            self.servers.end()

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run a management command; one at a time, since there is one console."""
        with self._console_lock:
            return super().manage(*arguments, **environment)

    def _restart_exited(self) -> None:
        while not self._ending.wait(0.3):
            for name, process in list(self.running.items()):
                if name == "console" or process.poll() is None or self._ending.is_set():
                    continue
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                self.start(name)
                self.restarts += 1

    # Faults

    def kill(self, name: str) -> None:
        for pid in self.pids(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def pids(self, name: str) -> list[int]:
        """The id of the process; of ``web child``, that of one of the web server's workers."""
        process = self.running[name.removesuffix(" child")]
        if not name.endswith(" child"):
            return [process.pid]
        return children_of(process.pid)[-1:]

    def pause(self, name: str, seconds: float) -> None:
        """Suspend a process for so many seconds."""
        pids = self.pids(name)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        self._ending.wait(seconds)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def resume_all(self) -> None:
        """Resume all processes that were suspended, by us or at a failpoint."""
        for process in list(self.running.values()):
            for pid in [process.pid, *children_of(process.pid)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def move_clock(self, seconds: float) -> None:
        """Move the clock of the portal's processes, and of PostgreSQL, forward or back."""
        new_file = self.clock.with_suffix(".new")
        now = float(self.clock.read_text()) + seconds
        new_file.write_text(str(now))
        new_file.replace(self.clock)
        if self.servers:
            self.servers.set_clock(now)

    def fill_disk(self, seconds: float) -> None:
        """For so many seconds, no process of the portal can write a file beyond 4 KiB."""
        self._limit(4096)
        self._ending.wait(seconds)
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        """Limit the size of files. Parents come first, since a restarted child inherits its parent's
        limit."""
        for name in ("web", "worker", "worker2", "scheduler"):
            parent = self.running[name].pid
            self._limit_process(parent, size)
            for pid in children_of(parent):
                self._limit_process(pid, size)

    def _limit_process(self, pid: int, size: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def wipe_broker(self) -> None:
        """Delete all messages in the broker."""
        socket = self.folder / "var" / "broker" / "broker.sock"
        url = self.environment.get("CELERY_BROKER_URL") or f"unix://{socket}"
        with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(url) as broker:
            broker.flushall()

    def control(self, method: str, path: str, **body: Any) -> requests.Response:
        """Call the sandbox's control API."""
        return requests.request(method, f"{self.sandbox}/control/{path}", json=body or None, timeout=30)


def children_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(entry.parent.name))
    return sorted(found)


class Servers:
    """A PostgreSQL cluster and a Redis on free ports."""

    def __init__(self, folder: Path) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="chaos-pg-"))
        self._home.chmod(0o755)
        self._data = self._home / "data"
        self._bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self._run_as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self._pg_port, self._redis_port = quiet_port(), quiet_port()
        self._restarting = threading.Lock()
        self._redis: subprocess.Popen[bytes] | None = None
        self._log = folder / "redis.log"
        self.environment = {
            "DATABASE_URL": f"postgres://postgres@127.0.0.1:{self._pg_port}/postgres",
            "CELERY_BROKER_URL": f"redis://127.0.0.1:{self._redis_port}/0",
            "CACHE_URL": f"redis://127.0.0.1:{self._redis_port}/1",
        }

    def start(self) -> None:
        if os.getuid() == 0:
            shutil.chown(self._home, "postgres")
        self._run(f"{self._bin}/initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust")
        self._pg_ctl("start")
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            connection.execute(MOVABLE_CLOCK)
        self._start_redis()

    def end(self) -> None:
        self._pg_ctl("stop")
        if self._redis:
            self._redis.kill()
            self._redis.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def set_clock(self, seconds: float) -> None:
        """Set how far PostgreSQL's clock is ahead of this machine's."""
        with self._restarting, psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            connection.execute("UPDATE chaos.clock SET seconds = %s", [seconds])

    def restart_postgresql(self) -> None:
        with self._restarting:
            self._pg_ctl("restart")

    def restart_redis(self) -> None:
        with self._restarting:
            assert self._redis
            self._redis.kill()
            self._redis.wait()
            time.sleep(1)
            self._start_redis()

    def _start_redis(self) -> None:
        self._redis = start_redis(self._redis_port, self._log)

    def _pg_ctl(self, action: str) -> None:
        settings = f"-p {self._pg_port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        mode = [] if action == "start" else ["-m", "immediate"]
        log = self._home / "log"
        options = ["-o", settings, "-l", str(log)] if action != "stop" else []
        self._run(f"{self._bin}/pg_ctl", "-D", str(self._data), "-w", *mode, *options, action)

    def _run(self, *command: str) -> None:
        subprocess.run([*self._run_as, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")  # nosec B603 # noqa: S603 - our own command, no shell


__all__ = ["Processes", "children_of", "eventually"]
