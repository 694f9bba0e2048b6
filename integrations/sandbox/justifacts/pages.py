"""The pages of the stand-in Justifacts: orders, packages, switches."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from integrations.sandbox.inbound import STATE
from integrations.sandbox.justifacts import orders
from integrations.sandbox.justifacts.api import PUSHER
from integrations.sandbox.models import BadSetting, Order, Org, Package, change_settings
from integrations.sandbox.pages.base import PageNotFound, back_to, render

_MAX_ORDERS_SHOWN = 100
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
    return request.app[STATE].org(request.match_info["org"])


def _the_order(request: web.Request, org: Org) -> Order:
    order = request.app[STATE].orders.get(request.match_info["id"])
    if order is None or order.org != org.slug:
        raise PageNotFound("There is no such order.")
    return order


async def _with_slash(request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(f"/justifacts/{_org(request).slug}/")


async def _orders(request: web.Request) -> web.StreamResponse:
    # The page shows the e-mail with the key to the customer.
    return render(
        request, "justifacts_orders.html", shown=_org(request).mailed_key, **_orders_context(request)
    )


async def _rows(request: web.Request) -> web.StreamResponse:
    return render(request, "_orders.html", **_orders_context(request))


def _orders_context(request: web.Request) -> dict[str, Any]:
    org = _org(request)
    newest_first = list(reversed(request.app[STATE].orders_of(org)))
    return {
        "org": org,
        "orders": newest_first[:_MAX_ORDERS_SHOWN],
        "total": len(newest_first),
        "message": org.messages.get("justifacts"),
    }


async def _order(request: web.Request) -> web.StreamResponse:
    return render(request, "justifacts_order.html", **_order_context(request))


async def _order_state(request: web.Request) -> web.StreamResponse:
    return render(request, "_order.html", **_order_context(request))


def _order_context(request: web.Request) -> dict[str, Any]:
    state, org = request.app[STATE], _org(request)
    order = _the_order(request, org)
    return {
        "org": org,
        "order": order,
        "duplicates": state.orders.with_reference(org.slug, order.reference_id),
        "steps": orders.STEPS,
        "results": orders.RESULTS,
        "calls": state.calls.select(40, order_id=order.id),
    }


async def _move(request: web.Request) -> web.StreamResponse:
    """Carry out one of the order's buttons: next, status, result, withdraw, push."""
    state, org, form = request.app[STATE], _org(request), await request.post()
    order, action = _the_order(request, org), str(form.get("action", "next"))
    value = str(form.get("value", "")).strip()
    try:
        match action:
            case "next":
                orders.step(state, order)
            case "status" if value:
                orders.step(state, order, status=value)
            case "result" if value in orders.RESULTS:
                orders.step(state, order, status="Complete", result=value)
            case "withdraw":
                orders.step(state, order, cancelled_reason=value or "Withdrawn by the candidate")
            case "push":
                request.app[PUSHER].push_soon(order)
    except orders.CannotMove:
        action = "none"
    if action not in ("push", "none"):
        request.app[PUSHER].push_if_on(order)
    # The next page should already show the push.
    await asyncio.sleep(0.05)
    raise back_to(
        {key: str(value) for key, value in form.items()}, f"/justifacts/{org.slug}/orders/{order.id}"
    )


async def _switch(request: web.Request) -> web.StreamResponse:
    """Toggle one switch, or set the seconds per step."""
    org, form = _org(request), await request.post()
    name = str(form.get("name", ""))
    if name in _SWITCHES:
        change_settings(org.settings, {name: not getattr(org.settings, name)})
    elif name == "step_seconds":
        try:
            change_settings(org.settings, {name: min(3600.0, max(0.2, float(str(form.get("seconds", "")))))})
        except (ValueError, BadSetting):
            org.messages["justifacts"] = {
                "kind": "red",
                "text": "Seconds per step: a number is required.",
                "at": 0,
            }
            raise web.HTTPSeeOther(f"/justifacts/{org.slug}/") from None
    org.messages.pop("justifacts", None)
    raise web.HTTPSeeOther(f"/justifacts/{org.slug}/")


async def _packages(request: web.Request) -> web.StreamResponse:
    """Withdraw or restore a package, or add one."""
    state, org, form = request.app[STATE], _org(request), await request.post()
    identifier, name = str(form.get("id", "")), str(form.get("name", "")).strip()
    if identifier in org.packages:
        package = org.packages[identifier]
        package.active = not package.active
        state.save_package(org, package)
    elif name:
        number = 1001 + len(org.packages)
        state.save_package(org, Package(f"JF-PKG-{number}", name, str(form.get("description", "")).strip()))
    raise web.HTTPSeeOther(f"/justifacts/{org.slug}/#packages")
