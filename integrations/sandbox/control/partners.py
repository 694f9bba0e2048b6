"""The control API for each partner: what users of Ashby and staff of Justifacts do."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from integrations.sandbox.ashby import actions
from integrations.sandbox.control.api import BadRequest, NotFound, json_object, limit_of, wanted_orgs
from integrations.sandbox.inbound import STATE
from integrations.sandbox.justifacts import orders
from integrations.sandbox.justifacts.api import PUSHER
from integrations.sandbox.models import Application, Assessment, Order, Org
from integrations.sandbox.outbound import SESSION, Subject
from integrations.sandbox.state import State

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
    state, body = request.app[STATE], await json_object(request)
    outcome = await actions.list_types(state, request.app[SESSION], state.org(body.get("org")))
    return web.json_response(outcome.as_json())


async def _start(request: web.Request) -> web.StreamResponse:
    """Start a check by a call to the portal; `raw_body` replaces the valid body."""
    state, session, body = request.app[STATE], request.app[SESSION], await json_object(request)
    org = state.org(body.get("org"))
    application = _application(state, org, body)
    if "raw_body" in body:
        call = body["raw_body"]
    else:
        wanted_type = body.get("assessment_type_id") or body.get("assessment_type")
        type_id = await actions.find_type(state, session, org, wanted_type)
        if type_id is None and not body.get("assessment_type_id"):
            raise BadRequest(f"assessment_type: the portal lists no {wanted_type!r}")
        call = _with_overrides(
            actions.start_body(
                state, org, application, type_id or str(wanted_type), body.get("additional_fields")
            ),
            body,
        )
    outcome = await actions.start(state, session, org, application, call)
    return web.json_response({**outcome.as_json(), "application_id": application.id, "sent": call})


async def _cancel(request: web.Request) -> web.StreamResponse:
    state, body = request.app[STATE], await json_object(request)
    outcome = await actions.cancel(
        state, request.app[SESSION], state.org(body.get("org")), _text(body, "assessment_id")
    )
    return web.json_response(outcome.as_json())


async def _call(request: web.Request) -> web.StreamResponse:
    """Make any call with any body: an object, or `raw` text that need not be JSON."""
    state, body = request.app[STATE], await json_object(request)
    org, name = state.org(body.get("org")), _text(body, "name")
    sent = body["raw"] if isinstance(body.get("raw"), str) else json.dumps(body.get("body", {}))
    answer = await actions.call_portal(state, request.app[SESSION], org, name, sent, Subject())
    return web.json_response(answer.as_json())


async def _assessments(request: web.Request) -> web.StreamResponse:
    state, query = request.app[STATE], request.query
    found = [
        one
        for org in wanted_orgs(state, query.get("org"))
        for one in state.assessments_of(org, query.get("application_id"))
    ]
    limit = limit_of(request, len(found))
    return web.json_response(
        {"assessments": [assessment_json(one) for one in found[-limit:]] if limit else []}
    )


async def _assessment(request: web.Request) -> web.StreamResponse:
    one = request.app[STATE].assessments.get(request.match_info["id"].lower())
    if one is None:
        raise NotFound("no such assessment")
    return web.json_response(assessment_json(one))


async def _orders(request: web.Request) -> web.StreamResponse:
    state, query = request.app[STATE], request.query
    found = [
        order
        for org in wanted_orgs(state, query.get("org"))
        for order in state.orders_of(org)
        if query.get("reference_id") in (None, order.reference_id)
    ]
    limit = limit_of(request, len(found))
    return web.json_response({"orders": [order_json(state, one) for one in found[-limit:]] if limit else []})


async def _order(request: web.Request) -> web.StreamResponse:
    state = request.app[STATE]
    return web.json_response(order_json(state, _find_order(state, request.match_info["id"])))


async def _step(request: web.Request) -> web.StreamResponse:
    """Move an order and push it, in the background or (with `wait`) before the answer."""
    state, body = request.app[STATE], await json_object(request)
    order = _find_order(state, request.match_info["id"])
    repeat, push = body.pop("repeat", 1), body.pop("push", state.org(order.org).settings.push)
    wait, move = body.pop("wait", False), body.pop("move", True)
    if type(repeat) is not int or not 1 <= repeat <= 100:
        raise BadRequest("repeat: a number from 1 to 100")
    if move:
        orders.step(state, order, **_checked_step(body))
    answer: dict[str, Any] = {"order": order_json(state, order), "pushed": bool(push)}
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


def _application(state: State, org: Org, body: dict[str, Any]) -> Application:
    """The given application, or one of a new candidate."""
    identifier = body.get("application_id")
    if identifier is None:
        candidate = body.get("candidate")
        return actions.new_application(
            state, org, candidate if isinstance(candidate, dict) else {}, body.get("job_id")
        )
    if identifier not in org.applications:
        raise NotFound("no such application")
    return org.applications[identifier]


def _with_overrides(call: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """The body with the fields of `candidate`, `application` and `job` that the control call gives."""
    for part in _PARTS:
        if isinstance(body.get(part), dict):
            call[part] = {**call[part], **body[part]}
    return call


def _find_order(state: State, identifier: str) -> Order:
    """The order with this id, or else the first with this reference."""
    if identifier in state.orders:
        return state.orders[identifier]
    for slug in state.orgs:
        found = state.orders.with_reference(slug, identifier)
        if found:
            return found[0]
    raise NotFound("no such order")


def assessment_json(one: Assessment) -> dict[str, Any]:
    """An assessment with all its updates."""
    return vars(one)


def order_json(state: State, order: Order) -> dict[str, Any]:
    """An order as received and in its present state."""
    with_reference = [one.id for one in state.orders.with_reference(order.org, order.reference_id)]
    return {**vars(order), "orders_for_reference": with_reference, "starts_for_reference": order.start_calls}


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{field}: a string is required")
    return value
