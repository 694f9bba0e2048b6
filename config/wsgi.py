"""The web process's entry point."""

import os
import socket
import stat
import sys
from contextlib import suppress
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections
from whitenoise.middleware import WhiteNoiseFileResponse  # type: ignore[import-untyped]

from config.postgresql.pool import use_pool

#: ``--blocking-threads`` in the Procfile.
THREADS = 8
#: A client that accepts no byte of an answer for so long is disconnected.
STALLED_SECONDS = 5 * 60


def disconnect_stalled_readers(seconds: float = STALLED_SECONDS) -> None:
    """Set TCP_USER_TIMEOUT on the sockets on which this process listens; connections inherit it.

    Granian 2.8 has no write time-out: without this limit, a client that reads nothing blocks a thread for
    ever. The option covers clients that are gone and clients that only keep the connection open (``man 7
    tcp``). Linux only; on other systems a proxy's time-outs have to suffice.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None or not os.path.isdir("/proc/self/fd"):
        return
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # closed meanwhile
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as copy:
                    if copy.family != socket.AF_UNIX and _is_listening(copy):
                        copy.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1000))


def _is_listening(candidate: socket.socket) -> bool:
    return bool(candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Send a static file in one piece (the largest has 4 MB): sent in pieces of 4 kB to a slow client, it would
# block a thread.
WhiteNoiseFileResponse.block_size = 4 * 1024 * 1024
disconnect_stalled_readers()
# Switch threads every millisecond (default: 5 ms), so that a call is not delayed by a thread that computes,
# such as a download.
sys.setswitchinterval(0.001)

application = get_wsgi_application()
# Import every page before the first request.
import_module(settings.ROOT_URLCONF)
use_pool(connections, THREADS)
