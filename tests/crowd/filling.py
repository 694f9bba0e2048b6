"""Writes the crowd into the database, in batches."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from django.db import transaction
from django.utils import timezone

from assessments.models import Attempt, CandidateSearchTerm, Event, InboundCall, NextCall, Order, Update
from assessments.services.standing import Limits, sentence
from assessments.services.tell import milliseconds
from integrations.connections import connect
from integrations.models import Errand, Job, JobPackageMapping, Organization, Package
from integrations.search_terms import terms

from . import words
from .lives import Fate, Life, Said, body_of, choose, ids

#: So many of the newest orders have their whole history; older ones only the last line of it.
WITH_HISTORY = 2000
_BATCH = 2000
_PAUSED_FOR = timedelta(hours=29, minutes=12)


@dataclass
class Employer:
    """One organization of the crowd."""

    organization: Organization
    packages: list[Package]
    jobs: list[Job]
    paused_at: datetime | None
    orders: int = 0

    def next_number(self) -> str:
        self.orders += 1
        return f"JF-{2026_000000 + self.orders}"


@dataclass
class Rows:
    """What is written together."""

    orders: list[Order] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    calls: list[InboundCall] = field(default_factory=list)

    def write(self) -> None:
        with transaction.atomic():
            for model, rows in (
                *((Order, self.orders), (Event, self.events), (Update, self.updates)),
                *((Attempt, self.attempts), (InboundCall, self.calls)),
                (CandidateSearchTerm, list(self._search_terms())),
            ):
                model.objects.bulk_create(rows, batch_size=500)

    def _search_terms(self) -> Iterator[CandidateSearchTerm]:
        for order in self.orders:
            names = (order.candidate_first_name, order.candidate_last_name)
            for term in terms(names, order.candidate_email):
                yield CandidateSearchTerm(order=order, term=term)


def fill_database(orders: int, organizations: int, seed: int, now: datetime | None) -> None:
    rng, now = Random(seed), now or timezone.now()  # nosec B311 # noqa: S311 - a seed repeats it; no secret comes of it
    employers = [_employer(index, organizations, rng, now) for index in range(organizations)]
    lives = _lives(orders, employers, rng, now)
    while batch := list(islice(lives, _BATCH)):
        rows = Rows()
        for employer, life, is_recent in batch:
            _keep(rows, employer, life, is_recent)
        rows.write()


# --- Organizations ----------------------------------------------------------------------------------


@transaction.atomic
def _employer(index: int, count: int, rng: Random, now: datetime) -> Employer:
    """The last one of several is paused; the second one's Justifacts is slow."""
    name = words.ORGANIZATIONS[index] if index < len(words.ORGANIZATIONS) else f"Company {index + 1}"
    secret = f"{rng.getrandbits(96):024x}"
    connection = connect(name, verification_key=f"verify-{secret}", ashby_key=f"ashby-{secret}", who="pat")
    connection.job_package_type_id = ids(rng)
    connection.verification_key_set_by, connection.verification_key_set_at = "pat", now - timedelta(days=130)
    connection.ashby_called_at = now - timedelta(minutes=rng.uniform(0, 40))
    connection.ashby_answered_at = now - timedelta(minutes=rng.uniform(0, 60))
    connection.justifacts_answered_at = now - timedelta(minutes=rng.uniform(0, 10))
    if index and index == count - 1:
        connection.paused_at, connection.pause_reason = now - _PAUSED_FOR, words.PAUSED.format(name=name)
        connection.ashby_problem, connection.ashby_problem_since = connection.pause_reason, now - _PAUSED_FOR
        connection.ashby_answered_at = now - _PAUSED_FOR
    elif index == 1:
        connection.justifacts_problem = words.SLOW
        connection.justifacts_problem_since = now - timedelta(minutes=26)
        connection.justifacts_answered_at = connection.justifacts_problem_since
    connection.save()
    if not (connection.paused_at or connection.justifacts_problem):
        Errand.objects.create(
            organization=connection.organization,
            kind=Errand.Kind.TEST,
            asked_by="pat",
            started_at=timezone.now(),
            ended_at=timezone.now(),
            lines=words.TESTED,
        )
    packages, jobs = _catalogue(connection.organization, rng)
    return Employer(connection.organization, packages, jobs, connection.paused_at)


