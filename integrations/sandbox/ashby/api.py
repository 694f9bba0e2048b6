"""Ashby's API for the portal: POST /ashby-api/{name} (docs/protocol.md)."""

from __future__ import annotations

import base64
import re
import time
from collections import deque
from typing import Any

from aiohttp import web

from integrations.sandbox.ashby.assessments import receive_update
from integrations.sandbox.inbound import STATE, BadBody, InboundCall, Reply, answer, basic_user, error_body
from integrations.sandbox.models import AshbyKey, Job, Org
from integrations.sandbox.state import State

_LIBRARY_AGENTS = re.compile(
    r"^(python-requests|python-urllib|python/|aiohttp|urllib3|python-httpx|curl/|go-http-client|okhttp)",
    re.IGNORECASE,
)
_SCOPES = {
    "assessment.update": "candidates:write",
    "apiKey.info": "apiKeys:read",
    "job.list": "jobs:read",
}
_MAX_PAGE_SIZE = 100


def add_routes(app: web.Application) -> None:
    """Serve /ashby-api/."""
    app.router.add_route("*", "/ashby-api/{name}", _call)


async def _call(request: web.Request) -> web.StreamResponse:
    state = request.app[STATE]
    user, password = basic_user(request.headers.get("Authorization", ""))
    held = state.ashby_keys.get(user or "")
    inbound = InboundCall(
        "ashby",
        request.match_info["name"],
        request,
        await request.read(),
        user,
        password,
        held[0] if held else None,
    )
    common = {
        "x-ashby-request-id": inbound.request_id,
        "Ashby-Version": "1",
        "Ashby-Version-Status": "current",
    }
    return await answer(state, inbound, lambda call: _process(state, call), common)


def _process(state: State, call: InboundCall) -> Reply:
    """Check and carry out a call. Checks come in the order of Ashby's."""
    agent = call.header("User-Agent")
    if not agent.strip() or _LIBRARY_AGENTS.match(agent):
        return Reply(403, "error code: 1010")
    if call.request.method != "POST":
        return _error(call, "method_not_allowed", "POST is required.", 405)
    if call.key is None:
        message = "HTTP Basic with an API key is required."
        reply = _error(call, "unauthenticated", message, 401)
        reply.headers["WWW-Authenticate"] = 'Basic realm="Ashby"'
        return reply
    held = state.ashby_keys.get(call.key)
    if held is None or not held[1].active or call.password:
        return _error(call, "unauthorized", "The API key is unknown or deactivated.", 403)
    return _process_known(state, held[0], held[1], call)


def _process_known(state: State, org: Org, key: AshbyKey, call: InboundCall) -> Reply:
    scope = _SCOPES.get(call.name)
    if scope is None:
        return _error(call, "unknown_endpoint", f"There is no {call.name}.", 404)
    if scope not in key.scopes:
        message = f"The API key lacks the permission {scope}."
        return _error(call, "missing_endpoint_permission", message, org.settings.missing_scope_status)
    if _exceeds_rate_limit(call.key or "", org.settings.rate_limit_per_minute):
        reply = _error(call, "too_many_requests", "Too many requests for this API key.", 429)
        reply.headers["Retry-After"] = "5"
        return reply
    problem = _header_problem(call)
    if problem:
        return _error(call, "invalid_input", problem)
    try:
        body = call.json()
    except BadBody as error:
        return _error(call, "invalid_input", f"{error}")
    if call.name == "assessment.update":
        return _update(state, org, call, body)
    if not isinstance(body, dict):
        return _error(call, "invalid_input", "body: an object is required")
    return _key_info(key) if call.name == "apiKey.info" else _job_list(org, call, body)


def _header_problem(call: InboundCall) -> str:
    accept = call.header("Accept").replace(" ", "").lower()
    if accept != "application/json;version=1":
        return "Accept: application/json; version=1 is required"
    if call.header("Content-Type").partition(";")[0].strip().lower() != "application/json":
        return "Content-Type: application/json is required"
    return ""


def _update(state: State, org: Org, call: InboundCall, body: Any) -> Reply:
    verdict = receive_update(state, org, body)
    if verdict.outcome == "refused":
        reply = _error(call, verdict.code, verdict.message)
    else:
        results = {"assessment_id": body["assessment_id"], "timestamp": body["timestamp"]}
        reply = Reply(200, {"success": True, "results": results})
    if verdict.assessment is not None:
        reply.assessment_id = verdict.assessment.id
        reply.application_id = verdict.assessment.application_id
    return reply


def _key_info(key: AshbyKey) -> Reply:
    created = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(key.created_at))
    results = {"title": key.title, "createdAt": created, "scopes": key.scopes}
    return Reply(200, {"success": True, "results": results})


def _job_list(org: Org, call: InboundCall, body: dict[str, Any]) -> Reply:
    """One page of jobs, by cursor, limit and statuses (docs/protocol.md)."""
    limit, cursor, statuses = (
        body.get("limit", org.settings.job_page_size),
        body.get("cursor"),
        body.get("status"),
    )
    if type(limit) is not int or not 1 <= limit <= _MAX_PAGE_SIZE:
        return _error(call, "invalid_input", f"limit: a number from 1 to {_MAX_PAGE_SIZE} is required")
    offset = 0 if cursor is None else _offset(cursor)
    if offset is None:
        return _error(call, "invalid_cursor", "cursor: unknown")
    if statuses is not None and not (
        isinstance(statuses, list) and all(isinstance(one, str) for one in statuses)
    ):
        return _error(call, "invalid_input", "status: a list of strings is required")
    jobs = [job for job in org.jobs.values() if not statuses or job.status in statuses]
    page = {"success": True, "results": [_job_json(job) for job in jobs[offset : offset + limit]]}
    more = offset + limit < len(jobs)
    page["moreDataAvailable"] = more
    if more:
        page["nextCursor"] = base64.urlsafe_b64encode(f"after:{offset + limit}".encode()).decode()
    return Reply(200, page)


def _offset(cursor: Any) -> int | None:
    try:
        text = base64.urlsafe_b64decode(cursor).decode() if isinstance(cursor, str) else ""
    except ValueError:
        return None
    found = re.fullmatch(r"after:(\d{1,9})", text)
    return int(found[1]) if found else None


def _job_json(job: Job) -> dict[str, Any]:
    row = {"id": job.id, "title": job.name, "status": job.status, "departmentName": job.department}
    return {**row, "customRequisitionId": job.req_id} if job.req_id else row


#: The times of each key's calls in the last minute.
_recent: dict[str, deque[float]] = {}


def _exceeds_rate_limit(key: str, limit: int) -> bool:
    """Whether the key has exceeded its calls per minute; 0 is no limit."""
    if limit <= 0:
        return False
    now, times = time.monotonic(), _recent.setdefault(key, deque())
    while times and now - times[0] > 60:
        times.popleft()
    times.append(now)
    return len(times) > limit


def _error(call: InboundCall, code: str, message: str, status: int = 200) -> Reply:
    return Reply(status, error_body(code, message, call.request_id))
