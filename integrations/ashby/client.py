"""What we say to Ashby, and what its answers mean.

Source: Ashby's public API reference: HTTP Basic with the key as user name; 200 does not mean
success ("what would be 4XX errors will return 200 with success being false").
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.http import client
from integrations.http.error_codes import BODY_CODES, NOT_FOUND_CODES
from integrations.http.errors import Answer, CallFailed, NotSent, Refused, Unauthorized, Unknown
from integrations.http.key_fallback import OLDER_KEY_SAYS_NO, KeyFallback, ignore_use
from integrations.http.outcomes import error_of, unsuccessful
from integrations.http.rate_limits import rest_everybody, take_ashby_call
from integrations.partner_protocol.listing import Listing, clean_text, read_listing
from integrations.partner_protocol.parsing import read_id

logger = logging.getLogger(__name__)

_HEADERS = {"Accept": "application/json; version=1"}

# Reading candidates comes with writing them in Ashby's own form for a key.
_NEEDED = frozenset({"candidateswrite", "candidatesread", "jobsread", "apikeysread"})


@dataclass(frozen=True)
class KeyInfo:
    """What ``apiKey.info`` says of a key."""

    title: str
    scopes: tuple[str, ...]

    @property
    def may_update_candidates(self) -> bool:
        return "candidates:write" in self.scopes or "candidatesWrite" in self.scopes

    @property
    def unneeded_scopes(self) -> list[str]:
        """What the key may do besides what the portal does with it."""
        return sorted(scope for scope in self.scopes if scope.replace(":", "").casefold() not in _NEEDED)


@dataclass(frozen=True)
class AshbyJob:
    """A job as ``job.list`` names it. Only its id is never empty."""

    ashby_id: str
    title: str
    status: str
    requisition_id: str


class AssessmentNotFound(Refused):
    """Ashby does not know the assessment (yet: its start may still be on the way)."""


class InvalidUpdate(Refused):
    """Ashby says that this body is invalid: sending it again would not help."""


@dataclass(frozen=True)
class AshbyClient:
    """``others``: keys that ``key`` has replaced and that may still work (``KeyChain``)."""

    base_url: str
    key: str = field(repr=False)
    others: tuple[str, ...] = field(default=(), repr=False)
    note_use: Callable[[int], None] = field(default=ignore_use, repr=False)

    def update(
        self, payload: Mapping[str, Any], hide: Iterable[str] = (), not_after: float | None = None
    ) -> Answer:
        """``assessment.update``. Safe to repeat: same body, same timestamp. ``not_after``: as in
        ``http.post``.

        Raises ``NotSent``, ``Unknown``, ``Unauthorized``, ``AssessmentNotFound``, ``InvalidUpdate``.
        """
        return self._call("assessment.update", payload, hide, not_after)

    def key_info(self) -> KeyInfo:
        """``apiKey.info`` (scope apiKeysRead). Raises ``CallFailed``."""
        results = self._call("apiKey.info", {}).body.get("results")
        results = results if isinstance(results, dict) else {}
        scopes = results.get("scopes")
        return KeyInfo(
            title=str(results.get("title", "")),
            scopes=tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else (),
        )

    def jobs(self) -> Listing[AshbyJob]:
        """``job.list``, all pages (scope jobsRead). Raises ``CallFailed``."""

        def fetch(cursor: str) -> Answer:
            return self._call("job.list", {"limit": 100} | ({"cursor": cursor} if cursor else {}))

        return read_listing("Ashby's list of jobs", fetch, _job)

    def _call(
        self,
        name: str,
        body: Mapping[str, Any],
        hide: Iterable[str] = (),
        not_after: float | None = None,
    ) -> Answer:
        def make(key: str) -> Answer:
            try:
                return self._call_with(key, name, body, hide, not_after)
            except AssessmentNotFound as error:
                if key == self.key:
                    raise
                raise Unknown(f"{error.sentence} {OLDER_KEY_SAYS_NO}", answer=error.answer) from None

        return KeyFallback((self.key, *self.others), self.note_use).call(make)

    def _call_with(
        self,
        key: str,
        name: str,
        body: Mapping[str, Any],
        hide: Iterable[str],
        not_after: float | None,
    ) -> Answer:
        take_ashby_call(key)
        try:
            answer = client.post(
                f"{self.base_url}/{name}",
                key=key,
                body=body,
                headers=_HEADERS,
                repeatable=True,
                hide=hide,
                not_after=not_after,
            )
        except NotSent as error:
            if error.answer.headers.get("x-ratelimit-scope") == "integration-partner":
                rest_everybody(error.retry_after or 60)
            raise
        except (Unauthorized, Unknown):
            raise
        except Refused as error:
            raise _refusal(error) from None
        version_status = answer.headers.get("ashby-version-status", "")
        if version_status and version_status.lower() not in ("current", "supported", "active"):
            logger.warning("Ashby says of the API version that we use: %s", version_status[:50])
        if answer.body.get("success") is not True:
            raise _unsuccessful(answer)
        return answer


def _job(item: Mapping[str, Any]) -> tuple[str, AshbyJob]:
    ashby_id = read_id(item, "id")
    title, status = clean_text(item.get("title"), 500), clean_text(item.get("status"), 50)
    return ashby_id, AshbyJob(ashby_id, title, status, clean_text(item.get("customRequisitionId"), 200))


def warnings_of(answer: Answer) -> list[str]:
    """What Ashby remarked on a call that it took."""
    warnings = answer.body.get("warnings")
    return [str(warning)[:500] for warning in warnings][:20] if isinstance(warnings, list) else []


def _refusal(error: CallFailed) -> CallFailed:
    """Which ``Refused`` of a call to Ashby this is, by its code, else by its status. Any that is neither is
    ``Unknown``: the call is made again later."""
    arguments: dict[str, Any] = {"code": error.code, "answer": error.answer}
    if error.code in NOT_FOUND_CODES or error.answer.status == 404:
        return AssessmentNotFound(error.message, **arguments)
    if error.code in BODY_CODES or error.answer.status in (400, 413, 415, 422):
        return InvalidUpdate(error.message, **arguments)
    return Unknown(error.message, **arguments)


def _unsuccessful(answer: Answer) -> CallFailed:
    """What a 2xx without success means."""
    _, message = error_of(answer.body)
    failure = unsuccessful(answer, "Ashby", f"Ashby said: {message or 'no reason'}")
    if isinstance(failure, Refused) and not isinstance(failure, Unauthorized):
        return _refusal(failure)
    return failure
