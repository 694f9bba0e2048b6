"""The heartbeat of a worker."""

import threading

import pytest

from config import celery


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_file_that_cannot_be_written_does_not_end_the_thread(settings, tmp_path, caplog) -> None:
    """On a read-only disk the worker would look dead, and nothing would restart it if it hung."""
    settings.WORKER_HEARTBEAT_FILE = tmp_path / "missing" / "worker.heartbeat"
    ended = []
    # In a thread of its own, as in the worker: it closes its connection of the database.
    thread = threading.Thread(target=lambda: ended.append(celery._beat()))
    thread.start()
    thread.join()
    assert ended == [None]
    assert "could not touch the worker's heartbeat file" in caplog.text
