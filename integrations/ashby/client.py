"""What the portal calls at Ashby, and what Ashby's answers mean.

Source: Ashby's public API reference. HTTP Basic with the key as the user name. 200 does not mean success:
"what would be 4XX errors will return 200 with success being false".
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.http import client
from integrations.http.client import OutboundCall
from integrations.http.error_codes import BODY_CODES, NOT_FOUND_CODES
from integrations.http.errors import Answer, CallFailed, NotSent, Refused, Unauthorized, Unknown
from integrations.http.outcomes import error_of, unsuccessful
from integrations.http.partner_client import PartnerClient
from integrations.http.rate_limit import rest_everybody, take_ashby_call
from integrations.partner_protocol.listing import Listing, read_listing
from integrations.partner_protocol.parsing import read_id, short_text

logger = logging.getLogger(__name__)

_HEADERS = {"Accept": "application/json; version=1"}

# In Ashby's form for a key, the scope to write candidates includes the scope to read them.
_NEEDED = frozenset({"candidateswrite", "candidatesread", "jobsread", "apikeysread"})


@dataclass(frozen=True)
class KeyInfo:
    """What ``apiKey.info`` answers about a key."""

    title: str
    scopes: tuple[str, ...]

    @property
    def may_update_candidates(self) -> bool:
        """Whether the key has the scope that ``assessment.update`` needs."""
        return "candidates:write" in self.scopes or "candidatesWrite" in self.scopes

    @property
    def unneeded_scopes(self) -> list[str]:
        return sorted(scope for scope in self.scopes if scope.replace(":", "").casefold() not in _NEEDED)


@dataclass(frozen=True)
class AshbyJob:
    """A job of ``job.list``. Only its id is never empty."""

    ashby_id: str
    title: str
    status: str
    requisition_id: str


class AssessmentNotFound(Refused):
    """Ashby does not know the assessment. It may not have stored the answer to the start yet."""


class InvalidUpdate(Refused):
    """Ashby refuses this body, so the same update would be refused again."""


@dataclass(frozen=True)
class AshbyClient(PartnerClient):
    """Calls Ashby for one organization. Every call is safe to repeat."""

    partner = "ashby"

    def update(
        self, payload: Mapping[str, Any], hide: Iterable[str] = (), not_after: float | None = None
    ) -> Answer:
        """``assessment.update``. Safe to repeat, because body and timestamp stay the same. ``hide`` and
        ``not_after``: as in ``OutboundCall``.

        Raises ``NotSent``, ``Unknown``, ``Unauthorized``, ``AssessmentNotFound``, ``InvalidUpdate``.
        """
        return self._call("assessment.update", payload, hide, not_after)

    def key_info(self) -> KeyInfo:
        """``apiKey.info`` (scope apiKeysRead). Raises ``CallFailed``."""
        results = self._call("apiKey.info", {}).body.get("results")
        results = results if isinstance(results, dict) else {}
        scopes = results.get("scopes")
        granted = tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else ()
        return KeyInfo(title=str(results.get("title", "")), scopes=granted)

    def jobs(self) -> Listing[AshbyJob]:
        """``job.list``, all pages (scope jobsRead). Raises ``CallFailed``."""

        def fetch(cursor: str) -> Answer:
            return self._call("job.list", {"limit": 100} | ({"cursor": cursor} if cursor else {}))

        return read_listing("Ashby's list of jobs", fetch, _job)

    def _call(
        self, name: str, body: Mapping[str, Any], hide: Iterable[str] = (), not_after: float | None = None
    ) -> Answer:
        url = f"{self.base_url}/{name}"
        call = OutboundCall(url, body, _HEADERS, is_repeatable=True, hide=hide, not_after=not_after)
        return self.call_with_fallback(call)

    def _exchange(self, call: OutboundCall, key: str) -> Answer:
        take_ashby_call(key)
        try:
            answer = client.post(call, key=key)
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
            logger.warning("Ashby's status of the API version in use: %s", version_status[:50])
        if answer.body.get("success") is not True:
            _, message = error_of(answer.body)
            failure = unsuccessful(answer, "Ashby", f"Ashby said: {message or 'no reason'}")
            is_refusal = isinstance(failure, Refused) and not isinstance(failure, Unauthorized)
            raise _refusal(failure) if is_refusal else failure
        return answer

    def _says_not_found(self, refusal: Refused) -> bool:
        return isinstance(refusal, AssessmentNotFound)


def _job(item: Mapping[str, Any]) -> tuple[str, AshbyJob]:
    ashby_id = read_id(item, "id")
    title, status = short_text(item, "title", 500), short_text(item, "status", 50)
    return ashby_id, AshbyJob(ashby_id, title, status, short_text(item, "customRequisitionId", 200))


def warnings_of(answer: Answer) -> list[str]:
    """The warnings in the answer to a call that succeeded: at most 20, of at most 500 characters."""
    warnings = answer.body.get("warnings")
    return [str(warning)[:500] for warning in warnings][:20] if isinstance(warnings, list) else []


def _refusal(error: CallFailed) -> CallFailed:
    """The kind of a refusal, by its code, else by its status. One of neither kind is ``Unknown``, so that the
    call is retried."""
    arguments: dict[str, Any] = {"code": error.code, "answer": error.answer}
    if error.code in NOT_FOUND_CODES or error.answer.status == 404:
        return AssessmentNotFound(error.message, **arguments)
    if error.code in BODY_CODES or error.answer.status in (400, 413, 415, 422):
        return InvalidUpdate(error.message, **arguments)
    return Unknown(error.message, **arguments)