def _catalogue(organization: Organization, rng: Random) -> tuple[list[Package], list[Job]]:
    packages = Package.objects.bulk_create(
        Package(
            organization=organization,
            assessment_type_id=ids(rng),
            justifacts_id=f"PKG-{number}",
            name=name,
            description=description,
            is_default=number == 1,
        )
        for number, (name, description, _days) in enumerate(words.PACKAGES, start=1)
    )
    jobs = Job.objects.bulk_create(
        Job(
            organization=organization,
            ashby_id=str(ids(rng)),
            title=title,
            status=rng.choice(["Open", "Open", "Open", "Closed"]),
            requisition_id=f"REQ-{number}",
        )
        for number, title in enumerate(words.JOBS, start=101)
    )
    JobPackageMapping.objects.bulk_create(
        JobPackageMapping(job=job, package=rng.choice(packages), is_strict=place < 2)
        for place, job in enumerate(rng.sample(jobs, 8))
    )
    return packages, jobs


# --- Orders -----------------------------------------------------------------------------------------


def _lives(
    count: int, employers: list[Employer], rng: Random, now: datetime
) -> Iterator[tuple[Employer, Life, bool]]:
    """In the order in which Ashby started them, with whether an order is one of the newest."""
    share = [1 / (place + 1) for place in range(len(employers))]
    planned = []
    for index in range(count):
        employer = rng.choices(employers, share)[0]
        package = rng.choices(employer.packages, [5, 3, 2, 1])[0]
        fate = choose(index, rng)
        turnaround = _turnaround(package, rng)
        planned.append((_created(fate, turnaround, rng, now), index, employer, package, fate, turnaround))
    planned.sort(key=lambda plan: plan[:2])
    for place, (created_at, _, employer, package, fate, turnaround) in enumerate(planned):
        order = _order(employer, package, created_at, rng)
        life = Life(order, employer.next_number(), turnaround, rng, now)
        fate.live(life)
        yield employer, life, place >= count - WITH_HISTORY


def _turnaround(package: Package, rng: Random) -> timedelta:
    median = words.PACKAGES[int(package.justifacts_id.removeprefix("PKG-")) - 1][2]
    return timedelta(days=min(rng.lognormvariate(math.log(median), 0.45), 60))


def _created(fate: Fate, turnaround: timedelta, rng: Random, now: datetime) -> datetime:
    """Mostly in the working hours of a working day, where the fate leaves the time for it."""
    is_complete = fate.live.__name__ == "complete"
    youngest = turnaround.total_seconds() / 86400 if is_complete else fate.youngest
    for _ in range(6):
        moment = now - timedelta(days=rng.uniform(youngest, fate.oldest))
        works = moment.weekday() < 5 and 7 <= moment.hour < 19
        if works or rng.random() < 0.08:
            break
    return moment


def _order(employer: Employer, package: Package, created_at: datetime, rng: Random) -> Order:
    first, last, job = rng.choice(words.FIRST_NAMES), rng.choice(words.LAST_NAMES), rng.choice(employer.jobs)
    application_id, candidate_id = str(ids(rng)), str(ids(rng))
    mail = "".join(letter for letter in f"{first}.{last}".lower() if letter.isascii())
    mail = f"{mail.replace(chr(39), '')}{rng.randint(1, 9999)}@example.{rng.choice(['com', 'org'])}"
    return Order(
        assessment_id=ids(rng),
        organization=employer.organization,
        package=package,
        by_job_mapping=rng.random() < 0.3,
        application_id=application_id,
        job_id=job.ashby_id,
        job_name=job.title,
        candidate_id=candidate_id,
        candidate_first_name=first,
        candidate_last_name=last,
        candidate_email=mail,
        candidate_profile_url=f"https://app.ashbyhq.com/candidates/{candidate_id}",
        application={"ashby_id": application_id, "status": "Active"},
        job={"ashby_id": job.ashby_id, "name": job.title},
        created_at=created_at,
        status_since=created_at,
        next_call=NextCall.PLACE,
        next_call_at=created_at,
    )


# --- What is kept of a life --------------------------------------------------------------------------


