"""Run the portal's processes in the foreground.

``run``: the portal alone, configured by the environment. ``demo``: the portal with the sandbox (a stand-in
Ashby and a stand-in Justifacts) and an organization that is connected to it. A process that exits is
restarted; Ctrl-C or SIGTERM stops all.

``web``, ``worker``, ``scheduler``: one process, for several hosts and for init systems, which restart it.
``migrate``: applies the migrations and exits. With ``MIGRATE=off`` the others wait until ``migrate`` has run.
"""

import argparse
import os
import shlex
import subprocess  # nosec B404 # starts this project's own commands
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import django
from django.apps import apps
from django.core.checks import run_checks
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from honcho.environ import parse_procfile

from config import env
from config.supervisor import Supervisor

#: Processes of the Procfile that run alone on a host.
_ROLES = ("web", "worker", "scheduler")
#: How long a starting process waits for the database.
_DATABASE_SECONDS, _MESSAGE_EVERY_SECONDS = 300, 15
_ADVICE = "Check that it is running and that DATABASE_URL is correct."


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m config.run", description=__doc__)
    parser.add_argument("what", choices=["run", "demo", "migrate", *_ROLES])
    parser.add_argument("--port", type=int, default=env.PORT, help="port of the portal")
    parser.add_argument(
        "--sandbox-port", type=int, default=9001, help="port of the sandbox (default %(default)s)"
    )
    arguments = parser.parse_args()
    if arguments.what in _ROLES and env.BROKER_IS_EMBEDDED:
        sys.exit(
            "CELERY_BROKER_URL is not set: processes that run alone need a Redis that all of them reach. "
            "`python -m config.run run` starts a broker of its own."
        )
    if arguments.what == "demo":
        environment = _demo_environment(arguments.port, arguments.sandbox_port)
    else:
        environment = env.for_children(PORT=arguments.port, PORTAL_BASE_URL=_base_url(arguments.port))
        wait_for_database()
        _check_start(arguments.what)
    if env.MIGRATE or arguments.what in ("migrate", "demo"):
        migrated = subprocess.run(  # nosec B603 # our own command, no shell
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=environment, cwd=env.BASE_DIR
        )
        if migrated.returncode:
            sys.exit("The database could not be migrated; see the messages above.")
    else:
        _wait_for_schema()
    if arguments.what != "demo":
        _compare_secrets()
    if arguments.what == "migrate":
        return
    commands = dict(parse_procfile((env.BASE_DIR / "Procfile").read_text()).processes)
    if arguments.what in _ROLES:
        os.chdir(env.BASE_DIR)
        # With exec, signals reach the process and not the shell.
        os.execve("/bin/sh", ["sh", "-c", f"exec {commands[arguments.what]}"], environment)  # nosec B606 # noqa: S606 - our own command
    supervisor = Supervisor()
    if arguments.what == "demo":
        sandbox = f"python -m integrations.sandbox --port {arguments.sandbox_port} --automatic"
        commands["sandbox"] = f"{sandbox} --storage {shlex.quote(str(env.VAR_DIR / 'sandbox.sqlite3'))}"
    commands["ready"] = f"python -m config.{'demo' if arguments.what == 'demo' else 'wait_ready'}"
    for name, command in commands.items():
        # With exec, signals reach the process and not the shell.
        supervisor.add_process(name, f"exec {command}", env=environment, cwd=str(env.BASE_DIR))
    supervisor.loop()
    sys.exit(supervisor.returncode)


def _check_start(what: str) -> None:
    """Print what the checks of a start find. After an error ``run`` goes on, because all its processes are
    on this host; a process that runs alone exits, because other hosts may differ."""
    found = run_checks(tags=["start"], include_deployment_checks=True)
    for message in found:
        print(f"{'Error' if message.is_serious() else 'Warning'}: {message.msg} {message.hint}", flush=True)
    if what != "run" and any(message.is_serious() for message in found):
        sys.exit(1)


def _wait_for_schema() -> None:
    """Return once the database has every migration of this version; one of a newer version does no harm."""
    next_message_at = 0.0
    while missing := _missing_migrations():
        if time.monotonic() > next_message_at:
            next_message_at = time.monotonic() + _MESSAGE_EVERY_SECONDS
            print(
                f"The database lacks migrations of this version ({missing}); waiting until "
                "`python -m config.run migrate` has applied them.",
                flush=True,
            )
        time.sleep(1)


def _compare_secrets() -> None:
    """Exit with a message if another host has started with other secrets."""
    # Models can be imported only after django.setup().
    model: Any = apps.get_model("integrations", "SecretFingerprint")
    try:
        model.compare_and_record()
    except model.Differs as error:
        sys.exit(str(error))
    finally:
        connection.close()


def _missing_migrations() -> int:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    connection.close()
    return missing


def _base_url(port: int) -> str:
    """PORTAL_BASE_URL, with the port of the command line unless the operator has set the URL."""
    configured = urlsplit(env.PORTAL_BASE_URL)
    return f"http://localhost:{port}" if configured.netloc == f"localhost:{env.PORT}" else env.PORTAL_BASE_URL


def _demo_environment(port: int, sandbox_port: int) -> dict[str, str]:
    sandbox = f"http://localhost:{sandbox_port}"
    return env.for_children(
        PORT=port,
        PORTAL_BASE_URL=f"http://localhost:{port}",
        DATABASE_URL=f"sqlite:///{env.VAR_DIR / 'portal.sqlite3'}",
        CELERY_BROKER_URL="",
        CACHE_URL="",
        ASHBY_API_BASE_URL=f"{sandbox}/ashby-api",
        JUSTIFACTS_BASE_URL=f"{sandbox}/jfacts/servlet/application_ashby/",
        OUTBOUND_ALLOWED_HOSTS=f"localhost:{sandbox_port}",
        # Trying the portal should not need an authenticator app.
        REQUIRE_TWO_FACTOR="off",
        # The demo's checks take seconds.
        POLL_INTERVAL_SECONDS=5,
        SANDBOX_PORT=sandbox_port,
        SANDBOX_CONFIG=env.demo_sandbox_config(f"http://localhost:{port}/ashby/"),
    )


def wait_for_database() -> None:
    """Return once the database answers; exit with a message if it does not answer for five minutes."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    deadline, next_message_at = time.monotonic() + _DATABASE_SECONDS, 0.0
    while True:
        try:
            connection.ensure_connection()
            connection.close()
            return
        except OperationalError:
            now = time.monotonic()
            if now > deadline:
                sys.exit(f"{_database()} did not answer for {_DATABASE_SECONDS // 60} minutes. {_ADVICE}")
            if now > next_message_at:
                next_message_at = now + _MESSAGE_EVERY_SECONDS
                print(f"{_database()} does not answer; waiting for it. {_ADVICE}", flush=True)
        time.sleep(1)


def _database() -> str:
    """The database with its host and port, without credentials."""
    settings = connection.settings_dict
    where = f" at {settings['HOST']}:{settings['PORT'] or 'the default port'}" if settings["HOST"] else ""
    return f"The database “{settings['NAME']}”{where}"


if __name__ == "__main__":
    main()
