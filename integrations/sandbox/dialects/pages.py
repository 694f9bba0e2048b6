"""The page with the dialects, and its part of the control API."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from integrations.sandbox.control.api import BadRequest, json_object
from integrations.sandbox.dialects.kinds import PRESETS, TRAITS, BadDialect, explanations
from integrations.sandbox.failures import SIDES
from integrations.sandbox.pages.base import render
from integrations.sandbox.wire import WORLD
from integrations.sandbox.world import World

_KNOWN = {"side", "org", "traits", "seed", "preset"}


def add_routes(app: web.Application) -> None:
    """Serve /dialects and /control/dialect."""
    app.add_routes(
        [
            web.get("/dialects", _show),
            web.post("/dialects", _speak),
            web.post("/dialects/difficult-day", _difficult_day),
            web.post("/dialects/off", _off),
            web.get("/control/dialect", _control_show),
            web.post("/control/dialect", _control_speak),
            web.delete("/control/dialect", _control_off),
            web.post("/control/dialect/end-faults", _control_end_faults),
        ]
    )


def speak(world: World, body: dict[str, Any]) -> None:
    """What `POST /control/dialect` asks for. Raises ``BadDialect`` or ``UnknownOrg``."""
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        raise BadDialect(f"{unknown[0]}: unknown field; known are {', '.join(sorted(_KNOWN))}")
    org, seed = body.get("org"), body.get("seed", 0)
    if org is not None:
        world.org(org)
    if "preset" not in body:
        world.dialects.speak(body.get("side"), body.get("traits", []), org, seed)
        return
    preset = PRESETS.get(str(body["preset"]))
    if preset is None:
        raise BadDialect(f"preset: one of {', '.join(PRESETS)}")
    side = body.get("side")
    if side is not None and side not in SIDES:
        raise BadDialect(f"side: one of {', '.join(SIDES)}")
    for one in [side] if side else SIDES:
        world.dialects.speak(one, preset[one], org, seed)


async def _control_show(request: web.Request) -> web.StreamResponse:
    spoken = [dialect.as_json() for dialect in request.app[WORLD].dialects.spoken]
    return web.json_response({"dialects": spoken, "traits": explanations(), "presets": list(PRESETS)})


async def _control_speak(request: web.Request) -> web.StreamResponse:
    try:
        speak(request.app[WORLD], await json_object(request))
    except BadDialect as error:
        raise BadRequest(f"{error}") from error
    return await _control_show(request)


async def _control_off(request: web.Request) -> web.StreamResponse:
    side = request.query.get("side")
    if side is not None and side not in SIDES:
        raise BadRequest(f"side: one of {', '.join(SIDES)}")
    request.app[WORLD].dialects.clear(side, request.query.get("org"))
    return await _control_show(request)


async def _control_end_faults(request: web.Request) -> web.StreamResponse:
    request.app[WORLD].dialects.end_faults()
    return await _control_show(request)


async def _show(request: web.Request) -> web.StreamResponse:
    return _page(request, "")


async def _speak(request: web.Request) -> web.StreamResponse:
    """One side's form: the traits that are ticked, for one organization or for all."""
    form = await request.post()
    seed, org = str(form.get("seed", "")).strip() or "0", str(form.get("org", "")) or None
    if not seed.removeprefix("-").isdecimal():
        return _page(request, "Seed: a whole number is required.")
    try:
        traits = [str(name) for name in form.getall("trait", [])]
        body = {"side": str(form.get("side", "")), "traits": traits, "org": org, "seed": int(seed)}
        speak(request.app[WORLD], body)
    except BadDialect as error:
        return _page(request, f"{error}")
    raise web.HTTPSeeOther("/dialects")


async def _difficult_day(request: web.Request) -> web.StreamResponse:
    # A dialect of one organization would win over that of all.
    request.app[WORLD].dialects.clear()
    speak(request.app[WORLD], {"preset": "difficult_day"})
    raise web.HTTPSeeOther("/dialects")


async def _off(request: web.Request) -> web.StreamResponse:
    request.app[WORLD].dialects.clear()
    raise web.HTTPSeeOther("/dialects")


def _page(request: web.Request, trouble: str) -> web.Response:
    return render(request, "dialects.html", 400 if trouble else 200, traits=TRAITS, trouble=trouble)
