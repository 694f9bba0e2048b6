"""An end-to-end test with marked secrets: both partners quote them and components fail; then everything
written anywhere is searched. Not searched for: session keys in the session table, the keys in the memory of
the sandbox, which plays the partners that know them, and a switch for failures whose message the test
itself wrote there."""

import base64
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.e2e.canaries import Canaries
from tests.e2e.canary_scenario import CanaryScenario, Chat
from tests.e2e.processes import Portal
from tests.fixtures.portals import fresh_database, fresh_redis

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


@contextmanager
def _services(folder: Path) -> Iterator[dict[str, str]]:
    """PostgreSQL and Redis of its own: the encryption keys belong to this test alone."""
    with fresh_database() as database, fresh_redis(folder) as (broker, cache):
        yield {"DATABASE_URL": database, "CELERY_BROKER_URL": broker, "CACHE_URL": cache}


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.xdist_group("own")),
        pytest.param("services", marks=[pytest.mark.xdist_group("own"), pytest.mark.services]),
    ]
)
def marked(request, tmp_path: Path, canaries: Canaries, chat: str) -> Iterator[Portal]:
    """Processes of its own, with marked secrets and the most verbose logs."""
    with _services(tmp_path) if request.param == "services" else nullcontext({}) as services:
        portal = Portal(
            tmp_path,
            SECRET_KEY=canaries.add("SECRET_KEY", f"secret+key/{uuid.uuid4().hex}&{uuid.uuid4().hex}"),
            FIELD_ENCRYPTION_KEYS=canaries.add("encryption key", Fernet.generate_key().decode()),
            METRICS_TOKEN=canaries.add("METRICS_TOKEN", f"metrics-{uuid.uuid4().hex}"),
            EMAIL_URL=f"filemail:///{tmp_path}/mails",
            LOG_LEVEL="DEBUG",
            **services,
        )
        portal.environment["OUTBOUND_ALLOWED_HOSTS"] += f",{chat}"
        with portal:
            yield portal


def test_no_secret_is_written_anywhere(marked: Portal, canaries: Canaries, chat: str) -> None:
    story = CanaryScenario(marked, canaries)
    story.signs_in()
    story.stores_the_chats_address(chat)
    check = story.both_partners_quote_the_keys()
    story.staff_are_notified()
    story.keys_are_replaced_on_the_pages()
    story.both_partners_receive_everything(check)
    story.break_components()
    story.tasks_wait_in_the_broker()
    story.encryption_keys_are_rotated()
    story.open_every_page(check)

    places = dict(story.places())
    assert {"broker", "database", "GET /metrics", "chat"} <= set(places)
    assert [
        f"{where}: {found}" for where, text in places.items() for found in story.search(where, text)
    ] == []
    planted = base64.b64encode(f"{story.employer.ashby_key}:".encode())
    (marked.folder / "var" / "planted.log").write_bytes(b"Authorization: Basic " + planted)
    assert [where for where, text in story.places() if story.search(where, text)] == ["file var/planted.log"]


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
