"""The loop that places, delivers and polls: ``python -m benchmarks.inside bare.loop``, with the reference's
settings. An error ends the process, so that no figure is of half the work."""

import os
import signal
import threading
import time
from datetime import timedelta
from typing import Any

import requests
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from benchmarks.stack import BARE_ASHBY_KEY, BARE_VERIFICATION_KEY

from .changes import apply
from .models import Check, Event, Message, OutboundCall
from .queue import THREADS, take

_local = threading.local()
_POLL_EVERY = timedelta(seconds=settings.BARE_POLL_SECONDS)
_HEADERS = {"Accept": "application/json; version=1", "User-Agent": "bare/1.0"}


def main() -> None:
    threading.excepthook = _exit
    loops = [(_work, (number,)) for number in range(THREADS)] + [(_poll, ())]
    for loop, arguments in loops:
        threading.Thread(target=_run, args=(loop, *arguments), daemon=True).start()
    threading.Event().wait()


def _run(loop: Any, *arguments: Any) -> None:
    while True:
        loop(*arguments)


def _exit(error: threading.ExceptHookArgs) -> None:
    threading.__excepthook__(error)
    os.kill(os.getpid(), signal.SIGKILL)


def _work(thread: int) -> None:
    what, check_id = take(thread)
    check = Check.objects.get(id=check_id)
    if what == "place":
        _place(check)
    _deliver(check)


def _poll() -> None:
    """Ask about each check that is due, one after the other."""
    time.sleep(0.5)
    for check in Check.objects.filter(next_poll_at__lte=timezone.now()):
        answer, _ = _post(_at_justifacts("assessment.status"), BARE_VERIFICATION_KEY, _asked(check))
        now, update = timezone.now(), answer.json()["results"]
        check.polled_at = now
        check.next_poll_at = None if "assessment_result" in update else now + _POLL_EVERY
        if update["assessment_status"]["value"] == check.status:
            check.save(update_fields=["polled_at", "next_poll_at"])
            continue
        with transaction.atomic():
            apply(check, update)
        _deliver(check)


def _asked(check: Check) -> dict[str, str]:
    return {"assessment_id": check.number}


def _place(check: Check) -> None:
    body = {
        "assessment_type_id": check.package_id,
        "candidate": check.candidate,
        "application": check.application,
        "job": check.job,
        "reference_id": str(check.id),
    }
    headers = {"Idempotency-Key": str(check.id)}
    url = _at_justifacts("assessment.start")
    answer, milliseconds = _post(url, BARE_VERIFICATION_KEY, body, headers)
    check.number = answer.json()["results"]["assessment_id"]
    check.next_poll_at = timezone.now() + _POLL_EVERY
    with transaction.atomic():
        Event.objects.create(check_of=check, source="justifacts", summary=f"Accepted as {check.number}.")
        _log(check, "assessment.start", answer, milliseconds)
        apply(check, {"assessment_status": {"value": "Justifacts Received"}})


def _deliver(check: Check) -> None:
    for message in Message.objects.filter(check_of=check, delivered_at=None).order_by("sequence"):
        url = f"{settings.ASHBY_API_BASE_URL}/assessment.update"
        answer, milliseconds = _post(url, BARE_ASHBY_KEY, message.payload, _HEADERS)
        while "assessment_not_found" in answer.text:
            # Ashby has not yet read the answer to its start.
            time.sleep(0.1)
            answer, milliseconds = _post(url, BARE_ASHBY_KEY, message.payload, _HEADERS)
        if answer.json()["success"] is not True:
            raise RuntimeError(f"Ashby refused an update: {answer.text}")
        message.delivered_at = timezone.now()
        with transaction.atomic():
            message.save(update_fields=["delivered_at"])
            _log(check, "assessment.update", answer, milliseconds, message)


def _log(
    check: Check, name: str, answer: requests.Response, milliseconds: int, message: Message | None = None
) -> None:
    OutboundCall.objects.create(
        check_of=check,
        message=message,
        name=name,
        http_status=answer.status_code,
        milliseconds=milliseconds,
        answer=answer.text[:500],
    )


def _at_justifacts(name: str) -> str:
    return f"{settings.JUSTIFACTS_BASE_URL}{name}"


def _post(url: str, key: str, body: Any, headers: dict[str, str] | None = None) -> tuple[Any, int]:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    began = time.monotonic()
    answer = _local.session.post(url, json=body, auth=(key, ""), headers=headers, timeout=(3, 10))
    answer.raise_for_status()
    return answer, round((time.monotonic() - began) * 1000)
