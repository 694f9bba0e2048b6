"""Wires the sandbox together: one aiohttp application, its background work, its beginning and end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
from aiohttp import web

from integrations.sandbox.ashby import api as ashby_api
from integrations.sandbox.ashby import pages as ashby_pages
from integrations.sandbox.control import api, partners
from integrations.sandbox.dialects import pages as dialect_pages
from integrations.sandbox.justifacts import api as justifacts_api
from integrations.sandbox.justifacts import pages as justifacts_pages
from integrations.sandbox.justifacts.api import PUSHER
from integrations.sandbox.justifacts.push import Pusher
from integrations.sandbox.outgoing import SESSION
from integrations.sandbox.pages import base, failures
from integrations.sandbox.wire import WORLD
from integrations.sandbox.world import World

_SAVE_EVERY = 0.5
_MAX_BODY = 8 * 1024 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(world: World) -> web.Application:
    """The application with every route of both halves, the pages and the control API."""
    app = web.Application(
        middlewares=[same_origin, api.control_errors, base.page_errors], client_max_size=_MAX_BODY
    )
    app[WORLD] = world
    app.cleanup_ctx.append(_background)
    for module in (ashby_api, justifacts_api, api, partners):
        module.add_routes(app)
    base.set_up(app)
    for module in (ashby_pages, justifacts_pages, failures, dialect_pages):
        module.add_routes(app)
    return app


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page from elsewhere must not press our buttons: the browser tells where a form comes from."""
    origin = request.headers.get("Origin")
    if request.method != "GET" and origin and origin.partition("://")[2] != request.host:
        return web.json_response({"error": "not from this site"}, status=403)
    return await handler(request)


async def serve(world: World, host: str, port: int, public_url: str | None) -> None:
    """Listen, say so in one line, and run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # A hanging call must not delay the end: handlers get a moment, no more.
    runner = web.AppRunner(build_app(world), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    listener = _listen(host, port)
    # Nobody can open the address "everywhere" (0.0.0.0 or ::).
    here = host if host.strip("0.:") else "localhost"
    world.base_url = (public_url or f"http://{here}:{listener.getsockname()[1]}").rstrip("/")
    await web.SockSite(runner, listener, backlog=1024).start()
    print(f"sandbox ready http://{here}:{listener.getsockname()[1]}", flush=True)
    try:
        await stop.wait()
    finally:
        await runner.cleanup()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


async def _background(app: web.Application) -> AsyncIterator[None]:
    """The client session, the pusher, the timer and the batched writing, from start to end."""
    world = app[WORLD]
    connector = aiohttp.TCPConnector(limit=200, force_close=False)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        app[SESSION] = session
        app[PUSHER] = pusher = Pusher(world, session)
        tasks = [asyncio.create_task(pusher.run_automatic()), asyncio.create_task(_save_calls(world))]
        yield
        pushes = list(world.background)
        for task in [*tasks, *pushes]:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, *pushes, return_exceptions=True)
        world.calls.save()
        world.storage.close()


async def _save_calls(world: World) -> None:
    while True:
        await asyncio.sleep(_SAVE_EVERY)
        world.calls.save()
