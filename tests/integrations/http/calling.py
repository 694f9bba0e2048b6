"""The call that the tests of this folder make."""

from integrations.http import client
from integrations.http.errors import Answer

KEY = "key-0123456789"
URL = "https://other.test/call"
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"success":true}'
#: URLs that no call may go to.
PRIVATE_OR_INVALID = """
    https://127.0.0.1/x https://127.1.2.3:8443/x https://localhost/x https://0.0.0.0/x https://10.0.0.1/x
    https://[::1]/x https://[::ffff:127.0.0.1]/x https://[fe80::1]/x https://[fd00:ec2::254]/x
    https://172.16.0.1/x https://192.168.1.1/x https://100.64.0.1/x https://224.0.0.1/x
    https://169.254.169.254/latest/meta-data/ https://2130706433/x https://0x7f000001/x
    http://8.8.8.8/x http://127.0.0.1/x ftp://8.8.8.8/x file:///etc/passwd
    https:///x https://other.test:99999/x https://other.test:port/x https://[bad/x https://a..b/x
""".split()  # noqa: SIM905


def post(url: str = URL, *, repeatable: bool = True, hide: tuple[str, ...] = ()) -> Answer:
    return client.post(client.OutboundCall(url, {"a": "é"}, is_repeatable=repeatable, hide=hide), key=KEY)
