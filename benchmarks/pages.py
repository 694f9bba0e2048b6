"""Compares the portal's pages with few and with many orders: ``python -m benchmarks.pages``.

Fills a database for each number of orders, starts a web process on each, signs in as support (who sees all
organizations) and as the admin of the largest organization, and requests each page of each in turns. Prints
the medians in milliseconds and their ratios. ``--keep NAME`` keeps the databases for the next run.
"""

import argparse
import base64
import hashlib
import json
import os
import statistics
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import requests

from .stack import Stack

SERVER = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432")
#: The password is the user name.
SUPPORT, ORG_ADMIN = "bench-support", "bench-admin"
_MOST_RATIO, _MOST_MS = 1.5, 300
#: The same for all runs, so that a kept database stays readable.
KEY = base64.urlsafe_b64encode(hashlib.sha256(b"benchmark").digest()).decode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--orders", default="10000,1000000", help="numbers of orders, the smallest first")
    parser.add_argument("--keep", default="", metavar="NAME", help="use and keep the databases NAME_ORDERS")
    parser.add_argument("--sqlite", action="store_true", help="SQLite files instead of PostgreSQL databases")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="only pages whose name contains this text")
    options = parser.parse_args()
    counts = [int(count) for count in options.orders.split(",")]
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="portal-pages-")))
        portals = []
        for count in counts:
            name = f"{options.keep or f'portal_pages_{os.getpid()}'}_{count}"
            url = f"sqlite:///{folder / name}" if options.sqlite else f"{SERVER}/{name}"
            if options.sqlite and options.keep:
                url = f"sqlite:///{Path(tempfile.gettempdir()) / name}"
            if not options.sqlite:
                create_database(name)
                if not options.keep:
                    opened.callback(drop_database, name)
            (folder / str(count)).mkdir()
            stack = opened.enter_context(closing(Stack(folder / str(count), url)))
            portals.append(Portal(stack, count))
        measure(portals, counts, options.rounds, options.only)


class Portal:
    """A web process on its own database, with a signed-in session of each person."""

    def __init__(self, stack: Stack, orders: int) -> None:
        self._stack = stack
        # Without it support would be redirected to the set-up of two-factor authentication.
        stack.environment |= {"FIELD_ENCRYPTION_KEYS": KEY, "REQUIRE_TWO_FACTOR": "off", "WEB_WORKERS": "1"}
        stack.run("-m", "benchmarks.fill", "--orders", str(orders), "--unless-filled")
        self.pages: dict[str, str] = json.loads(stack.run("-m", "benchmarks.inside", "page_urls"))
        # The broker holds the cache too.
        stack.start("broker", "web")
        stack.wait("the web process", lambda: stack.answers("/health/live"))
        self._sessions = {name: self._signed_in(name) for name in (SUPPORT, ORG_ADMIN)}

    def milliseconds(self, person: str, page: str) -> float | None:
        """The time until the whole page was received, or until the first rows of an export were; None if the
        portal has no such page."""
        began = time.perf_counter()
        answer = self._sessions[person].get(
            f"{self._stack.portal_url}{self.pages[page]}", timeout=120, stream=True, allow_redirects=False
        )
        with answer:
            next(answer.iter_content(1 << 24), b"")
            passed = (time.perf_counter() - began) * 1000
        return passed if answer.status_code == 200 else None

    def _signed_in(self, name: str) -> requests.Session:
        session, url = requests.Session(), f"{self._stack.portal_url}/admin/login/"
        session.get(url, timeout=30)
        posted = {"username": name, "password": name, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        answer = session.post(url, posted, headers={"Referer": url}, timeout=30, allow_redirects=False)
        if answer.status_code != 302:
            raise SystemExit(f"{name} could not sign in: {answer.status_code}")
        return session


def measure(portals: list[Portal], counts: list[int], rounds: int, only: str) -> None:
    head = [f"{count:,}" for count in counts]
    print(f"{'':34}" + "".join(f"{who:>{11 * len(counts) + 9}}" for who in ("support", "org admin")))
    print(f"{'page':34}" + ("".join(f"{each:>11}" for each in head) + f"{'ratio':>9}") * 2)
    missed = 0
    for page in portals[0].pages:
        if only not in page:
            continue
        line = f"{page:34}"
        for person in (SUPPORT, ORG_ADMIN):
            times: list[list[float | None]] = [[] for _ in portals]
            for _ in range(rounds + 1):
                for portal, found in zip(portals, times, strict=True):
                    found.append(portal.milliseconds(person, page))
            # The first request fills caches.
            medians = [None if None in found else statistics.median(found[1:]) for found in times]  # type: ignore[type-var]
            line += "".join(f"{'-' if each is None else f'{each:.0f}':>11}" for each in medians)
            least, most = medians[0], medians[-1]
            ratio = most / least if least and most else None
            is_missed = (ratio or 0) > _MOST_RATIO or (most or 0) > _MOST_MS
            missed += is_missed
            line += f"{'' if ratio is None else f'{ratio:.2f}':>7}{' !' if is_missed else '  '}"
        print(line, flush=True)
    print(f"{missed} medians miss the bar of {_MOST_RATIO} times and {_MOST_MS} ms (!).")


def create_database(name: str) -> None:
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(f'CREATE DATABASE "{name}"')


def drop_database(name: str) -> None:
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


if __name__ == "__main__":
    main()
