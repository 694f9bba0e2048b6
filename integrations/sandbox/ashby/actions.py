"""What users of the stand-in Ashby do: list types, start, cancel. Each is a real call to the portal."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from integrations.sandbox.ashby.assessments import apply_update, count_bad_answer
from integrations.sandbox.ashby.rules import is_uuid, update_problems
from integrations.sandbox.dialects.ashby import capitalized, write_start
from integrations.sandbox.models import Application, Assessment, Org
from integrations.sandbox.outbound import PortalAnswer, Subject, post
from integrations.sandbox.state import State

# Ashby publishes no time-out; comparable systems publish five seconds (docs/protocol.md).
ASHBY_TIMEOUT_SECONDS = 5.0


@dataclass
class Outcome:
    """The answer to a call, and what Ashby makes of it. ``problems``: violations of the protocol."""

    answer: PortalAnswer
    assessment_id: str | None = None
    replayed: bool = False
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The outcome as the control API returns it."""
        return {
            **self.answer.as_json(),
            "assessment_id": self.assessment_id,
            "replayed": self.replayed,
            "problems": self.problems,
        }


async def call_portal(
    state: State, session: aiohttp.ClientSession, org: Org, name: str, body: Any, subject: Subject
) -> PortalAnswer:
    """POST to {base}/{name}. If the base URL ends in a slash, there are two slashes (docs/protocol.md)."""
    url = f"{org.portal_url}/{name}"
    return await post(
        state, session, org, "ashby", name, url, body, subject, ASHBY_TIMEOUT_SECONDS, "Ashby/1.0 (sandbox)"
    )


async def list_types(
    state: State, session: aiohttp.ClientSession, org: Org, application_id: str | None = None
) -> Outcome:
    """Call `assessment.list` and remember the types, whose names assessments show."""
    subject = Subject(application_id=application_id)
    answer = await call_portal(state, session, org, "assessment.list", {}, subject)
    outcome = Outcome(answer)
    if not answer.succeeded:
        return outcome
    rows = answer.payload.get("results")
    if not isinstance(rows, list):
        return _add_problem(state, org, outcome, "assessment.list: results must be a list")
    for row in rows:
        is_valid = (
            isinstance(row, dict)
            and is_uuid(row.get("assessment_type_id"))
            and isinstance(row.get("name"), str)
        )
        if not is_valid:
            _add_problem(state, org, outcome, "assessment.list: each type needs a UUID and a name")
            continue
        org.types[row["assessment_type_id"]] = row
    return outcome


async def start(
    state: State, session: aiohttp.ClientSession, org: Org, application: Application, body: dict[str, Any]
) -> Outcome:
    """Call `assessment.start`. On success the answer's `update_request` is the first status on the card."""
    subject = Subject(application_id=application.id)
    outcome = Outcome(await call_portal(state, session, org, "assessment.start", body, subject))
    if outcome.answer.succeeded:
        _open_assessment(state, org, application, body, outcome)
    return outcome


async def cancel(state: State, session: aiohttp.ClientSession, org: Org, assessment_id: str) -> Outcome:
    """Call `assessment.cancel`. The card shows Cancelled after an update with `cancelled_reason`."""
    assessment = state.assessments.get(assessment_id)
    subject = Subject(assessment.application_id if assessment else None, assessment_id)
    body = {"assessment_id": capitalized(state.dialects.of("ashby", org.slug), assessment_id)}
    outcome = Outcome(
        await call_portal(state, session, org, "assessment.cancel", body, subject), assessment_id
    )
    if outcome.answer.succeeded and assessment is not None and assessment.org == org.slug:
        assessment.cancel_requested_at = time.time() * 1000
        state.save_assessment(assessment)
    return outcome


async def find_type(state: State, session: aiohttp.ClientSession, org: Org, wanted: str | None) -> str | None:
    """The id of the type with this id or name (``None``: the first). Lists the types if none matches."""
    known = _known_type(org, wanted)
    if known is None:
        await list_types(state, session, org)
        known = _known_type(org, wanted)
    return known


