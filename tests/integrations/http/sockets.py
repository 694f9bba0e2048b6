"""The other side as a bare socket, for answers that no server would give."""

import socket


def read_request(connection: socket.socket) -> bytes:
    """One request, whose body is an object. Raises ``ConnectionError`` where the caller has left."""
    request = b""
    while not request.endswith(b"}"):
        if not (more := connection.recv(65536)):
            raise ConnectionError("the caller has left")
        request += more
    return request
