"""The control API's part for each side: what Ashby's users do, what Justifacts' staff do."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from integrations.sandbox.ashby import actions
from integrations.sandbox.control.api import BadRequest, NotFound, json_object, limit_of, wanted_orgs
from integrations.sandbox.justifacts import orders as book
from integrations.sandbox.justifacts.api import PUSHER
from integrations.sandbox.models import Application, Assessment, Order, Org
from integrations.sandbox.outgoing import SESSION, Subject
from integrations.sandbox.wire import WORLD
from integrations.sandbox.world import World

_PARTS = ("candidate", "application", "job")


def add_routes(app: web.Application) -> None:
    """Serve /control/ashby/ and /control/justifacts/."""
    app.add_routes(
        [
            web.post("/control/ashby/list", _list),
            web.post("/control/ashby/start", _start),
            web.post("/control/ashby/cancel", _cancel),
            web.post("/control/ashby/call", _call),
            web.get("/control/ashby/assessments", _assessments),
            web.get("/control/ashby/assessments/{id}", _assessment),
            web.get("/control/justifacts/orders", _orders),
            web.get("/control/justifacts/orders/{id}", _order),
            web.post("/control/justifacts/orders/{id}/step", _step),
        ]
    )


async def _list(request: web.Request) -> web.StreamResponse:
    world, body = request.app[WORLD], await json_object(request)
    outcome = await actions.list_types(world, request.app[SESSION], world.org(body.get("org")))
    return web.json_response(outcome.as_json())


async def _start(request: web.Request) -> web.StreamResponse:
    """A real start call; `raw_body` sends exactly what is given instead of a good body."""
    world, session, body = request.app[WORLD], request.app[SESSION], await json_object(request)
    org = world.org(body.get("org"))
    application = _application(world, org, body)
    if "raw_body" in body:
        call = body["raw_body"]
    else:
        wanted = body.get("assessment_type_id") or body.get("assessment_type")
        type_id = await actions.find_type(world, session, org, wanted)
        if type_id is None and not body.get("assessment_type_id"):
            raise BadRequest(f"assessment_type: the portal lists no {wanted!r}")
        call = _with_overrides(
            actions.start_body(
                world, org, application, type_id or str(wanted), body.get("additional_fields")
            ),
            body,
        )
    outcome = await actions.start(world, session, org, application, call)
    return web.json_response({**outcome.as_json(), "application_id": application.id, "sent": call})


async def _cancel(request: web.Request) -> web.StreamResponse:
    world, body = request.app[WORLD], await json_object(request)
    outcome = await actions.cancel(
        world, request.app[SESSION], world.org(body.get("org")), _text(body, "assessment_id")
    )
    return web.json_response(outcome.as_json())


async def _call(request: web.Request) -> web.StreamResponse:
    """Any call by name with any body: an object, or `raw` text that may be no JSON at all."""
    world, body = request.app[WORLD], await json_object(request)
    org, name = world.org(body.get("org")), _text(body, "name")
    sent = body["raw"] if isinstance(body.get("raw"), str) else json.dumps(body.get("body", {}))
    answer = await actions.call_portal(world, request.app[SESSION], org, name, sent, Subject())
    return web.json_response(answer.as_json())


async def _assessments(request: web.Request) -> web.StreamResponse:
    world, query = request.app[WORLD], request.query
    found = [
        one
        for org in wanted_orgs(world, query.get("org"))
        for one in world.assessments_of(org, query.get("application_id"))
    ]
    limit = limit_of(request, len(found))
    return web.json_response(
        {"assessments": [assessment_json(one) for one in found[-limit:]] if limit else []}
    )


async def _assessment(request: web.Request) -> web.StreamResponse:
    one = request.app[WORLD].assessments.get(request.match_info["id"].lower())
    if one is None:
        raise NotFound("no such assessment")
    return web.json_response(assessment_json(one))


async def _orders(request: web.Request) -> web.StreamResponse:
    world, query = request.app[WORLD], request.query
    found = [
        order
        for org in wanted_orgs(world, query.get("org"))
        for order in world.orders_of(org)
        if query.get("reference_id") in (None, order.reference_id)
    ]
    limit = limit_of(request, len(found))
    return web.json_response({"orders": [order_json(world, one) for one in found[-limit:]] if limit else []})


async def _order(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    return web.json_response(order_json(world, _find_order(world, request.match_info["id"])))


async def _step(request: web.Request) -> web.StreamResponse:
    """Move an order and push it: in the background, or before answering with `wait`."""
    world, body = request.app[WORLD], await json_object(request)
    order = _find_order(world, request.match_info["id"])
    repeat, push = body.pop("repeat", 1), body.pop("push", world.org(order.org).settings.push)
    wait, move = body.pop("wait", False), body.pop("move", True)
    if type(repeat) is not int or not 1 <= repeat <= 100:
        raise BadRequest("repeat: a number from 1 to 100")
    if move:
        book.step(world, order, **_checked_step(body))
    answer: dict[str, Any] = {"order": order_json(world, order), "pushed": bool(push)}
    if push:
        task = request.app[PUSHER].push_soon(order, repeat)
        if wait:
            answer["push_answers"] = await task
    return web.json_response(answer)


def _checked_step(body: dict[str, Any]) -> dict[str, Any]:
    known = {"status": str, "cancelled_reason": str, "result": str, "report_url": str, "timestamp": int}
    for name, value in body.items():
        if name not in known:
            raise BadRequest(f"{name}: unknown field; known are {', '.join(known)}, push, repeat, wait, move")
        nullable = name in ("result", "report_url") and value is None
        if type(value) is not known[name] and not nullable:
            raise BadRequest(f"{name}: {known[name].__name__} required")
    return body


def _application(world: World, org: Org, body: dict[str, Any]) -> Application:
    """The named application, or a new candidate."""
    identifier = body.get("application_id")
    if identifier is None:
        candidate = body.get("candidate")
        return actions.new_application(
            world, org, candidate if isinstance(candidate, dict) else {}, body.get("job_id")
        )
    if identifier not in org.applications:
        raise NotFound("no such application")
    return org.applications[identifier]


def _with_overrides(call: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Fields of `candidate`, `application` and `job` given in the control call win."""
    for part in _PARTS:
        if isinstance(body.get(part), dict):
            call[part] = {**call[part], **body[part]}
    return call


def _find_order(world: World, identifier: str) -> Order:
    """By Justifacts' id or by reference (the first, when somebody placed twice)."""
    if identifier in world.orders:
        return world.orders[identifier]
    for slug in world.orgs:
        found = world.orders_for(slug, identifier)
        if found:
            return found[0]
    raise NotFound("no such order")


def assessment_json(one: Assessment) -> dict[str, Any]:
    """An assessment with its whole story."""
    return vars(one)


def order_json(world: World, order: Order) -> dict[str, Any]:
    """An order as received and as it stands."""
    twins = world.references.get((order.org, order.reference_id), [])
    return {**vars(order), "orders_for_reference": list(twins), "starts_for_reference": order.start_calls}


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{field}: a string is required")
    return value
