"""PostgreSQL servers and a PgBouncer of the tests' own, which a test may switch over."""

import contextlib
import os
import select
import shutil
import socket
import subprocess  # nosec B404 # servers of the tests' own
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.journey.processes import eventually
from tests.redis_server import quiet_port
from tests.services import missing


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        missing("no PostgreSQL server is installed")
    return found[-1].parent


def _as_postgres(*command: str | Path) -> list[str]:
    """None of these programs runs as root."""
    words = [str(word) for word in command]
    return ["runuser", "-u", "postgres", "--", *words] if os.getuid() == 0 else words


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """One that the user “postgres” can reach and write."""
    folder = Path(tempfile.mkdtemp())
    try:
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Server:
    """A PostgreSQL cluster in ``folder``. It is new, or a standby of ``primary``."""

    def __init__(self, folder: Path, primary: "Server | None" = None) -> None:
        self.folder, self.port, self._bin = folder, quiet_port(), _programs()
        if primary is None:
            self._run("initdb", "-D", folder, "-U", "postgres", "-A", "trust", "--no-sync")
        else:
            source = f"host=127.0.0.1 port={primary.port} user=postgres"
            self._run(
                "pg_basebackup", "-D", folder, "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync"
            )
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off "
            "-c shared_buffers=32MB -c hot_standby=on"
        )
        self._run("pg_ctl", "-D", folder, "-w", "-l", f"{folder}.log", "-o", options, "start")

    def sql(self, *statements: str) -> None:
        url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def becomes_read_only(self) -> None:
        """With its open connections, as managed services do before a switchover."""
        self.sql("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")

    def promote(self) -> None:
        self._run("pg_ctl", "-D", self.folder, "-w", "promote")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.folder, "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
            _as_postgres(self._bin / program, *arguments), check=True, stdout=subprocess.DEVNULL, cwd="/"
        )


class Address:
    """A port that leads to one server at a time, as a name in the DNS does: connections that are open stay
    where they are."""

    def __init__(self, to: int) -> None:
        self.to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends every connection."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.to))
                except OSError:
                    near.close()
                    continue
                self._open += [near, far]
                threading.Thread(target=_join, args=(near, far), daemon=True).start()


def _join(near: socket.socket, far: socket.socket) -> None:
    """Until either side ends."""
    with near, far, contextlib.suppress(OSError):
        while True:
            for source in select.select([near, far], [], [])[0]:
                if not (data := source.recv(65536)):
                    return
                (far if source is near else near).sendall(data)


@contextlib.contextmanager
def own_pgbouncer(database_url: str, connections: int) -> Iterator[str]:
    """The address of the same database through a PgBouncer in transaction mode, which holds so many
    connections to the server; as Debian installs it otherwise."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        missing("no pgbouncer is installed")
    parts = psycopg.conninfo.conninfo_to_dict(database_url)
    port, name = quiet_port(), parts["dbname"]
    server = " ".join(f"{key}={value}" for key, value in parts.items())
    with own_folder() as folder:
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(
            f"[databases]\n{name} = {server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
            "unix_socket_dir =\nauth_type = any\npool_mode = transaction\nmax_client_conn = 200\n"
            f"default_pool_size = {connections}\n"
        )
        configuration.chmod(0o644)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
                _as_postgres(program, configuration), stdout=log, stderr=log, start_new_session=True
            )
        try:
            eventually(lambda: _answers(port), "PgBouncer answers", 20)
            yield f"postgres://postgres@127.0.0.1:{port}/{name}?pgbouncer=true"
        finally:
            process.terminate()
            process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
