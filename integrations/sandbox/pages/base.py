"""What all pages share: templates, style, the start page, the report page, pages for errors."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from integrations.sandbox.models import Order
from integrations.sandbox.storage import dotted, last_four
from integrations.sandbox.wire import WORLD
from integrations.sandbox.world import UnknownOrg

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TEMPLATES: web.AppKey[jinja2.Environment] = web.AppKey("templates", jinja2.Environment)
_SANDBOX = Path(__file__).parents[1]
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_CHECKS = (
    ("", "Identity"),
    ("ssn", "Social Security number trace"),
    ("criminal", "National criminal search"),
    ("criminal", "County criminal search"),
    ("employment", "Employment, seven years"),
    ("education", "Highest degree"),
    ("executive", "National and county criminal search"),
    ("executive", "Employment and education"),
    ("executive", "Civil litigation"),
    ("executive", "Credit"),
    ("vehicle", "Driving record"),
)


class PageNotFound(LookupError):
    """Nothing at this address."""


def set_up(app: web.Application) -> None:
    """Load the templates and serve what belongs to neither half."""
    loader = jinja2.FileSystemLoader(_SANDBOX / "templates")
    env = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    env.filters.update(moment=moment, pretty=pretty, last_four=last_four, tone=tone)
    app[TEMPLATES] = env
    app.router.add_static("/static/", _SANDBOX / "static")
    app.router.add_get("/", _home)
    app.router.add_get("/reports/{order}", _report)
    app.router.add_route("*", "/elsewhere/{name}", _elsewhere)


@web.middleware
async def page_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page about something that is not there says so, politely."""
    try:
        return await handler(request)
    except (UnknownOrg, PageNotFound) as error:
        if request.path.startswith("/control/"):
            raise
        return render(request, "error.html", status=404, message=str(error))


def render(
    request: web.Request, template: str, status: int = 200, *, shown: str = "", **context: Any
) -> web.Response:
    """One page from its template. ``shown`` is the one key that this page may show."""
    world = request.app[WORLD]
    text = request.app[TEMPLATES].get_template(template).render(world=world, path=request.path, **context)
    # No other page shows a key; should somebody have typed one into a name, it is dotted out here.
    text = dotted(text, [secret for secret in world.secrets(None) if secret != shown])
    return web.Response(text=text, status=status, content_type="text/html", headers=_PAGE_HEADERS)


def back_to(form: Mapping[str, Any], fallback: str) -> web.HTTPSeeOther:
    """After a button, back to the page it was pressed on (addresses of our own only)."""
    wanted = str(form.get("back", ""))
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return web.HTTPSeeOther(wanted if ours else fallback)


def moment(milliseconds: float | None) -> str:
    """A time for people: the time of day, with the date unless it is today."""
    if not milliseconds:
        return ""
    when = datetime.fromtimestamp(milliseconds / 1000).astimezone()
    today = when.date() == datetime.now().astimezone().date()
    return when.strftime("%H:%M:%S" if today else "%d %b %Y, %H:%M:%S")


def pretty(text: str) -> str:
    """JSON on several lines; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def tone(word: Any) -> str:
    """The colour of a status or result. Adverse is a word to look at, never an alarm."""
    tones = {
        "clear": "good",
        "review": "look",
        "adverse": "care",
        "complete": "good",
        "completed": "good",
        "cancelled": "quiet",
        "in process: justifacts": "moving",
        "applicant started": "moving",
        "started": "moving",
    }
    return tones.get(str(word).strip().lower(), "plain")


async def _home(request: web.Request) -> web.StreamResponse:
    return render(request, "home.html")


async def _report(request: web.Request) -> web.StreamResponse:
    """The report that "View report" opens; the candidate's name, the checks, the result's own word."""
    order = request.app[WORLD].orders.get(request.match_info["order"])
    if order is None:
        raise PageNotFound("There is no such report.")
    org = request.app[WORLD].org(order.org)
    package = org.packages.get(order.package_id)
    name = package.name if package else order.package_id
    return render(
        request, "report.html", order=order, org=org, package_name=name, checks=_checks(name, order)
    )


async def _elsewhere(request: web.Request) -> web.StreamResponse:
    """Where the redirect switch points: nobody should follow it with a key in hand."""
    return web.json_response({"success": False, "errors": ["elsewhere"]}, status=410)


def _checks(package_name: str, order: Order) -> list[tuple[str, str]]:
    words = package_name.lower()
    names = [check for word, check in _CHECKS if word in words]
    if order.completed_at is None:
        return [(name, "In progress") for name in names]
    # The last check carries the order's word, the others are clear.
    return [(name, "Clear") for name in names[:-1]] + [(names[-1], order.result or "Done")]
