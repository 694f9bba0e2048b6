"""The control API, with which tests, benchmarks and the chaos test steer the sandbox."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from integrations.sandbox.ashby.assessments import ledger_json
from integrations.sandbox.dialects.dialect import BadDialect
from integrations.sandbox.failures import PARTNERS, BadFailure
from integrations.sandbox.inbound import STATE
from integrations.sandbox.justifacts.orders import CannotMove
from integrations.sandbox.models import BadSetting, Org, change_settings
from integrations.sandbox.org_config import BadConfig, parse_org, parse_orgs
from integrations.sandbox.state import State, UnknownOrg

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadRequest(ValueError):
    """The control call is invalid. The message says what to correct."""


class NotFound(LookupError):
    """The object of the control call does not exist."""


def add_routes(app: web.Application) -> None:
    """Serve the parts of /control/ that concern both partners."""
    app.add_routes(
        [
            web.get("/control/health", _health),
            web.get("/control/orgs", _orgs),
            web.post("/control/orgs", _upsert),
            web.post("/control/reset", _reset),
            web.get("/control/failures", _failures),
            web.post("/control/failures", _switch_on),
            web.delete("/control/failures", _switch_off),
            web.get("/control/settings", _settings),
            web.post("/control/settings", _change_settings),
            web.get("/control/calls", _calls),
            web.get("/control/ledger", _ledger),
        ]
    )


@web.middleware
async def control_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer an invalid control call with 400, 404 or 409 and JSON that says what to correct."""
    if not request.path.startswith("/control/"):
        return await handler(request)
    try:
        return await handler(request)
    except (UnknownOrg, NotFound) as error:
        return web.json_response({"error": str(error)}, status=404)
    except CannotMove as error:
        return web.json_response({"error": str(error)}, status=409)
    except (BadRequest, BadConfig, BadDialect, BadFailure, BadSetting) as error:
        return web.json_response({"error": str(error)}, status=400)


async def json_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body, empty for an empty body. Raises ``BadRequest``."""
    if not await request.read():
        return {}
    try:
        body = await request.json()
    except ValueError as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("a JSON object is required")
    return body


def wanted_orgs(state: State, slug: str | None) -> list[Org]:
    """The organization with this slug, or all without a slug. Raises ``UnknownOrg``."""
    return [state.org(slug)] if slug else list(state.orgs.values())


def limit_of(request: web.Request, default: int) -> int:
    """The query parameter `limit`. Raises ``BadRequest``."""
    text = request.query.get("limit", str(default))
    if not text.isdigit():
        raise BadRequest("limit: a number is required")
    return int(text)


async def _health(request: web.Request) -> web.StreamResponse:
    state = request.app[STATE]
    uptime = round(time.time() - state.started_at, 3)
    return web.json_response(
        {
            "ok": True,
            "pid": os.getpid(),
            "uptime_seconds": uptime,
            "orgs": sorted(state.orgs),
            "url": state.base_url,
        }
    )


async def _orgs(request: web.Request) -> web.StreamResponse:
    state = request.app[STATE]
    return web.json_response({"orgs": [_org_json(org) for org in state.orgs.values()]})


async def _upsert(request: web.Request) -> web.StreamResponse:
    state, body = request.app[STATE], await json_object(request)
    configs = parse_orgs(body) if "orgs" in body else [parse_org(body)]
    return web.json_response({"orgs": [_org_json(state.upsert_org(config)) for config in configs]})


async def _reset(request: web.Request) -> web.StreamResponse:
    request.app[STATE].reset()
    return web.json_response({"ok": True})


async def _failures(request: web.Request) -> web.StreamResponse:
    return web.json_response({"failures": request.app[STATE].failures.as_json()})


async def _switch_on(request: web.Request) -> web.StreamResponse:
    failures = request.app[STATE].failures
    switched = failures.switch_on(await json_object(request))
    return web.json_response({"id": switched.id, "failures": failures.as_json()})


async def _switch_off(request: web.Request) -> web.StreamResponse:
    failures, side, number = request.app[STATE].failures, request.query.get("side"), request.query.get("id")
    if (side is not None and side not in PARTNERS) or (number is not None and not number.isdigit()):
        raise BadRequest(f"side: one of {', '.join(PARTNERS)}; id: a number")
    failures.clear(side, int(number) if number else None)
    return web.json_response({"failures": failures.as_json()})


async def _settings(request: web.Request) -> web.StreamResponse:
    state = request.app[STATE]
    per_org = {org.slug: vars(org.settings) for org in state.orgs.values()}
    return web.json_response({"defaults": vars(state.defaults), "orgs": per_org})


async def _change_settings(request: web.Request) -> web.StreamResponse:
    """For one organization, or for all present and future ones."""
    state, body = request.app[STATE], await json_object(request)
    slug = body.pop("org", None)
    targets = [org.settings for org in wanted_orgs(state, slug)]
    for settings in targets if slug else [state.defaults, *targets]:
        change_settings(settings, body)
    return await _settings(request)


async def _calls(request: web.Request) -> web.StreamResponse:
    """Recorded calls, newest first."""
    state, query = request.app[STATE], request.query
    names = ("side", "org", "name", "direction", "application_id", "assessment_id", "order_id")
    calls = state.calls.select(limit_of(request, 2000), **{name: query.get(name) for name in names})
    return web.json_response({"calls": [vars(call) for call in calls]})


async def _ledger(request: web.Request) -> web.StreamResponse:
    """The counts of one organization, or of all by slug."""
    state, slug = request.app[STATE], request.query.get("org")
    if slug:
        return web.json_response(ledger_json(state, state.org(slug)))
    return web.json_response({"orgs": {org.slug: ledger_json(state, org) for org in state.orgs.values()}})


def _org_json(org: Org) -> dict[str, Any]:
    """An organization without its keys."""
    return {
        "slug": org.slug,
        "name": org.name,
        "portal_url": org.portal_url,
        "push_url": org.push_target,
        "has_verification_key": bool(org.verification_key),
        "ashby_keys": [
            {"title": key.title, "scopes": key.scopes, "active": key.active} for key in org.ashby_keys
        ],
        "jobs": [{"id": job.id, "name": job.name, "status": job.status} for job in org.jobs.values()],
        "applications": [
            {"id": one.id, "job_id": one.job_id, "name": one.name} for one in org.applications.values()
        ],
        "packages": [vars(package) for package in org.packages.values()],
    }
