"""Asking a page as somebody, and knowing whether anything came of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core import mail
from django.db import connection as database
from django.db import transaction
from django.test import Client

from tests.admin.two_companies import Company


class Somebody:
    """A person at the keyboard, who may write what no form offers."""

    def __init__(self, user: User | None) -> None:
        self.user = user
        # One for all that the person does: to load the middleware takes longer than most answers.
        self._client = Client()
        if user:
            self._client.force_login(user)
        self._session = self._client.cookies.output()

    @property
    def client(self) -> Client:
        """Signed in, whatever an earlier answer did to the session."""
        self._client.cookies.clear()
        self._client.cookies.load(self._session.removeprefix("Set-Cookie: "))
        return self._client

    def asks(self, path: str, **query: Any) -> "Answer":
        return self._try(lambda client: client.get(path, query))

    def posts(self, path: str, **posted: Any) -> "Answer":
        return self._try(lambda client: client.post(path, posted))

    def _try(self, act: Callable[[Client], Any]) -> "Answer":
        """Once, and undone: the world is as it was. What the next page will say belongs to the answer."""
        with undone(), _queries() as asked:
            mails = len(mail.outbox)
            answer = act(self.client)
            changed = any(map(_writes, asked)) or len(mail.outbox) > mails
            page = (b"".join(answer) if answer.streaming else answer.content).decode()
            said = " ".join(str(message) for message in get_messages(answer.wsgi_request))
        location = answer.headers.get("Location", "")
        return Answer(answer.status_code, f"{page} {said}", changed, location, len(asked))


@dataclass(frozen=True)
class Answer:
    status: int
    page: str
    changed: bool
    location: str = ""
    queries: int = 0

    @property
    def leads_to(self) -> str:
        return self.location.partition("?")[0]

    def names(self, words: list[str]) -> list[str]:
        return [word for word in words if word in self.page]


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def _queries() -> Iterator[list[str]]:
    """The statements that went to the database."""
    asked: list[str] = []

    def watch(execute: Any, sql: str, *arguments: Any) -> Any:
        asked.append(sql)
        return execute(sql, *arguments)

    with database.execute_wrapper(watch):
        yield asked


def _writes(sql: str) -> bool:
    """Sessions are no content, nor is that somebody looked or pressed."""
    is_about_people = "django_session" in sql or "integrations_audit" in sql
    return sql.startswith(("INSERT", "UPDATE", "DELETE")) and not is_about_people


def form(company: Company) -> dict[str, Any]:
    """Every field of every form at once: each takes what is its own. All of it is valid."""
    package, user = company.rows["package"], company.rows["user"]
    return {
        "organization": company.organization.pk,
        "name": "Changed",
        "slug": "changed",
        "key": "ashby-changed-0123456789",
        "verification_key": "verify-changed-0123456789",
        "staging_base_url": "https://changed.test/",
        "is_enabled": "on",
        "require_two_factor": "on",
        "ashby_name": "Changed",
        "is_active": "on",
        "package": package.pk,
        "ashby_id": "changed",
        "title": "Changed",
        "type": "Number",
        "position": 7,
        "accepted_minutes": 20,
        "received_days": 4,
        "applicant_started_days": 8,
        "in_process_business_days": 12,
        "email": "changed@example.com",
        "role": "support",
        "user": user.pk,
        "username": "changed",
        "first_name": "Changed",
        "is_staff": "on",
        "is_superuser": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "password1": "correct horse battery",
        "password2": "correct horse battery",
        "reason": "Changed",
        "text": "Changed",
        "number": "JF-changed",
        "connection": "on",
        "digest": "on",
        "post": "yes",
        "confirm": "yes",
        "retention_days": 90,
        "poll_days_after_completion": 30,
        "adverse_action_url": "https://changed.test/notes",
        **{
            f"{prefix}-{name}_FORMS": 0
            for prefix in ("mapping", "memberships")
            for name in ("TOTAL", "INITIAL")
        },
    }
