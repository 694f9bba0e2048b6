"""The pages of the stand-in Ashby: candidates, jobs, the assessment card, the settings of the integration."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from integrations.sandbox.ashby import actions
from integrations.sandbox.ashby.actions import Outcome
from integrations.sandbox.ashby.key_pages import create_key, toggle_key
from integrations.sandbox.inbound import STATE
from integrations.sandbox.models import Application, Org
from integrations.sandbox.org_config import is_http_url
from integrations.sandbox.outbound import SESSION, Subject
from integrations.sandbox.pages.base import PageNotFound, render

_MAX_CALLS_SHOWN = 40
_TEST_CALLS = ("assessment.list", "assessment.customField.list")


def add_routes(app: web.Application) -> None:
    """Serve /ashby/{org}/."""
    app.add_routes(
        [
            web.get("/ashby/{org}", _with_slash),
            web.get("/ashby/{org}/", _people),
            web.post("/ashby/{org}/candidates", _add_candidate),
            web.get("/ashby/{org}/candidates/{id}", _candidate),
            web.get("/ashby/{org}/candidates/{id}/card", _card),
            web.post("/ashby/{org}/candidates/{id}/start", _start),
            web.post("/ashby/{org}/candidates/{id}/cancel", _cancel),
            web.get("/ashby/{org}/settings", _settings),
            web.post("/ashby/{org}/settings", _save_settings),
            web.post("/ashby/{org}/settings/test", _test),
            web.post("/ashby/{org}/settings/keys", create_key),
            web.post("/ashby/{org}/settings/keys/{number}", toggle_key),
        ]
    )


def _org(request: web.Request) -> Org:
    return request.app[STATE].org(request.match_info["org"])


def _application(request: web.Request, org: Org) -> Application:
    found = org.applications.get(request.match_info["id"])
    if found is None:
        raise PageNotFound("There is no such candidate.")
    return found


async def _with_slash(request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(f"/ashby/{_org(request).slug}/")


async def _people(request: web.Request) -> web.StreamResponse:
    org, latest = _org(request), {}
    for one in request.app[STATE].assessments_of(org):
        latest[one.application_id] = one
    return render(request, "ashby_people.html", org=org, latest=latest)


async def _add_candidate(request: web.Request) -> web.StreamResponse:
    org, form = _org(request), await request.post()
    names = ("first_name", "last_name", "email")
    given = {name: str(form.get(name, "")).strip() for name in names}
    person = {name: value for name, value in given.items() if value}
    added = actions.new_application(request.app[STATE], org, person, str(form.get("job_id", "")))
    raise web.HTTPSeeOther(f"/ashby/{org.slug}/candidates/{added.id}")


async def _candidate(request: web.Request) -> web.StreamResponse:
    """The candidate with the assessment card. The types are listed by a call to the portal."""
    state, org = request.app[STATE], _org(request)
    application = _application(request, org)
    listed = await actions.list_types(state, request.app[SESSION], org, application.id)
    types = listed.answer.payload["results"] if listed.answer.succeeded and not listed.problems else []
    error = "" if types else _error_text("The assessment types could not be fetched", listed)
    card = _card_context(request, org, application)
    return render(request, "ashby_candidate.html", types=types, error=error, **card)


async def _card(request: web.Request) -> web.StreamResponse:
    """The part of the candidate's page that refreshes itself."""
    org = _org(request)
    return render(request, "_card.html", **_card_context(request, org, _application(request, org)))


def _card_context(request: web.Request, org: Org, application: Application) -> dict[str, Any]:
    state = request.app[STATE]
    return {
        "org": org,
        "application": application,
        "job": org.jobs[application.job_id],
        "assessments": list(reversed(state.assessments_of(org, application.id))),
        "message": org.messages.get(application.id),
        "calls": state.calls.select(_MAX_CALLS_SHOWN, application_id=application.id),
    }


async def _start(request: web.Request) -> web.StreamResponse:
    state, org, form = request.app[STATE], _org(request), await request.post()
    application = _application(request, org)
    body = actions.start_body(state, org, application, str(form.get("assessment_type_id", "")))
    outcome = await actions.start(state, request.app[SESSION], org, application, body)
    _set_outcome(org, application.id, outcome, "Not started")
    raise _to_card(org, application)


