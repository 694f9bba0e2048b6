"""The stand-in Justifacts for people: orders and what moves them, packages, switches."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from integrations.sandbox.justifacts import orders as book
from integrations.sandbox.justifacts.api import PUSHER
from integrations.sandbox.models import BadSetting, Order, Org, Package, change_settings
from integrations.sandbox.pages.base import PageNotFound, back_to, render
from integrations.sandbox.wire import WORLD

_ORDERS_SHOWN = 100
_SWITCHES = ("automatic", "push", "status_call", "honor_idempotency")


def add_routes(app: web.Application) -> None:
    """Serve /justifacts/{org}/."""
    app.add_routes(
        [
            web.get("/justifacts/{org}", _with_slash),
            web.get("/justifacts/{org}/", _orders),
            web.get("/justifacts/{org}/rows", _rows),
            web.get("/justifacts/{org}/orders/{id}", _order),
            web.get("/justifacts/{org}/orders/{id}/state", _order_state),
            web.post("/justifacts/{org}/orders/{id}", _move),
            web.post("/justifacts/{org}/switches", _switch),
            web.post("/justifacts/{org}/packages", _packages),
        ]
    )


def _org(request: web.Request) -> Org:
    return request.app[WORLD].org(request.match_info["org"])


def _the_order(request: web.Request, org: Org) -> Order:
    order = request.app[WORLD].orders.get(request.match_info["id"])
    if order is None or order.org != org.slug:
        raise PageNotFound("There is no such order.")
    return order


async def _with_slash(request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(f"/justifacts/{_org(request).slug}/")


async def _orders(request: web.Request) -> web.StreamResponse:
    # The e-mail with the key is the customer's, as long as they have not pasted it anywhere else.
    return render(
        request, "justifacts_orders.html", shown=_org(request).mailed_key, **_orders_context(request)
    )


async def _rows(request: web.Request) -> web.StreamResponse:
    return render(request, "_orders.html", **_orders_context(request))


def _orders_context(request: web.Request) -> dict[str, Any]:
    org = _org(request)
    orders = list(reversed(request.app[WORLD].orders_of(org)))
    return {
        "org": org,
        "orders": orders[:_ORDERS_SHOWN],
        "total": len(orders),
        "note": org.notes.get("justifacts"),
    }


async def _order(request: web.Request) -> web.StreamResponse:
    return render(request, "justifacts_order.html", **_order_context(request))


async def _order_state(request: web.Request) -> web.StreamResponse:
    return render(request, "_order.html", **_order_context(request))


def _order_context(request: web.Request) -> dict[str, Any]:
    world, org = request.app[WORLD], _org(request)
    order = _the_order(request, org)
    return {
        "org": org,
        "order": order,
        "twins": world.orders_for(org.slug, order.reference_id),
        "steps": book.STEPS,
        "results": book.RESULTS,
        "calls": world.calls.select(40, order_id=order.id),
    }


async def _move(request: web.Request) -> web.StreamResponse:
    """One of the order's buttons: next, status, result, withdraw, push again."""
    world, org, form = request.app[WORLD], _org(request), await request.post()
    order, verb = _the_order(request, org), str(form.get("do", "next"))
    word = str(form.get("word", "")).strip()
    try:
        match verb:
            case "next":
                book.step(world, order)
            case "status" if word:
                book.step(world, order, status=word)
            case "result" if word in book.RESULTS:
                book.step(world, order, status="Complete", result=word)
            case "withdraw":
                book.step(world, order, cancelled_reason=word or "Withdrawn by the candidate")
            case "push":
                request.app[PUSHER].push_soon(order)
    except book.CannotMove:
        verb = "none"
    if verb not in ("push", "none"):
        request.app[PUSHER].push_if_on(order)
    # A moment for the push, so that the page that follows already shows it.
    await asyncio.sleep(0.05)
    raise back_to(
        {key: str(value) for key, value in form.items()}, f"/justifacts/{org.slug}/orders/{order.id}"
    )


async def _switch(request: web.Request) -> web.StreamResponse:
    """Turn one switch over, or set the seconds of a step."""
    org, form = _org(request), await request.post()
    name = str(form.get("name", ""))
    if name in _SWITCHES:
        change_settings(org.settings, {name: not getattr(org.settings, name)})
    elif name == "step_seconds":
        try:
            change_settings(org.settings, {name: min(3600.0, max(0.2, float(str(form.get("seconds", "")))))})
        except (ValueError, BadSetting):
            org.notes["justifacts"] = {
                "kind": "red",
                "text": "Seconds a step: a number is required.",
                "at": 0,
            }
            raise web.HTTPSeeOther(f"/justifacts/{org.slug}/") from None
    org.notes.pop("justifacts", None)
    raise web.HTTPSeeOther(f"/justifacts/{org.slug}/")


async def _packages(request: web.Request) -> web.StreamResponse:
    """Withdraw or bring back a package, or add one."""
    world, org, form = request.app[WORLD], _org(request), await request.post()
    identifier, name = str(form.get("id", "")), str(form.get("name", "")).strip()
    if identifier in org.packages:
        package = org.packages[identifier]
        package.active = not package.active
        world.save_package(org, package)
    elif name:
        number = 1001 + len(org.packages)
        world.save_package(org, Package(f"JF-PKG-{number}", name, str(form.get("description", "")).strip()))
    raise web.HTTPSeeOther(f"/justifacts/{org.slug}/#packages")
