"""The candidates, jobs and packages of a new organization. Their ids depend on the slug only."""

from __future__ import annotations

import uuid
from typing import Any

from integrations.sandbox.models import Application, Job, Package

_NAMESPACE = uuid.UUID("5a5d0b0c-5a3f-4f0e-9c39-5b2f4a3b6c11")

_JOBS = [
    ("Senior Backend Engineer", "Engineering", "ENG-104", "Open"),
    ("Staff Data Engineer", "Engineering", "ENG-117", "Open"),
    ("Head of Finance", "Finance", "FIN-009", "Open"),
    ("Customer Support Specialist", "Operations", None, "Open"),
    ("Warehouse Shift Lead", "Operations", "OPS-231", "Open"),
    ("Payroll Analyst", "Finance", "FIN-012", "Draft"),
]

# Accents, apostrophes, hyphens, names of several words, six scripts.
_PEOPLE = [
    ("José", "Álvarez-Núñez", "jose.alvarez"),
    ("Siobhán", "O'Brien", "siobhan.obrien"),
    ("王", "小明", "wang.xiaoming"),
    ("Amina", "Diallo", "amina.diallo"),
    ("Ngọc", "Trần Thị", "ngoc.tran"),
    ("Дмитрий", "Соколов", "d.sokolov"),
    ("Zoë", "van der Berg", "zoe.vdberg"),
    ("محمد", "الفارسي", "m.alfarsi"),
    ("Grace", "Okonkwo", "grace.okonkwo"),
    ("यश", "पटेल", "yash.patel"),
    ("Jean-Luc", "D’Angelo", "jl.dangelo"),
    ("김", "민준", "minjun.kim"),
]

_PACKAGES = [
    (
        "Basic Criminal + SSN Trace",
        "County and national criminal search with a Social Security number trace.",
    ),
    (
        "Professional: Criminal, Employment, Education",
        "Adds seven years of employment and the highest degree.",
    ),
    ("Executive", "Professional, with credit, civil litigation and media search."),
    ("Motor Vehicle Record", "Driving record of the current state of residence."),
]

_TEAM = [
    ("Priya", "Raman", "Recruiter"),
    ("Tomás", "Herrera", "Hiring Manager"),
    ("Ingrid", "Sørensen", "Recruiting Coordinator"),
]


def seed_id(slug: str, kind: str, number: int) -> str:
    """A UUID that is the same at every start."""
    return str(uuid.uuid5(_NAMESPACE, f"{slug}/{kind}/{number}"))


def jobs(slug: str, count: int | None = None) -> list[Job]:
    """The organization's jobs; beyond the six titles above, titles repeat with a number."""
    return [_job(slug, number) for number in range(len(_JOBS) if count is None else count)]


def applications(slug: str, jobs: list[Job], count: int | None = None) -> list[Application]:
    """The candidates, each with one application on one of the jobs."""
    wanted = (len(_PEOPLE) if count is None else count) if jobs else 0
    return [_application(slug, number, jobs) for number in range(wanted)]


def packages() -> list[Package]:
    """What Justifacts sells to a new organization. Ids are opaque, not UUIDs."""
    return [
        Package(f"JF-PKG-{1001 + n}", name, description) for n, (name, description) in enumerate(_PACKAGES)
    ]


def person(slug: str, number: int) -> dict[str, Any]:
    """A candidate as in the body of a start (docs/protocol.md)."""
    first, last, mailbox = _PEOPLE[number % len(_PEOPLE)]
    suffix = "" if number < len(_PEOPLE) else f".{number}"
    return {
        "ashby_id": seed_id(slug, "candidate", number),
        "first_name": first,
        "last_name": last,
        "email": f"{mailbox}{suffix}@example.com",
    }


def _job(slug: str, number: int) -> Job:
    title, department, req_id, status = _JOBS[number % len(_JOBS)]
    repetition = number // len(_JOBS)
    return Job(
        id=seed_id(slug, "job", number),
        name=f"{title} {repetition + 1}" if repetition else title,
        department=department,
        req_id=f"{req_id}-{repetition + 1}" if repetition and req_id else req_id,
        status=status,
        hiring_team=_team(slug, number),
    )


def _team(slug: str, number: int) -> list[dict[str, str]]:
    members = [member for n, member in enumerate(_TEAM) if n != 2 or number % 2 == 0]
    return [
        {
            "userId": seed_id(slug, "user", n),
            "firstName": first,
            "lastName": last,
            "email": f"team{n + 1}@{slug}.example.com",
            "role": role,
        }
        for n, (first, last, role) in enumerate(members)
    ]


def _application(slug: str, number: int, jobs: list[Job]) -> Application:
    open_jobs = [job for job in jobs if job.status == "Open"] or jobs
    return Application(
        id=seed_id(slug, "application", number),
        org=slug,
        job_id=open_jobs[number % len(open_jobs)].id,
        status="Lead" if number % 7 == 6 else "Active",
        candidate=person(slug, number),
    )
