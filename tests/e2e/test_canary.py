"""An end-to-end test with marked secrets: both partners quote them and components fail; then everything
written anywhere is searched. Not searched for: session keys in the session table, the keys in the memory of
the sandbox, which plays the partners that know them, and a switch for failures whose message the test
itself wrote there."""

import base64
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from tests.e2e.portal.canaries import Canaries
from tests.e2e.portal.canary_scenario import CanaryScenario, Chat
from tests.e2e.portal.processes import Portal
from tests.fixtures.servers.portals import on_services

pytestmark = pytest.mark.journey


@pytest.fixture
def chat() -> Iterator[str]:
    Chat.messages.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@on_services
def test_no_secret_is_written_anywhere(portal: Portal, canaries: Canaries, chat: str) -> None:
    """With PostgreSQL, whose errors quote rows. For the embedded services, test_nothing_leaks.py searches all
    files."""
    story = CanaryScenario(portal, canaries)
    story.signs_in()
    story.stores_the_chats_address(chat)
    check = story.both_partners_quote_the_keys()
    story.staff_are_notified()
    story.keys_are_replaced_on_the_pages()
    story.both_partners_receive_everything(check)
    story.break_components()
    story.encryption_keys_are_rotated_while_tasks_wait_in_the_broker()
    story.open_every_page(check)

    places = dict(story.places())
    assert {"broker", "database", "GET /metrics", "chat"} <= set(places)
    assert [
        f"{where}: {found}" for where, text in places.items() for found in story.search(where, text)
    ] == []
    planted = base64.b64encode(f"{story.employer.ashby_key}:".encode())
    file = portal.folder / "var" / "planted.log"
    file.write_bytes(b"Authorization: Basic " + planted)
    assert [where for where, text in story.places() if story.search(where, text)] == ["file var/planted.log"]
    file.unlink()


@pytest.mark.parametrize("around", ["", "x", "xy", "xyz"])
def test_a_canary_is_found_in_every_encoding(canaries: Canaries, around: str) -> None:
    """Otherwise the test would prove nothing."""
    secret = canaries.add("key", 'a+key/of"marks&more=0123')
    written = f"{around}{secret}{around}".encode()
    for text in (
        written,
        base64.b64encode(written),
        base64.urlsafe_b64encode(written),
        written.hex().encode(),
        b"a%2Bkey%2Fof%22marks%26more%3D0123",
        rb'{"key": "a+key/of\"marks&more=0123"}',
        b'a+key/of"mar... (cut)',
        b"a+key/of&quot;marks&amp;more=0123",
    ):
        assert canaries.search(text), text
    assert canaries.search(b"a key of marks") == []
