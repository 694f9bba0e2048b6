"""What one ``assessment.start`` (or ``list``) costs: ``python -m benchmarks.cost [list] [--profile]``.

Calls the portal's WSGI application in this process. Prints the processor time of the process and of its
PostgreSQL backends, the statements of one call, and how many Redis commands and flushes of the write-ahead
log it takes. Uses ``DATABASE_URL``, an empty database or one that it has prepared before,
``CELERY_BROKER_URL`` and ``CACHE_URL``.
"""

import argparse
import base64
import io
import json
import os
import signal
import time
import uuid
from collections import Counter
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from .load import PLACEHOLDER
from .stack import ROOT, VERIFICATION_KEY
from .web import start_body

_WARM_UP, _BATCHES, _CALLS = 60, 12, 50
_PROFILED_CALLS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("call", nargs="?", default="start", choices=["start", "list"])
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    options = parser.parse_args()
    os.environ.setdefault("DEBUG", "off")
    from config.wsgi import application  # sets Django up

    package = _prepare()
    body = json.dumps(start_body(package) if options.call == "start" else {}).encode()

    def call() -> None:
        _post(application, f"/ashby/assessment.{options.call}", body)

    for _ in range(_WARM_UP):
        call()
    before = _counters()
    batches = [_cpu_of(call) for _ in range(_BATCHES)]
    after = _counters()
    total = _BATCHES * _CALLS
    portal, database = median(one[0] for one in batches), median(one[1] for one in batches)
    print(f"portal {portal:.2f} ms, database {database:.2f} ms of processor time")
    # Each reading of the counters costs a few commands and statements itself.
    print(", ".join(f"{name} {(after[name] - before[name]) / total:.1f}" for name in before))
    _print_statements(call)
    if options.profile:
        _print_profile(call, portal)


def _prepare() -> str:
    from django.core.management import call_command

    from integrations.connections import connect
    from integrations.models import Connection, Package

    call_command("migrate", verbosity=0)
    if not Connection.objects.exists():
        connection = connect.connect("Bench", slug="bench", verification_key=VERIFICATION_KEY)
        for name in ("Basic", "Standard", "Executive"):
            Package.objects.create(
                organization=connection.organization,
                justifacts_id=name,
                name=name,
                description=f"{name} check",
            )
    return str(Package.objects.filter(organization__slug="bench").earliest("pk").assessment_type_id)


def _post(application: Any, path: str, body: bytes) -> None:
    body = body.replace(PLACEHOLDER.encode(), str(uuid.uuid4()).encode())
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{VERIFICATION_KEY}:".encode()).decode(),
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "bench",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    statuses: list[str] = []
    response = application(environ, lambda status, headers, exc_info=None: statuses.append(status))
    content = b"".join(response)
    response.close()
    if statuses != ["200 OK"]:
        raise SystemExit(f"{statuses}: {content.decode()}")


def _cpu_of(call: Any) -> tuple[float, float]:
    """Milliseconds a call: of this process, and of the PostgreSQL backends."""
    backends, began = _backend_seconds(), time.process_time()
    for _ in range(_CALLS):
        call()
    ended = time.process_time()
    return (ended - began) * 1000 / _CALLS, (_backend_seconds() - backends) * 1000 / _CALLS


def _backends() -> list[int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return [pid for (pid,) in cursor.fetchall()]


def _backend_seconds() -> float:
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9 for pid in _backends())


def _counters() -> dict[str, float]:
    import redis
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        # Backends report their statistics with a delay of up to a second.
        cursor.execute("SELECT pg_sleep(1.2)")
        cursor.execute("SELECT wal_sync, wal_bytes FROM pg_stat_wal")
        syncs, written = cursor.fetchone()
        cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        (commits,) = cursor.fetchone()
    broker = settings.CELERY_BROKER_URL
    client = redis.Redis.from_url(broker) if urlsplit(broker).scheme == "redis" else None
    stats = client.info("commandstats") if client else {}
    calls = sum(one["calls"] for one in stats.values())
    return {"Redis commands": calls, "commits": commits, "WAL flushes": syncs, "WAL bytes": float(written)}


def _print_statements(call: Any) -> None:
    from django.db import connection

    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        call()
    print(f"{len(seen)} statements of Django:")
    for sql in seen:
        print(f"  {sql[:150]}")


def _print_profile(call: Any, milliseconds: float) -> None:
    """Which functions use the processor, with the functions that they call: samples of the stack, a clock
    tick of processor time apart, so the profile slows nothing down."""
    inclusive, own = Counter[str](), Counter[str]()

    def sample(_: int, frame: FrameType | None) -> None:
        own[_name(frame)] += 1
        names = set()
        while frame is not None:
            names.add(_name(frame))
            frame = frame.f_back
        inclusive.update(names)

    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    for _ in range(_PROFILED_CALLS):
        call()
    signal.setitimer(signal.ITIMER_PROF, 0)
    for title, counter, number in (("with what they call", inclusive, 140), ("alone", own, 40)):
        print(f"milliseconds of functions {title} ({own.total()} samples)")
        for name, count in counter.most_common(number):
            print(f"  {milliseconds * count / own.total():6.2f}  {name}")


def _name(frame: FrameType | None) -> str:
    if frame is None:
        return ""
    path = frame.f_code.co_filename.rpartition("site-packages/")[2].removeprefix(f"{ROOT}/")
    return f"{path}:{frame.f_code.co_qualname}"


if __name__ == "__main__":
    main()
