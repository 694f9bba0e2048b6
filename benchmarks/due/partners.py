"""Ashby and Justifacts in one process that accepts every call: ``python -m benchmarks.due.partners``.

Each answer takes ``--delay`` milliseconds, and polls change nothing. Raw HTTP/1.1, so that it leaves the
processor to the portal.
"""

import argparse
import asyncio
import json
import uuid

_STATUS = {"identifier": "status", "label": "Status", "type": "string", "value": "Justifacts Received"}


class _Partner(asyncio.Protocol):
    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        _, _, rest = head.lower().partition(b"content-length:")
        if not separator or len(body) < int(rest.partition(b"\r\n")[0] or 0):
            return
        self.buffer = b""
        asyncio.get_running_loop().call_later(self.delay, self._answer, head.split(b" ", 2)[1], body)

    def _answer(self, path: bytes, body: bytes) -> None:
        results = {}
        if path.endswith(b"assessment.status"):
            results = {"assessment_id": json.loads(body)["assessment_id"], "assessment_status": _STATUS}
        elif path.endswith(b"assessment.start"):
            results = {"assessment_id": f"JF-{uuid.uuid4()}"}
        answer = json.dumps({"success": True, "results": results}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
        if isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.transport.write(head.encode() + answer)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Partner, "127.0.0.1", port, backlog=500)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.due.partners", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=80)
    options = parser.parse_args()
    _Partner.delay = options.delay / 1000
    asyncio.run(_serve(options.port))
