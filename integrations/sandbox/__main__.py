"""`python -m integrations.sandbox`: a stand-in Ashby and a stand-in Justifacts on one port."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import sys
from pathlib import Path

from integrations.sandbox.app import serve
from integrations.sandbox.models import Settings
from integrations.sandbox.org_config import BadConfig, OrgConfig, parse_orgs
from integrations.sandbox.state import State
from integrations.sandbox.storage import Storage

_EPILOG = """\
Configuration (--config, or the environment variable SANDBOX_CONFIG holding the JSON itself):
  {"orgs": [{"name": "Acme", "slug": "acme", "verification_key": "...",
             "portal_url": "http://localhost:8000/ashby/",
             "ashby_keys": [{"key": "...", "title": "Justifacts", "scopes": ["candidates:write", ...]}]}]}

Settings of the portal: ASHBY_API_BASE_URL=http://HOST:PORT/ashby-api and, per org, the staging base URL
  http://HOST:PORT/jfacts/servlet/application_ashby/  or  http://HOST:PORT/jfacts/servlet/application?ashby/

For people: http://HOST:PORT/      For scripts: http://HOST:PORT/control/
  GET  control/health | control/orgs | control/failures | control/settings | control/calls | control/ledger
  POST control/orgs | control/reset | control/failures | control/settings      DELETE control/failures
  POST control/ashby/list | start | cancel | call        GET control/ashby/assessments[/ID]
  GET  control/justifacts/orders[/ID]                    POST control/justifacts/orders/ID/step
README.md beside this file lists every field.
"""


def main(argv: list[str] | None = None) -> int:
    """Read the arguments and serve until a signal. Returns the exit code."""
    options = _parser().parse_args(argv)
    try:
        configs = _configs(options.config)
        state = State(Storage(options.storage), Settings(automatic=options.automatic))
        for config in configs:
            state.upsert_org(config)
        asyncio.run(serve(state, options.host, options.port, options.public_url))
    except (BadConfig, OSError, sqlite3.Error) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m integrations.sandbox",
        description="A stand-in Ashby and a stand-in Justifacts over real HTTP, to try and test the portal.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="interface to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=9001, help="port, 0 for a free one (default %(default)s)")
    parser.add_argument("--storage", metavar="PATH", help="SQLite file for the data (default: memory only)")
    parser.add_argument("--config", metavar="FILE", help="JSON file with the organizations")
    parser.add_argument("--public-url", metavar="URL", help="base URL of the links in orders and reports")
    parser.add_argument("--automatic", action="store_true", help="every order moves one step every 4 seconds")
    return parser


def _configs(path: str | None) -> list[OrgConfig]:
    """The organizations in the file, or else in the environment, or else none."""
    text = Path(path).read_text(encoding="utf-8") if path else os.environ.get("SANDBOX_CONFIG", "")
    if not text.strip():
        return []
    try:
        return parse_orgs(json.loads(text))
    except json.JSONDecodeError as error:
        # The parser's message may quote the text, which contains keys.
        raise BadConfig(f"the configuration is not JSON (line {error.lineno})") from None


if __name__ == "__main__":
    sys.exit(main())
