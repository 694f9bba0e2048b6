"""Justifacts' API for the portal, in the path form and in the query-string form (docs/protocol.md)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from integrations.sandbox.dialects.messages import digits_of
from integrations.sandbox.justifacts import orders as book
from integrations.sandbox.justifacts.push import Pusher
from integrations.sandbox.models import Order, Org, Package
from integrations.sandbox.wire import WORLD, BadBody, Inbound, Reply, answer, basic_user, error_body
from integrations.sandbox.world import World

PUSHER: web.AppKey[Pusher] = web.AppKey("pusher", Pusher)


def add_routes(app: web.Application) -> None:
    """Serve both forms of the staging base URL that the guide may mean."""
    app.router.add_route("*", "/jfacts/servlet/application_ashby/{name}", _by_path)
    app.router.add_route("*", "/jfacts/servlet/application", _by_query)


async def _by_path(request: web.Request) -> web.StreamResponse:
    return await _call(request, request.match_info["name"])


async def _by_query(request: web.Request) -> web.StreamResponse:
    # The raw query, not the parsed one: "ashby/assessment.list" is no list of parameters.
    prefix, _, name = request.raw_path.partition("?")[2].partition("/")
    return await _call(request, name if prefix == "ashby" else "")


async def _call(request: web.Request, name: str) -> web.StreamResponse:
    world, pusher = request.app[WORLD], request.app[PUSHER]
    user, password = basic_user(request.headers.get("Authorization", ""))
    org = world.verification_keys.get(user or "")
    inbound = Inbound("justifacts", name, request, await request.read(), user, password, org)
    common = {"x-request-id": inbound.request_id}
    return await answer(world, inbound, lambda call: _process(world, pusher, call), common)


def _process(world: World, pusher: Pusher, call: Inbound) -> Reply:
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
            return _start(world, pusher, org, call, body)
        case "assessment.cancel":
            return _cancel(world, pusher, org, call, body)
        case "assessment.status" if org.settings.status_call:
            return _status(world, org, call, body)
    return _error(call, "unknown_endpoint", f"There is no {call.name or 'such call'}.", 404)


def _list(org: Org) -> Reply:
    rows = [
        {"assessment_type_id": package.id, "name": package.name, "description": package.description}
        for package in org.packages.values()
        if package.active
    ]
    return Reply(200, {"success": True, "results": rows})


def _start(world: World, pusher: Pusher, org: Org, call: Inbound, body: dict[str, Any]) -> Reply:
    problems = list(_start_problems(body))
    if not problems and call.header("Idempotency-Key") != body["reference_id"]:
        problems = ["Idempotency-Key: must equal reference_id"]
    if problems:
        return _error(call, "invalid_input", "; ".join(problems), 400)
    package = _package(org, body["assessment_type_id"])
    if package is None or not package.active:
        message = "This package is not available to your account."
        return Reply(422, {**error_body("unknown_package", message, call.request_id), "message": message})
    earlier = world.orders_for(org.slug, body["reference_id"])
    for order in earlier:
        order.start_calls += 1
        world.save_order(order)
    if earlier and org.settings.honor_idempotency:
        return _found(earlier[0])
    order = book.place(world, org, body, call.header("Idempotency-Key"), package.id)
    order.start_calls += len(earlier)
    pusher.placed(order)
    return _found(order)


def _package(org: Org, identifier: str) -> Package | None:
    """A package by its id, or by the number in it (a dialect may have listed it so)."""
    numbered = (one for one in org.packages.values() if digits_of(one.id) == identifier)
    return org.packages.get(identifier) or next(numbered, None)


def _start_problems(body: dict[str, Any]) -> Iterator[str]:
    """What an order needs (docs/protocol.md); the rest is taken as it comes."""
    needed = {
        "": ("assessment_type_id", "reference_id"),
        "candidate": ("first_name", "last_name", "email"),
        "application": ("ashby_id",),
        "job": ("ashby_id",),
    }
    for part, names in needed.items():
        holder = body.get(part) if part else body
        if not isinstance(holder, dict):
            yield f"{part}: an object is required"
            continue
        for name in names:
            if not isinstance(holder.get(name), str) or not holder[name]:
                yield f"{part}{'.' if part else ''}{name}: a string is required"


def _cancel(world: World, pusher: Pusher, org: Org, call: Inbound, body: dict[str, Any]) -> Reply:
    order = _find(world, org, body)
    if order is None:
        return _error(call, "assessment_not_found", "No such order.")
    if order.completed_at is not None:
        reply = _error(call, "already_complete", "This order is complete and cannot be cancelled.")
        reply.order_id = order.id
        return reply
    if order.cancelled_reason is None:
        order.cancel_requested_at = time.time() * 1000
        book.cancel(world, order, "Cancelled at the client's request")
        pusher.push_if_on(order)
    return _found(order)


def _status(world: World, org: Org, call: Inbound, body: dict[str, Any]) -> Reply:
    order = _find(world, org, body)
    if order is None:
        return _error(call, "assessment_not_found", "No such order.")
    return Reply(200, {"success": True, "results": book.update_of(order)}, order_id=order.id)


def _find(world: World, org: Org, body: dict[str, Any]) -> Order | None:
    """An order by Justifacts' id or by the caller's reference; only the caller's own."""
    order = world.order_numbered(str(body.get("assessment_id")))
    if order is None and isinstance(body.get("reference_id"), str):
        order = next(iter(world.orders_for(org.slug, body["reference_id"])), None)
    return order if order is not None and order.org == org.slug else None


def _found(order: Order) -> Reply:
    return Reply(200, {"success": True, "results": {"assessment_id": order.number}}, order_id=order.id)


def _error(call: Inbound, code: str, message: str, status: int = 200) -> Reply:
    return Reply(status, error_body(code, message, call.request_id))
