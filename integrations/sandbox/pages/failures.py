"""The page with the failure switches."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from integrations.sandbox.failures import MODES, BadFailure
from integrations.sandbox.inbound import STATE
from integrations.sandbox.pages.base import render

CALLS = {
    "ashby": ("assessment.update", "apiKey.info", "job.list"),
    "justifacts": ("assessment.list", "assessment.start", "assessment.cancel", "assessment.status"),
}
_NUMBERS = {"count": int, "seconds": float, "status": int}


def add_routes(app: web.Application) -> None:
    """Serve /failures."""
    app.add_routes(
        [
            web.get("/failures", _show),
            web.post("/failures", _switch_on),
            web.post("/failures/off", _switch_off),
        ]
    )


async def _show(request: web.Request) -> web.StreamResponse:
    return _page(request, {}, "")


async def _switch_on(request: web.Request) -> web.StreamResponse:
    form = {key: str(value).strip() for key, value in (await request.post()).items()}
    try:
        request.app[STATE].failures.switch_on(_body(form))
    except BadFailure as failure:
        return _page(request, form, str(failure))
    raise web.HTTPSeeOther("/failures")


async def _switch_off(request: web.Request) -> web.StreamResponse:
    number = str((await request.post()).get("id", ""))
    request.app[STATE].failures.clear(identifier=int(number) if number.isdigit() else None)
    raise web.HTTPSeeOther("/failures")


def _body(form: dict[str, str]) -> dict[str, Any]:
    """The form as the JSON of the control API. Raises ``BadFailure``."""
    body: dict[str, Any] = {name: value for name, value in form.items() if value}
    for name, kind in _NUMBERS.items():
        if name in body:
            try:
                body[name] = kind(body[name])
            except ValueError as error:
                raise BadFailure(f"{name}: a number is required") from error
    if "after" in body:
        body["after"] = True
    return body


def _page(request: web.Request, form: dict[str, str], error: str) -> web.Response:
    status = 400 if error else 200
    return render(request, "failures.html", status, modes=MODES, calls=CALLS, form=form, error=error)