def _keep(rows: Rows, employer: Employer, life: Life, is_recent: bool) -> None:
    order, said = life.order, life.said
    _watch(life)
    _hold_back(said, employer.paused_at)
    order.last_sequence = len(said)
    order.last_timestamp = milliseconds(order.created_at) + len(said)
    if said:
        order.last_timestamp = max(order.last_timestamp, milliseconds(said[-1].at) + len(said))
    rows.orders.append(order)
    for at, source, kind, summary in life.events if is_recent else life.events[-1:]:
        rows.events.append(Event(order=order, at=at, source=source, kind=kind, summary=summary))
    if is_recent:
        _keep_calls(rows, life)
    for sequence, each in enumerate(said, start=1):
        if is_recent or sequence == len(said) or each.state != Update.State.DELIVERED:
            _keep_update(rows, life, sequence, each, with_attempts=is_recent)


def _watch(life: Life) -> None:
    """What the watchdog would have written by now."""
    order, usual = life.order, Limits({})
    if usual.has_passed(order, life.now):
        order.still_since, order.still_limit = life.now, usual.limit(order)
        order.still_reason = sentence(order, order.still_limit)
        life.events.append((life.now, Event.Source.PORTAL, "standing_still", order.still_reason))


def _hold_back(said: list[Said], paused_at: datetime | None) -> None:
    """What Ashby should have been told since the pause waits."""
    for each in said:
        if paused_at and each.at > paused_at and each.state == Update.State.DELIVERED:
            each.state, each.tries = Update.State.WAITING, 0


def _keep_update(rows: Rows, life: Life, sequence: int, said: Said, *, with_attempts: bool) -> None:
    timestamp = milliseconds(said.at) + sequence
    delivered = said.state == Update.State.DELIVERED
    taken_at = min(said.at + timedelta(seconds=2), life.now)
    update = Update(
        order=life.order,
        sequence=sequence,
        timestamp=timestamp,
        payload=body_of(life.order, said, timestamp),
        summary=said.summary,
        state=said.state,
        created_at=said.at,
        due_at=said.at if delivered or not said.error else life.now + timedelta(minutes=20),
        attempt_count=said.tries,
        failing_since=None if delivered or not said.error else said.at,
        delivered_at=taken_at if delivered else None,
        last_error=said.error,
    )
    rows.updates.append(update)
    if with_attempts:
        for number in range(said.tries):
            rows.attempts.append(_delivery(life, update, said, number))


def _delivery(life: Life, update: Update, said: Said, number: int) -> Attempt:
    status = 200 if not said.error else 400 if said.state == Update.State.REFUSED else 503
    return Attempt(
        order=life.order,
        update=update,
        call=Attempt.Call.DELIVER,
        at=min(said.at + timedelta(seconds=2, minutes=7 * number), life.now),
        milliseconds=life.rng.randint(80, 900),
        http_status=status,
        outcome="taken" if status == 200 else "refused" if status == 400 else "unknown",
        request_id=f"ashby-{life.rng.randrange(10**10):010}",
        message=said.error,
    )


def _keep_calls(rows: Rows, life: Life) -> None:
    order, rng = life.order, life.rng
    rows.calls.append(_call(life, order.created_at, "ashby", "assessment.start", "accepted"))
    for at, source, kind, _summary in life.events:
        if source == Event.Source.JUSTIFACTS and kind in ("status", "completed", "unknown_status"):
            rows.calls.append(_call(life, at, "justifacts", "assessment.update", "applied"))
    if order.placed_at or order.call_failures:
        taken = order.placed_at is not None
        rows.attempts.append(
            Attempt(
                order=order,
                call=Attempt.Call.PLACE,
                at=order.placed_at or order.created_at + timedelta(seconds=21),
                milliseconds=rng.randint(300, 2500) if taken else 20_000,
                http_status=200 if taken else None,
                outcome="taken" if taken else "unknown",
                message="" if taken else words.SLOW,
            )
        )


def _call(life: Life, at: datetime, source: str, name: str, outcome: str) -> InboundCall:
    body: dict[str, Any] = {"assessment_id": str(life.order.pk)} if source == "justifacts" else {}
    return InboundCall(
        organization=life.order.organization,
        order=life.order,
        source=source,
        name=name,
        request_id=f"{life.rng.getrandbits(64):016x}",
        received_at=at,
        http_status=200,
        outcome=outcome,
        body=body,
    )
