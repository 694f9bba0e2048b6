"""The pages for API keys of the stand-in Ashby: create, activate and deactivate."""

from __future__ import annotations

import secrets
import time

from aiohttp import web

from integrations.sandbox.inbound import STATE
from integrations.sandbox.models import AshbyKey, Org
from integrations.sandbox.org_config import ALL_SCOPES
from integrations.sandbox.pages.base import PageNotFound, back_to


async def create_key(request: web.Request) -> web.StreamResponse:
    """Admin > Integrations > API Keys > + New. The key is shown on the next page only."""
    org, form = _org(request), await request.post()
    scopes = [scope for scope in ALL_SCOPES if scope.endswith(":read") or form.get("write_all")]
    title = str(form.get("title", "")).strip() or "Justifacts"
    key = AshbyKey(secrets.token_hex(32), title, scopes)
    org.ashby_keys.append(key)
    request.app[STATE].index_keys()
    org.messages["new-key"] = {"kind": "green", "text": key.key, "at": time.time() * 1000}
    raise web.HTTPSeeOther(f"/ashby/{org.slug}/settings#keys")


async def toggle_key(request: web.Request) -> web.StreamResponse:
    """Activate or deactivate a key."""
    org, number = _org(request), request.match_info["number"]
    if not number.isdigit() or int(number) >= len(org.ashby_keys):
        raise PageNotFound("There is no such key.")
    key = org.ashby_keys[int(number)]
    key.active = not key.active
    raise back_to({}, f"/ashby/{org.slug}/settings")


def _org(request: web.Request) -> Org:
    return request.app[STATE].org(request.match_info["org"])
