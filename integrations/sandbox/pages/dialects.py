"""The page with the dialects."""

from __future__ import annotations

from aiohttp import web

from integrations.sandbox.dialects.dialect import BadDialect
from integrations.sandbox.dialects.traits import TRAITS
from integrations.sandbox.inbound import STATE
from integrations.sandbox.pages.base import render


def add_routes(app: web.Application) -> None:
    """Serve /dialects."""
    app.add_routes(
        [
            web.get("/dialects", _show),
            web.post("/dialects", _switch_on),
            web.post("/dialects/difficult-day", _difficult_day),
            web.post("/dialects/off", _switch_off),
        ]
    )


async def _show(request: web.Request) -> web.StreamResponse:
    return _page(request, "")


async def _switch_on(request: web.Request) -> web.StreamResponse:
    """One partner's form: the ticked traits, for one organization or for all."""
    state, form = request.app[STATE], await request.post()
    seed, org = str(form.get("seed", "")).strip() or "0", str(form.get("org", "")) or None
    if not seed.removeprefix("-").isdecimal():
        return _page(request, "Seed: a whole number is required.")
    if org is not None:
        state.org(org)
    traits = [str(name) for name in form.getall("trait", [])]
    try:
        state.dialects.switch_on(
            {"side": str(form.get("side", "")), "traits": traits, "org": org, "seed": int(seed)}
        )
    except BadDialect as error:
        return _page(request, f"{error}")
    raise web.HTTPSeeOther("/dialects")


async def _difficult_day(request: web.Request) -> web.StreamResponse:
    dialects = request.app[STATE].dialects
    # A dialect for one organization takes precedence over one for all.
    dialects.clear()
    dialects.switch_on({"preset": "difficult_day"})
    raise web.HTTPSeeOther("/dialects")


async def _switch_off(request: web.Request) -> web.StreamResponse:
    request.app[STATE].dialects.clear()
    raise web.HTTPSeeOther("/dialects")


def _page(request: web.Request, error: str) -> web.Response:
    return render(request, "dialects.html", 400 if error else 200, traits=TRAITS, error=error)
