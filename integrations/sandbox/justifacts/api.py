"""Justifacts' API for the portal, in the path form and in the query-string form (docs/protocol.md)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from integrations.sandbox.dialects.justifacts import digits_of
from integrations.sandbox.inbound import STATE, BadBody, InboundCall, Reply, answer, basic_user, error_body
from integrations.sandbox.justifacts import orders
from integrations.sandbox.justifacts.push import Pusher
from integrations.sandbox.models import Order, Org, Package
from integrations.sandbox.state import State

PUSHER: web.AppKey[Pusher] = web.AppKey("pusher", Pusher)


def add_routes(app: web.Application) -> None:
    """Serve both forms of the staging base URL that Justifacts' guide allows."""
    app.router.add_route("*", "/jfacts/servlet/application_ashby/{name}", _by_path)
    app.router.add_route("*", "/jfacts/servlet/application", _by_query)


async def _by_path(request: web.Request) -> web.StreamResponse:
    return await _call(request, request.match_info["name"])


async def _by_query(request: web.Request) -> web.StreamResponse:
    # The raw query: "ashby/assessment.list" is not a list of parameters.
    prefix, _, name = request.raw_path.partition("?")[2].partition("/")
    return await _call(request, name if prefix == "ashby" else "")


async def _call(request: web.Request, name: str) -> web.StreamResponse:
    state, pusher = request.app[STATE], request.app[PUSHER]
    user, password = basic_user(request.headers.get("Authorization", ""))
    org = state.verification_keys.get(user or "")
    inbound = InboundCall("justifacts", name, request, await request.read(), user, password, org)
    common = {"x-request-id": inbound.request_id}
    return await answer(state, inbound, lambda call: _process(state, pusher, call), common)


def _process(state: State, pusher: Pusher, call: InboundCall) -> Reply:
    if call.request.method != "POST":
        return _error(call, "method_not_allowed", "POST is required.", 405)
    if call.key is None:
        reply = _error(call, "unauthenticated", "HTTP Basic with the verification key is required.", 401)
        reply.headers["WWW-Authenticate"] = 'Basic realm="Justifacts"'
        return reply
    org = call.org
    if org is None or call.password:
        return _error(call, "unauthorized", "The verification key is not known.", 403)
    try:
        body = call.json()
    except BadBody as error:
        return _error(call, "invalid_input", f"{error}", 400)
    if not isinstance(body, dict):
        return _error(call, "invalid_input", "an object is required", 400)
    match call.name:
        case "assessment.list":
            return _list(org)
        case "assessment.start":
            return _start(state, pusher, org, call, body)
        case "assessment.cancel":
            return _cancel(state, pusher, org, call, body)
        case "assessment.status" if org.settings.status_call:
            return _status(state, org, call, body)
    return _error(call, "unknown_endpoint", f"There is no {call.name or 'such call'}.", 404)


def _list(org: Org) -> Reply:
    rows = [
        {"assessment_type_id": package.id, "name": package.name, "description": package.description}
        for package in org.packages.values()
        if package.active
    ]
    return Reply(200, {"success": True, "results": rows})


def _start(state: State, pusher: Pusher, org: Org, call: InboundCall, body: dict[str, Any]) -> Reply:
    problems = list(_start_problems(body))
    if not problems and call.header("Idempotency-Key") != body["reference_id"]:
        problems = ["Idempotency-Key: must equal reference_id"]
    if problems:
        return _error(call, "invalid_input", "; ".join(problems), 400)
    package = _package(org, body["assessment_type_id"])
    if package is None or not package.active:
        message = "This package is not available to your account."
        return Reply(422, {**error_body("unknown_package", message, call.request_id), "message": message})
    earlier_orders = state.orders.with_reference(org.slug, body["reference_id"])
    for order in earlier_orders:
        order.start_calls += 1
        state.save_order(order)
    if earlier_orders and org.settings.honor_idempotency:
        return _found(earlier_orders[0])
    order = orders.place(state, org, body, call.header("Idempotency-Key"), package.id)
    order.start_calls += len(earlier_orders)
    pusher.push_first(order)
    return _found(order)


def _package(org: Org, identifier: str) -> Package | None:
    """The package with this id, or with these digits in its id, as a dialect may have listed it."""
    with_number = (one for one in org.packages.values() if digits_of(one.id) == identifier)
    return org.packages.get(identifier) or next(with_number, None)


def _start_problems(body: dict[str, Any]) -> Iterator[str]:
    """The problems of a start's required fields (docs/protocol.md); other fields are not checked."""
    required = {
        "": ("assessment_type_id", "reference_id"),
        "candidate": ("first_name", "last_name", "email"),
        "application": ("ashby_id",),
        "job": ("ashby_id",),
    }
    for part, names in required.items():
        fields = body.get(part) if part else body
        if not isinstance(fields, dict):
            yield f"{part}: an object is required"
            continue
        for name in names:
            if not isinstance(fields.get(name), str) or not fields[name]:
                yield f"{part}{'.' if part else ''}{name}: a string is required"


def _cancel(state: State, pusher: Pusher, org: Org, call: InboundCall, body: dict[str, Any]) -> Reply:
    order = _find(state, org, body)
    if order is None:
        return _error(call, "assessment_not_found", "No such order.")
    if order.completed_at is not None:
        reply = _error(call, "already_complete", "This order is complete and cannot be cancelled.")
        reply.order_id = order.id
        return reply
    if order.cancelled_reason is None:
        order.cancel_requested_at = time.time() * 1000
        orders.cancel(state, order, "Cancelled at the client's request")
        pusher.push_if_on(order)
    return _found(order)


def _status(state: State, org: Org, call: InboundCall, body: dict[str, Any]) -> Reply:
    order = _find(state, org, body)
    if order is None:
        return _error(call, "assessment_not_found", "No such order.")
    return Reply(200, {"success": True, "results": orders.update_of(order)}, order_id=order.id)


def _find(state: State, org: Org, body: dict[str, Any]) -> Order | None:
    """The caller's order with this number, or else with this reference."""
    order = state.orders.numbered(str(body.get("assessment_id")))
    if order is None and isinstance(body.get("reference_id"), str):
        order = next(iter(state.orders.with_reference(org.slug, body["reference_id"])), None)
    return order if order is not None and order.org == org.slug else None


def _found(order: Order) -> Reply:
    return Reply(200, {"success": True, "results": {"assessment_id": order.number}}, order_id=order.id)


def _error(call: InboundCall, code: str, message: str, status: int = 200) -> Reply:
    return Reply(status, error_body(code, message, call.request_id))
