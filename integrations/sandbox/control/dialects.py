"""The control API for dialects."""

from __future__ import annotations

from aiohttp import web

from integrations.sandbox.control.api import BadRequest, json_object
from integrations.sandbox.dialects.traits import PRESETS, explanations
from integrations.sandbox.failures import PARTNERS
from integrations.sandbox.inbound import STATE


def add_routes(app: web.Application) -> None:
    """Serve /control/dialect."""
    app.add_routes(
        [
            web.get("/control/dialect", _show),
            web.post("/control/dialect", _switch_on),
            web.delete("/control/dialect", _switch_off),
            web.post("/control/dialect/end-faults", _end_faults),
        ]
    )


async def _show(request: web.Request) -> web.StreamResponse:
    active = [dialect.as_json() for dialect in request.app[STATE].dialects.active]
    return web.json_response({"dialects": active, "traits": explanations(), "presets": list(PRESETS)})


async def _switch_on(request: web.Request) -> web.StreamResponse:
    state, body = request.app[STATE], await json_object(request)
    if body.get("org") is not None:
        state.org(body["org"])
    state.dialects.switch_on(body)
    return await _show(request)


async def _switch_off(request: web.Request) -> web.StreamResponse:
    side = request.query.get("side")
    if side is not None and side not in PARTNERS:
        raise BadRequest(f"side: one of {', '.join(PARTNERS)}")
    request.app[STATE].dialects.clear(side, request.query.get("org"))
    return await _show(request)


async def _end_faults(request: web.Request) -> web.StreamResponse:
    request.app[STATE].dialects.end_faults()
    return await _show(request)
