"""What we say to Justifacts, in Ashby's place. All that we assume of Justifacts is in this file.

Public is its base URL, that it answers Ashby's partner protocol there with the verification key
as the Basic user name, and its statuses. ``assessment.status``, ``reference_id`` and the header
``Idempotency-Key`` are our own assumptions (``docs/protocol.md``): an owner who has Justifacts'
interface document changes this module and nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from integrations.http import client
from integrations.http.error_codes import ALREADY_CANCELLED_CODES, ASSESSMENT_NOT_FOUND, DUPLICATE_CODES
from integrations.http.errors import Answer, NotUnderstood, Refused, Unauthorized, UnclearRefusal, Unknown
from integrations.http.excerpts import excerpt
from integrations.http.key_fallback import OLDER_KEY_SAYS_NO, KeyFallback, ignore_use
from integrations.http.outcomes import error_of, unsuccessful
from integrations.http.rate_limits import take_justifacts_calls
from integrations.partner_protocol.listing import Listing, clean_text, read_listing
from integrations.partner_protocol.messages import AssessmentUpdate, read_reference
from integrations.partner_protocol.parsing import (
    MAX_NAME_LENGTH,
    MAX_TEXT_LENGTH,
    InvalidMessage,
    read_id,
    same_id,
)
from integrations.partner_protocol.starts import StartRequest

_NOT_FOUND = ASSESSMENT_NOT_FOUND
#: Where an update may stand inside of ``results``, and what shows that it stands in ``results`` itself.
_NESTED = ("update_request", "update", "assessment_update", "assessment")
_DECIDING = {"assessment_status", "assessment_result", "cancelled_reason"}


@dataclass(frozen=True)
class SoldPackage:
    """An assessment type as Justifacts lists it; its id is an opaque text."""

    justifacts_id: str
    name: str
    description: str


@dataclass(frozen=True)
class Placed:
    """Justifacts has taken an order."""

    justifacts_order_id: str
    word: AssessmentUpdate | None
    answer: Answer
    #: The answer has an update that cannot be read; ``word`` is None then.
    not_understood: NotUnderstood | None = None


@dataclass(frozen=True)
class Found:
    """Justifacts knows the order; either what it says of it is in ``word``, or why that cannot be read is in
    ``not_understood``."""

    justifacts_order_id: str
    word: AssessmentUpdate | None
    answer: Answer
    not_understood: NotUnderstood | None = None


class OrderNotFound(Refused):
    """Justifacts certainly has no such order."""


def address(base_url: str, name: str) -> str:
    """The base URL with exactly one slash at its end, plus the name, joined as text: the base may
    end in a query string (``.../application?ashby/``)."""
    return f"{base_url.rstrip('/')}/{name}"


@dataclass(frozen=True)
class JustifactsClient:
    """``others``: keys that ``key`` has replaced and that may still work (``KeyChain``)."""

    base_url: str
    key: str = field(repr=False)
    others: tuple[str, ...] = field(default=(), repr=False)
    note_use: Callable[[int], None] = field(default=ignore_use, repr=False)

    def reserve(self, calls: int) -> int:
        """Counts calls that are then made with ``is_reserved``: so many, or as many as the budget has left.
        Raises ``BudgetSpent`` where it has none."""
        return take_justifacts_calls(self.base_url, self.key, calls)

    def packages(self) -> Listing[SoldPackage]:
        """``assessment.list``, all pages. Raises ``CallFailed``."""

        def fetch(cursor: str) -> Answer:
            return self._call("assessment.list", {"cursor": cursor} if cursor else {}, repeatable=True)

        return read_listing("Justifacts' list of packages", fetch, _package)

    def start(self, request: StartRequest, reference_id: str, not_after: float | None = None) -> Placed:
        """``assessment.start``: one background check, which costs money. Never repeated here.
        ``not_after``: as in ``http.post``.

        Raises ``Refused`` (it said no), ``NotSent`` (safe to try again) or ``Unknown`` (it may
        have been taken: look it up first). That it has such an order already is ``UnclearRefusal``: it may be
        the one that an earlier call placed.
        """
        hide = request.candidate.personal_data
        try:
            answer = self._call(
                "assessment.start",
                request.as_json() | {"reference_id": reference_id},
                headers={"Idempotency-Key": reference_id},
                repeatable=False,
                hide=hide,
                not_after=not_after,
            )
        except Refused as error:
            if error.code not in DUPLICATE_CODES or isinstance(error, Unauthorized):
                raise
            raise UnclearRefusal(error.message, code=error.code, answer=error.answer) from None
        results = _results(answer.body)
        order_id = _order_id(results)
        if not order_id:
            raise self._not_understood("It has no order number.", answer, hide)
        update = results.get("update_request")
        if not isinstance(update, dict) or not update:
            return Placed(order_id, None, answer)
        return Placed(order_id, *self._read(update, answer, hide, assessment_id=order_id))

    def cancel(self, justifacts_order_id: str, hide: Iterable[str] = ()) -> Answer:
        """``assessment.cancel``. ``hide``: as in ``http.post``. Any 2xx without a body is a success, and so
        is an order that is cancelled already. Raises ``CallFailed``: ``Refused`` where Justifacts declines,
        ``OrderNotFound`` where it has no order of that number.
        """
        body = {"assessment_id": justifacts_order_id}
        try:
            with _order_not_found():
                return self._call(
                    "assessment.cancel", body, repeatable=True, hide=hide, empty_is_success=True
                )
        except (Refused, UnclearRefusal) as error:
            if error.code in ALREADY_CANCELLED_CODES and not isinstance(error, Unauthorized):
                return error.answer
            raise

    def status(
        self,
        *,
        justifacts_order_id: str = "",
        reference_id: str = "",
        expected_reference: str = "",
        hide: Iterable[str] = (),
        is_reserved: bool = False,
    ) -> Found:
        """``assessment.status``, by Justifacts' id or by ours. ``hide``: as in ``http.post``. An answer with
        another number than the one asked for is taken where it carries ``expected_reference``: Justifacts may
        have given the order a new number.

        Raises ``OrderNotFound`` where Justifacts certainly has none, ``CallFailed`` where its
        answer is not certain.
        """
        body = (
            {"assessment_id": justifacts_order_id} if justifacts_order_id else {"reference_id": reference_id}
        )
        try:
            with _order_not_found():
                answer = self._call(
                    "assessment.status", body, repeatable=True, hide=hide, is_reserved=is_reserved
                )
        except Unknown as error:
            # JSON of another shape, or a ``success`` that is neither true nor false. Any subclass says more.
            if type(error) is not Unknown or error.answer.status != 200 or not error.answer.body:
                raise
            reason = "It does not say whether the call succeeded."
            raise self._not_understood(reason, error.answer, hide) from None
        results = _results(answer.body)
        reference, number = _reference(results), _order_id(results)
        expected = reference_id or expected_reference
        # Our own id may stand in the place of the number.
        names_ours = same_id(number, expected) and not reference
        is_ours = bool(expected) and (same_id(reference, expected) or names_ours)
        if reference_id and reference and not is_ours:
            raise self._not_understood("It is about another order than the one asked for.", answer, hide)
        if justifacts_order_id and not number and reference and expected and not is_ours:
            raise self._not_understood("It is about another order than the one asked for.", answer, hide)
        if justifacts_order_id and (not number or same_id(number, justifacts_order_id)):
            number = justifacts_order_id
        if not number:
            raise self._not_understood("It has no order number.", answer, hide)
        if justifacts_order_id and number != justifacts_order_id and not is_ours:
            raise self._not_understood("It is about another order than the one asked for.", answer, hide)
        return Found(number, *self._read(results, answer, hide, assessment_id=number))

    def _read(
        self, update: Mapping[str, Any], answer: Answer, hide: Iterable[str], *, assessment_id: str
    ) -> tuple[AssessmentUpdate | None, Answer, NotUnderstood | None]:
        try:
            return AssessmentUpdate.parse({**update, "assessment_id": assessment_id}), answer, None
        except InvalidMessage as error:
            return None, answer, self._not_understood(error.message, answer, hide)

    def _not_understood(self, reason: str, answer: Answer, hide: Iterable[str]) -> NotUnderstood:
        quoted = excerpt(answer.body, hide, secrets=(self.key, *self.others))
        return NotUnderstood(
            f"Justifacts answered what the portal cannot read. {reason}", excerpt=quoted, answer=answer
        )

    def _call(
        self,
        name: str,
        body: Mapping[str, Any],
        *,
        repeatable: bool,
        headers: Mapping[str, str] | None = None,
        hide: Iterable[str] = (),
        not_after: float | None = None,
        is_reserved: bool = False,
        empty_is_success: bool = False,
    ) -> Answer:
        if not is_reserved:
            self.reserve(1)

        def make(key: str) -> Answer:
            try:
                return _successful(
                    client.post(
                        address(self.base_url, name),
                        key=key,
                        body=body,
                        headers=headers,
                        repeatable=repeatable,
                        hide=hide,
                        not_after=not_after,
                        empty_is_success=empty_is_success,
                    )
                )
            except Refused as error:
                if key == self.key or error.code != _NOT_FOUND or isinstance(error, Unauthorized):
                    raise
                raise Unknown(OLDER_KEY_SAYS_NO, answer=error.answer) from None

        return KeyFallback((self.key, *self.others), self.note_use).call(make)


def _package(item: Mapping[str, Any]) -> tuple[str, SoldPackage]:
    justifacts_id = read_id(item, "assessment_type_id")
    name = clean_text(item.get("name"), MAX_NAME_LENGTH) or justifacts_id
    description = item.get("description")
    description = description.strip()[:MAX_TEXT_LENGTH] if isinstance(description, str) else ""
    return justifacts_id, SoldPackage(justifacts_id, name, description)


@contextmanager
def _order_not_found() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        # To a key that it does not accept, "not found" is not certain.
        if error.code == _NOT_FOUND and not isinstance(error, Unauthorized):
            raise OrderNotFound(error.message, code=error.code, answer=error.answer) from None
        raise


def _successful(answer: Answer) -> Answer:
    """Any 2xx with ``success: true``; a body may be missing only where ``http.post`` allows it. Raises
    what ``answers.unsuccessful`` says."""
    if not answer.body or answer.body.get("success") is True:
        return answer
    _, message = error_of(answer.body)
    raise unsuccessful(answer, "Justifacts", message or "Justifacts gave no reason.")


def _results(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of an answer that speaks of the order: ``results``, also where that is a list of one object or
    holds the update in an object of its own, or the answer itself where it has no ``results``."""
    results = body.get("results") or body
    if isinstance(results, list):
        results = results[0] if len(results) == 1 else None
    if not isinstance(results, dict):
        return {}
    inner = [part for name in _NESTED if isinstance(part := results.get(name), dict)]
    if len(inner) != 1 or not results.keys().isdisjoint(_DECIDING):
        return results
    return results | inner[0]


def _order_id(results: Mapping[str, Any]) -> str:
    """Justifacts' number of an order, which is an opaque text; empty where there is none that can be read."""
    try:
        return read_id(results, "assessment_id", needed=False)
    except InvalidMessage:
        return ""


def _reference(results: Mapping[str, Any]) -> str:
    """The reference that an answer names; one that is no text is none, one that cannot be ours is kept."""
    try:
        return read_reference(results)
    except InvalidMessage:
        return "unreadable"