async def _cancel(request: web.Request) -> web.StreamResponse:
    state, org, form = request.app[STATE], _org(request), await request.post()
    application = _application(request, org)
    outcome = await actions.cancel(state, request.app[SESSION], org, str(form.get("assessment_id", "")))
    _set_outcome(org, application.id, outcome, "Not cancelled")
    raise _to_card(org, application)


def _to_card(org: Org, application: Application) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"/ashby/{org.slug}/candidates/{application.id}")


def _set_outcome(org: Org, key: str, outcome: Outcome, heading: str) -> None:
    """Show the user the portal's message for an error, and nothing for a success."""
    org.messages.pop(key, None)
    if outcome.replayed:
        _set_message(org, key, "plain", "This check was started a moment ago; it was not started twice.")
    elif not outcome.answer.succeeded or outcome.problems:
        kind = "amber" if outcome.answer.status in (409, 422) else "red"
        _set_message(org, key, kind, _error_text(heading, outcome))


def _set_message(org: Org, key: str, kind: str, text: str) -> None:
    org.messages[key] = {"kind": kind, "text": text, "at": time.time() * 1000}


def _error_text(heading: str, outcome: Outcome) -> str:
    if outcome.answer.succeeded:
        if not outcome.problems:
            return f"{heading}: the list is empty."
        return f"{heading}: the answer violates the protocol: {'; '.join(outcome.problems)}"
    status = f" ({outcome.answer.status})" if outcome.answer.status else ""
    return f"{heading}{status}: {outcome.answer.message}"


async def _settings(request: web.Request) -> web.StreamResponse:
    org = _org(request)
    calls = request.app[STATE].calls.select(10, org=org.slug, side="ashby", direction="out")
    new_key = org.messages.pop("new-key", None)
    message = org.messages.get("settings")
    return render(
        request,
        "ashby_settings.html",
        shown=new_key["text"] if new_key else "",
        org=org,
        message=message,
        calls=calls,
        new_key=new_key,
    )


async def _save_settings(request: web.Request) -> web.StreamResponse:
    """An empty verification key keeps the present one, which is never shown."""
    state, org, form = request.app[STATE], _org(request), await request.post()
    key, url = str(form.get("verification_key", "")).strip(), str(form.get("portal_url", "")).strip()
    holder = state.verification_keys.get(key)
    if holder is not None and holder is not org:
        _set_message(org, "settings", "red", "Not saved: another organization uses this key.")
    elif not is_http_url(url):
        _set_message(org, "settings", "red", "Not saved: the base URL must begin with http:// or https://.")
    else:
        org.portal_url, org.verification_key = url, key or org.verification_key
        state.index_keys()
        await _test_connection(request, org, "Saved. ")
    raise web.HTTPSeeOther(f"/ashby/{org.slug}/settings")


async def _test(request: web.Request) -> web.StreamResponse:
    """Make the chosen test call and show its outcome."""
    state, session, org, form = request.app[STATE], request.app[SESSION], _org(request), await request.post()
    name = str(form.get("call", _TEST_CALLS[0]))
    if name not in _TEST_CALLS:
        raise PageNotFound("There is no such test.")
    if name == _TEST_CALLS[0]:
        await _test_connection(request, org)
    else:
        outcome = Outcome(await actions.call_portal(state, session, org, name, {}, Subject()))
        fields = outcome.answer.payload.get("fields") if outcome.answer.succeeded else None
        if outcome.answer.succeeded and not isinstance(fields, list):
            outcome.problems.append("fields must be a list")
        _set_test_outcome(org, outcome, f"{len(fields) if isinstance(fields, list) else 0} custom fields.")
    raise web.HTTPSeeOther(f"/ashby/{org.slug}/settings")


async def _test_connection(request: web.Request, org: Org, first: str = "") -> None:
    """List the assessment types and show the outcome; ``first`` precedes it."""
    outcome = await actions.list_types(request.app[STATE], request.app[SESSION], org)
    _set_test_outcome(org, outcome, f"{first}Connected: {len(org.types)} assessment types.", first)


def _set_test_outcome(org: Org, outcome: Outcome, success: str, first: str = "") -> None:
    is_ok = outcome.answer.succeeded and not outcome.problems
    text = success if is_ok else f"{first}{_error_text('Test not passed', outcome)}"
    _set_message(org, "settings", "green" if is_ok else "red", text)
