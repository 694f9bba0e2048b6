"""The other side of a call, on a bare socket."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from integrations.http import client
from tests.integrations.http.sockets import read_request


@pytest.fixture
def serve(settings) -> Iterator[Callable[..., tuple[str, list[bytes]]]]:
    """Starts a server with one script a connection: a list of answers, after which it closes the connection.
    Returns the server's URL and the requests that it receives."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with contextlib.ExitStack() as stack:

        def start(*scripts: list[bytes]) -> tuple[str, list[bytes]]:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(10)
            got: list[bytes] = []
            thread = threading.Thread(target=_serve, args=(listener, scripts, got))
            thread.start()
            stack.callback(thread.join, 10)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/x", got

        yield start
    client._sessions.__dict__.clear()


def _serve(listener: socket.socket, scripts: tuple[list[bytes], ...], got: list[bytes]) -> None:
    for script in scripts:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(ConnectionError):
            connection.settimeout(10)
            for answer in script:
                got.append(read_request(connection))
                connection.sendall(answer)
