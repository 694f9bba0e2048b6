"""Helps tests to play the other side on a bare socket, for answers that no HTTP server would send."""

import socket


def read_request(connection: socket.socket) -> bytes:
    """Reads one request whose body is a JSON object. Raises ``ConnectionError`` if the client disconnects."""
    request = b""
    while not request.endswith(b"}"):
        if not (more := connection.recv(65536)):
            raise ConnectionError("the client has disconnected")
        request += more
    return request
