"""Templates, static files, the start page, the report page and error pages."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from integrations.sandbox.inbound import STATE
from integrations.sandbox.models import Order
from integrations.sandbox.state import UnknownOrg
from integrations.sandbox.storage import last_four, mask

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TEMPLATES: web.AppKey[jinja2.Environment] = web.AppKey("templates", jinja2.Environment)
_SANDBOX = Path(__file__).parents[1]
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
#: A text in the name of a package, and a check that such packages contain.
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
    """There is no such page."""


def set_up(app: web.Application) -> None:
    """Load the templates and serve the pages that belong to neither partner."""
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
    """Answer with an error page if an organization or a page does not exist."""
    try:
        return await handler(request)
    except (UnknownOrg, PageNotFound) as error:
        if request.path.startswith("/control/"):
            raise
        return render(request, "error.html", status=404, message=str(error))


def render(
    request: web.Request, template: str, status: int = 200, *, shown: str = "", **context: Any
) -> web.Response:
    """Render a page. ``shown`` is the one key that the page may show; all others are masked."""
    state = request.app[STATE]
    text = request.app[TEMPLATES].get_template(template).render(state=state, path=request.path, **context)
    # A user may have typed a key into a name.
    text = mask(text, [secret for secret in state.secrets(None) if secret != shown])
    return web.Response(text=text, status=status, content_type="text/html", headers=_PAGE_HEADERS)


def back_to(form: Mapping[str, Any], fallback: str) -> web.HTTPSeeOther:
    """A redirect to the page with the button; only paths of this site are followed."""
    path = str(form.get("back", ""))
    is_local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return web.HTTPSeeOther(path if is_local else fallback)


def moment(milliseconds: float | None) -> str:
    """The local time of day, with the date unless it is today."""
    if not milliseconds:
        return ""
    when = datetime.fromtimestamp(milliseconds / 1000).astimezone()
    today = when.date() == datetime.now().astimezone().date()
    return when.strftime("%H:%M:%S" if today else "%d %b %Y, %H:%M:%S")


def pretty(text: str) -> str:
    """JSON indented; other texts unchanged."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def tone(text: Any) -> str:
    """The style of a status or result. Adverse needs attention; it is not an error."""
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
    return tones.get(str(text).strip().lower(), "plain")


async def _home(request: web.Request) -> web.StreamResponse:
    return render(request, "home.html")


async def _report(request: web.Request) -> web.StreamResponse:
    """The report that "View report" opens."""
    order = request.app[STATE].orders.get(request.match_info["order"])
    if order is None:
        raise PageNotFound("There is no such report.")
    org = request.app[STATE].org(order.org)
    package = org.packages.get(order.package_id)
    name = package.name if package else order.package_id
    return render(
        request, "report.html", order=order, org=org, package_name=name, checks=_checks(name, order)
    )


async def _elsewhere(request: web.Request) -> web.StreamResponse:
    """The target of the failure switch `redirect`, which the portal must not follow."""
    return web.json_response({"success": False, "errors": ["elsewhere"]}, status=410)


def _checks(package_name: str, order: Order) -> list[tuple[str, str]]:
    names = [check for keyword, check in _CHECKS if keyword in package_name.lower()]
    if order.completed_at is None:
        return [(name, "In progress") for name in names]
    # The last check has the order's result; the others are clear.
    return [(name, "Clear") for name in names[:-1]] + [(names[-1], order.result or "Done")]
