"""The web process's entry point."""

import os
import socket
import stat
import sys
from contextlib import suppress

from django.core.wsgi import get_wsgi_application
from whitenoise.middleware import WhiteNoiseFileResponse  # type: ignore[import-untyped]

#: A reader that takes no byte for so long is disconnected.
STALLED_SECONDS = 5 * 60


def disconnect_stalled_readers(seconds: float = STALLED_SECONDS) -> None:
    """Sets the limit on the sockets where this process listens, from which each connection inherits it.

    A thread that sends an answer waits for its reader without a limit otherwise: Granian 2.8 has no time-out
    for writing. TCP_USER_TIMEOUT covers readers that are gone and those that only keep the connection open
    (``man 7 tcp``). Linux only; elsewhere a proxy's time-outs have to do.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None or not os.path.isdir("/proc/self/fd"):
        return
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # closed meanwhile
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as found:
                    if found.family != socket.AF_UNIX and _listens(found):
                        found.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1000))


def _listens(found: socket.socket) -> bool:
    return bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# A static file goes out in one piece (the largest has 4 MB): in pieces of 4 kB, a slow reader holds a thread.
WhiteNoiseFileResponse.block_size = 4 * 1024 * 1024
disconnect_stalled_readers()
# A call waits this long, not 5 ms, for each turn beside a thread that computes, such as a download.
sys.setswitchinterval(0.001)

application = get_wsgi_application()