def start_body(
    state: State, org: Org, application: Application, type_id: str, additional_fields: Any = None
) -> dict[str, Any]:
    """The body of `assessment.start` (docs/protocol.md), in Ashby's dialect."""
    job = org.jobs[application.job_id]
    body: dict[str, Any] = {
        "assessment_type_id": type_id,
        "candidate": {
            **application.candidate,
            "ashby_profile_url": f"{state.base_url}/ashby/{org.slug}/candidates/{application.id}",
        },
        "application": {"ashby_id": application.id, "status": application.status},
        "job": {
            "ashby_id": job.id,
            "name": job.name,
            "ashby_job_url": f"{state.base_url}/ashby/{org.slug}/#job-{job.id}",
            "hiringTeam": job.hiring_team,
        },
    }
    if job.req_id:
        body["job"]["req_id"] = job.req_id
    if additional_fields is not None:
        body["additional_fields"] = additional_fields
    return write_start(state.dialects.of("ashby", org.slug), body)


def new_application(state: State, org: Org, candidate: dict[str, Any], job_id: str | None) -> Application:
    """Add a candidate's application for this job, or else for the first open job."""
    number = len(org.applications) + 1
    person = {
        "ashby_id": str(uuid.uuid4()),
        "first_name": "Robin",
        "last_name": f"Newcomer {number}",
        "email": f"newcomer{number}@example.com",
        **candidate,
    }
    fallback = next((job.id for job in org.jobs.values() if job.status == "Open"), next(iter(org.jobs), ""))
    application = Application(
        id=str(uuid.uuid4()),
        org=org.slug,
        job_id=job_id if job_id in org.jobs else fallback,
        status="Active",
        candidate=person,
    )
    state.save_application(application)
    return application


def _known_type(org: Org, wanted: str | None) -> str | None:
    if wanted is None:
        return next(iter(org.types), None)
    if wanted in org.types:
        return wanted
    return next((key for key, row in org.types.items() if row["name"] == wanted), None)


def _open_assessment(
    state: State, org: Org, application: Application, body: dict[str, Any], outcome: Outcome
) -> None:
    results = outcome.answer.payload.get("results")
    identifier = results.get("assessment_id") if isinstance(results, dict) else None
    if not is_uuid(identifier):
        _add_problem(state, org, outcome, "assessment.start: assessment_id must be a UUID")
        return
    identifier = str(identifier).lower()
    outcome.assessment_id = identifier
    existing = state.assessments.get(identifier)
    if existing is not None:
        outcome.replayed = True
        if existing.application_id != application.id:
            _add_problem(
                state, org, outcome, "assessment.start: this assessment_id belongs to another application"
            )
        return
    assessment = _new_assessment(org, application, body, identifier)
    _apply_first_status(state, org, assessment, results.get("update_request"), outcome)
    state.save_assessment(assessment)


def _new_assessment(org: Org, application: Application, body: dict[str, Any], identifier: str) -> Assessment:
    type_id = str(body.get("assessment_type_id", "")).lower()
    return Assessment(
        id=identifier,
        org=org.slug,
        application_id=application.id,
        type_id=type_id,
        type_name=org.types.get(type_id, {}).get("name", type_id),
        created_at=time.time() * 1000,
    )


def _apply_first_status(
    state: State, org: Org, assessment: Assessment, update: Any, outcome: Outcome
) -> None:
    """Apply the answer's `update_request`, by the rules of every update."""
    if update is None:
        return
    problems = update_problems(update)
    if not problems and update["assessment_id"].lower() != assessment.id:
        problems = ["assessment_id: not the one in this answer"]
    for problem in problems:
        _add_problem(state, org, outcome, f"assessment.start: update_request: {problem}")
    if not problems:
        apply_update(assessment, update, "start")


def _add_problem(state: State, org: Org, outcome: Outcome, message: str) -> Outcome:
    outcome.problems.append(message)
    count_bad_answer(state, org, message)
    return outcome
