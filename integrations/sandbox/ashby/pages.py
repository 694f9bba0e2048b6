"""The stand-in Ashby for people: jobs, candidates, the assessment card, the integration's settings."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from integrations.sandbox.ashby import actions
from integrations.sandbox.ashby.actions import Outcome
from integrations.sandbox.ashby.key_pages import create_key, toggle_key
from integrations.sandbox.ashby.rules import is_web_address
from integrations.sandbox.models import Application, Org
from integrations.sandbox.outgoing import SESSION, Subject
from integrations.sandbox.pages.base import PageNotFound, render
from integrations.sandbox.wire import WORLD

_CALLS_ON_CARD = 40
_TESTS = ("assessment.list", "assessment.customField.list")


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
    return request.app[WORLD].org(request.match_info["org"])


def _application(request: web.Request, org: Org) -> Application:
    found = org.applications.get(request.match_info["id"])
    if found is None:
        raise PageNotFound("There is no such candidate.")
    return found


async def _with_slash(request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(f"/ashby/{_org(request).slug}/")


async def _people(request: web.Request) -> web.StreamResponse:
    org, latest = _org(request), {}
    for one in request.app[WORLD].assessments_of(org):
        latest[one.application_id] = one
    return render(request, "ashby_people.html", org=org, latest=latest)


async def _add_candidate(request: web.Request) -> web.StreamResponse:
    org, form = _org(request), await request.post()
    names = ("first_name", "last_name", "email")
    given = {name: str(form.get(name, "")).strip() for name in names}
    person = {name: value for name, value in given.items() if value}
    added = actions.new_application(request.app[WORLD], org, person, str(form.get("job_id", "")))
    raise web.HTTPSeeOther(f"/ashby/{org.slug}/candidates/{added.id}")


async def _candidate(request: web.Request) -> web.StreamResponse:
    """The candidate with the assessment card; the types come from a live call."""
    world, org = request.app[WORLD], _org(request)
    application = _application(request, org)
    listed = await actions.list_types(world, request.app[SESSION], org, application.id)
    types = listed.answer.payload["results"] if listed.answer.succeeded and not listed.problems else []
    trouble = "" if types else _trouble("The assessment types could not be fetched", listed)
    card = _card_context(request, org, application)
    return render(request, "ashby_candidate.html", types=types, trouble=trouble, **card)


async def _card(request: web.Request) -> web.StreamResponse:
    """The moving part of the candidate's page."""
    org = _org(request)
    return render(request, "_card.html", **_card_context(request, org, _application(request, org)))


def _card_context(request: web.Request, org: Org, application: Application) -> dict[str, Any]:
    world = request.app[WORLD]
    return {
        "org": org,
        "application": application,
        "job": org.jobs[application.job_id],
        "assessments": list(reversed(world.assessments_of(org, application.id))),
        "note": org.notes.get(application.id),
        "calls": world.calls.select(_CALLS_ON_CARD, application_id=application.id),
    }


async def _start(request: web.Request) -> web.StreamResponse:
    world, org, form = request.app[WORLD], _org(request), await request.post()
    application = _application(request, org)
    body = actions.start_body(world, org, application, str(form.get("assessment_type_id", "")))
    outcome = await actions.start(world, request.app[SESSION], org, application, body)
    _note(org, application.id, outcome, "Not started")
    raise _to_card(org, application)


async def _cancel(request: web.Request) -> web.StreamResponse:
    world, org, form = request.app[WORLD], _org(request), await request.post()
    application = _application(request, org)
    outcome = await actions.cancel(world, request.app[SESSION], org, str(form.get("assessment_id", "")))
    _note(org, application.id, outcome, "Not cancelled")
    raise _to_card(org, application)


def _to_card(org: Org, application: Application) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"/ashby/{org.slug}/candidates/{application.id}")


def _note(org: Org, key: str, outcome: Outcome, heading: str) -> None:
    """What the user is told: the partner's own message for an error, nothing for a success."""
    org.notes.pop(key, None)
    if outcome.replayed:
        _set_note(org, key, "plain", "This check had just been started; it was not started twice.")
    elif not outcome.answer.succeeded or outcome.problems:
        kind = "amber" if outcome.answer.status in (409, 422) else "red"
        _set_note(org, key, kind, _trouble(heading, outcome))


def _set_note(org: Org, key: str, kind: str, text: str) -> None:
    org.notes[key] = {"kind": kind, "text": text, "at": time.time() * 1000}


def _trouble(heading: str, outcome: Outcome) -> str:
    if outcome.answer.succeeded:
        why = "; ".join(outcome.problems) or "the list is empty."
        return (
            f"{heading}: the answer breaks the protocol: {why}" if outcome.problems else f"{heading}: {why}"
        )
    status = f" ({outcome.answer.status})" if outcome.answer.status else ""
    return f"{heading}{status}: {outcome.answer.message}"


async def _settings(request: web.Request) -> web.StreamResponse:
    org = _org(request)
    calls = request.app[WORLD].calls.select(10, org=org.slug, side="ashby", direction="out")
    new_key = org.notes.pop("new-key", None)
    note = org.notes.get("settings")
    return render(
        request,
        "ashby_settings.html",
        shown=new_key["text"] if new_key else "",
        org=org,
        note=note,
        calls=calls,
        new_key=new_key,
    )


async def _save_settings(request: web.Request) -> web.StreamResponse:
    """The verification key is write-only: an empty field keeps the present one."""
    world, org, form = request.app[WORLD], _org(request), await request.post()
    key, url = str(form.get("verification_key", "")).strip(), str(form.get("portal_url", "")).strip()
    holder = world.verification_keys.get(key)
    if holder is not None and holder is not org:
        _set_note(org, "settings", "red", "Not saved: another organization uses this key.")
    elif not is_web_address(url):
        _set_note(org, "settings", "red", "Not saved: the base URL must begin with http:// or https://.")
    else:
        org.portal_url, org.verification_key = url, key or org.verification_key
        world.index_keys()
        await _ask_for_types(request, org, "Saved. ")
    raise web.HTTPSeeOther(f"/ashby/{org.slug}/settings")


async def _test(request: web.Request) -> web.StreamResponse:
    """The button of Ashby's settings page: call the partner and show what it says."""
    world, session, org, form = request.app[WORLD], request.app[SESSION], _org(request), await request.post()
    name = str(form.get("call", _TESTS[0]))
    if name not in _TESTS:
        raise PageNotFound("There is no such test.")
    if name == _TESTS[0]:
        await _ask_for_types(request, org)
    else:
        outcome = Outcome(await actions.call_portal(world, session, org, name, {}, Subject()))
        fields = outcome.answer.payload.get("fields") if outcome.answer.succeeded else None
        if outcome.answer.succeeded and not isinstance(fields, list):
            outcome.problems.append("fields must be a list")
        _note_test(org, outcome, f"{len(fields) if isinstance(fields, list) else 0} custom fields.")
    raise web.HTTPSeeOther(f"/ashby/{org.slug}/settings")


async def _ask_for_types(request: web.Request, org: Org, first: str = "") -> None:
    """Ashby tries what was saved at once: it asks for the assessment types."""
    outcome = await actions.list_types(request.app[WORLD], request.app[SESSION], org)
    _note_test(org, outcome, f"{first}Connected: {len(org.types)} assessment types.", first)


def _note_test(org: Org, outcome: Outcome, found: str, first: str = "") -> None:
    good = outcome.answer.succeeded and not outcome.problems
    text = found if good else f"{first}{_trouble('Test not passed', outcome)}"
    _set_note(org, "settings", "green" if good else "red", text)
