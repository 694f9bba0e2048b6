"""The aiohttp application: routes, background tasks, start and shutdown."""

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
from integrations.sandbox.control import dialects as control_dialects
from integrations.sandbox.inbound import STATE
from integrations.sandbox.justifacts import api as justifacts_api
from integrations.sandbox.justifacts import pages as justifacts_pages
from integrations.sandbox.justifacts.api import PUSHER
from integrations.sandbox.justifacts.push import Pusher
from integrations.sandbox.outbound import SESSION
from integrations.sandbox.pages import base, dialects, failures
from integrations.sandbox.state import State

_SAVE_EVERY_SECONDS = 0.5
_MAX_BODY_BYTES = 8 * 1024 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(state: State) -> web.Application:
    """The application with all routes: both partners' APIs, the control API and the pages."""
    app = web.Application(
        middlewares=[same_origin, api.control_errors, base.page_errors], client_max_size=_MAX_BODY_BYTES
    )
    app[STATE] = state
    app.cleanup_ctx.append(_background)
    for module in (ashby_api, justifacts_api, api, partners, control_dialects):
        module.add_routes(app)
    base.set_up(app)
    for module in (ashby_pages, justifacts_pages, failures, dialects):
        module.add_routes(app)
    return app


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Reject forms that another site submits: browsers send the origin of a form in `Origin`."""
    origin = request.headers.get("Origin")
    if request.method != "GET" and origin and origin.partition("://")[2] != request.host:
        return web.json_response({"error": "not from this site"}, status=403)
    return await handler(request)


async def serve(state: State, host: str, port: int, public_url: str | None) -> None:
    """Listen, print one line with the URL, and run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # A call that hangs on purpose must not delay the shutdown.
    runner = web.AppRunner(build_app(state), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    listener = _listen(host, port)
    # Browsers cannot open the wildcard addresses 0.0.0.0 and ::.
    host_in_url = host if host.strip("0.:") else "localhost"
    state.base_url = (public_url or f"http://{host_in_url}:{listener.getsockname()[1]}").rstrip("/")
    await web.SockSite(runner, listener, backlog=1024).start()
    print(f"sandbox ready http://{host_in_url}:{listener.getsockname()[1]}", flush=True)
    try:
        await stop.wait()
    finally:
        await runner.cleanup()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


async def _background(app: web.Application) -> AsyncIterator[None]:
    """Run the client session, the pusher and the batched writing of calls until the application ends."""
    state = app[STATE]
    connector = aiohttp.TCPConnector(limit=200, force_close=False)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        app[SESSION] = session
        app[PUSHER] = pusher = Pusher(state, session)
        tasks = [asyncio.create_task(pusher.run_automatic()), asyncio.create_task(_save_calls(state))]
        yield
        pushes = list(state.background)
        for task in [*tasks, *pushes]:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, *pushes, return_exceptions=True)
        state.calls.save()
        state.storage.close()


async def _save_calls(state: State) -> None:
    while True:
        await asyncio.sleep(_SAVE_EVERY_SECONDS)
        state.calls.save()
