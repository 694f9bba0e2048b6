"""What the portal calls at Justifacts, in Ashby's place. Every assumption about Justifacts is in this file.

Public are its base URL, its statuses, and that it answers Ashby's partner protocol there with the
verification key as the Basic user name. ``assessment.status``, ``reference_id`` and the header
``Idempotency-Key`` are assumptions (``docs/protocol.md``). An owner with Justifacts' interface document
changes this module only.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from integrations.http import client
from integrations.http.client import OutboundCall
from integrations.http.error_codes import ALREADY_CANCELLED_CODES, ASSESSMENT_NOT_FOUND, DUPLICATE_CODES
from integrations.http.errors import Answer, NotUnderstood, Refused, Unauthorized, UnclearRefusal, Unknown
from integrations.http.outcomes import error_of, unsuccessful
from integrations.http.partner_client import PartnerClient
from integrations.http.rate_limit import take_justifacts_calls
from integrations.partner_protocol.listing import Listing, read_listing
from integrations.partner_protocol.messages import AssessmentUpdate, read_reference
from integrations.partner_protocol.parsing import (
    MAX_NAME_LENGTH,
    MAX_TEXT_LENGTH,
    InvalidMessage,
    read_id,
    same_id,
    short_text,
)
from integrations.partner_protocol.starts import StartRequest
from integrations.redaction import excerpt

#: Objects in ``results`` that may hold the update, and parts that show that ``results`` itself is the update.
_NESTED = ("update_request", "update", "assessment_update", "assessment")
_DECIDING = {"assessment_status", "assessment_result", "cancelled_reason"}
_ANOTHER_ORDER = "It is about another order than the one asked for."


@dataclass(frozen=True)
class SoldPackage:
    """A package as Justifacts lists it. Its id is an opaque text."""

    justifacts_id: str
    name: str
    description: str


@dataclass(frozen=True)
class Placed:
    """Justifacts has accepted an order."""

    justifacts_order_id: str
    update: AssessmentUpdate | None
    answer: Answer
    #: Set if the answer has an update that cannot be read. ``update`` is then None.
    not_understood: NotUnderstood | None = None


class Found(Placed):
    """Justifacts has the order. Either ``update`` is its update, or ``not_understood`` says why the update
    cannot be read."""


class OrderNotFound(Refused):
    """Justifacts has no such order, for certain."""


def address(base_url: str, name: str) -> str:
    """The base URL with exactly one slash at its end, plus the name. Joined as text, because the base URL may
    end in a query string (``.../application?ashby/``)."""
    return f"{base_url.rstrip('/')}/{name}"


@dataclass(frozen=True)
class JustifactsClient(PartnerClient):
    """Calls Justifacts for one organization."""

    partner = "justifacts"

    def reserve(self, calls: int) -> int:
        """Takes calls from the budget, to be made with ``is_reserved``. Returns how many may be made. Raises
        ``BudgetSpent`` where none may."""
        return take_justifacts_calls(self.base_url, self.key, calls)

    def packages(self) -> Listing[SoldPackage]:
        """``assessment.list``, all pages. Raises ``CallFailed``."""

        def fetch(cursor: str) -> Answer:
            return self._call(self._to("assessment.list", {"cursor": cursor} if cursor else {}))

        return read_listing("Justifacts' list of packages", fetch, _package)

    def start(self, request: StartRequest, reference_id: str, not_after: float | None = None) -> Placed:
        """``assessment.start``: orders one background check, which costs money. Never repeated here.
        ``not_after``: as in ``OutboundCall``.

        Raises ``Refused`` (Justifacts declined), ``NotSent`` (safe to retry) or ``Unknown`` (may have been
        accepted: look it up first). If Justifacts says that it has the order already, that is
        ``UnclearRefusal``: an earlier call may have placed it.
        """
        hide = request.candidate.personal_data
        body = request.as_json() | {"reference_id": reference_id}
        call = replace(
            self._to("assessment.start", body, hide),
            headers={"Idempotency-Key": reference_id},
            is_repeatable=False,
            not_after=not_after,
        )
        try:
            answer = self._call(call)
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
        """``assessment.cancel``. ``hide``: as in ``OutboundCall``. Any 2xx without a body is a success, and
        so is an order that is cancelled already.

        Raises ``CallFailed``: ``Refused`` where Justifacts declines, ``OrderNotFound`` where it has no order
        of that number.
        """
        call = self._to("assessment.cancel", {"assessment_id": justifacts_order_id}, hide)
        try:
            with self._order_not_found():
                return self._call(replace(call, empty_is_success=True))
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
        """``assessment.status``, by Justifacts' order number or by the portal's reference.

        An answer with another number than the one asked for is accepted if it carries ``expected_reference``:
        Justifacts may have given the order a new number. ``hide``: as in ``OutboundCall``. ``is_reserved``:
        the call was counted by ``reserve``.

        Raises ``OrderNotFound`` where Justifacts has no such order for certain, ``CallFailed`` where its
        answer is not certain.
        """
        asked = justifacts_order_id
        body = {"assessment_id": asked} if asked else {"reference_id": reference_id}
        try:
            with self._order_not_found():
                answer = self._call(self._to("assessment.status", body, hide), is_reserved=is_reserved)
        except Unknown as error:
            # JSON of another shape, or a ``success`` that is neither true nor false. A subclass says more.
            if type(error) is not Unknown or error.answer.status != 200 or not error.answer.body:
                raise
            reason = "It does not say whether the call succeeded."
            raise self._not_understood(reason, error.answer, hide) from None
        results = _results(answer.body)
        reference, number = _reference(results), _order_id(results)
        expected = reference_id or expected_reference
        # The answer may have the portal's reference in place of the order number.
        names_ours = same_id(number, expected) and not reference
        is_ours = bool(expected) and (same_id(reference, expected) or names_ours)
        if reference and not is_ours and (reference_id or (asked and not number and expected)):
            raise self._not_understood(_ANOTHER_ORDER, answer, hide)
        if asked and (not number or same_id(number, asked)):
            number = asked
        if not number:
            raise self._not_understood("It has no order number.", answer, hide)
        if asked and number != asked and not is_ours:
            raise self._not_understood(_ANOTHER_ORDER, answer, hide)
        return Found(number, *self._read(results, answer, hide, assessment_id=number))

    def _read(
        self, update: Mapping[str, Any], answer: Answer, hide: Iterable[str], *, assessment_id: str
    ) -> tuple[AssessmentUpdate | None, Answer, NotUnderstood | None]:
        try:
            return AssessmentUpdate.parse({**update, "assessment_id": assessment_id}), answer, None
        except InvalidMessage as error:
            return None, answer, self._not_understood(error.message, answer, hide)

    def _not_understood(self, reason: str, answer: Answer, hide: Iterable[str]) -> NotUnderstood:
        quoted = excerpt(answer.body, hide, secrets=self.keys)
        text = f"Justifacts answered what the portal cannot read. {reason}"
        return NotUnderstood(text, excerpt=quoted, answer=answer)

    def _to(self, name: str, body: Mapping[str, Any], hide: Iterable[str] = ()) -> OutboundCall:
        return OutboundCall(address(self.base_url, name), body, is_repeatable=True, hide=hide)

    def _call(self, call: OutboundCall, *, is_reserved: bool = False) -> Answer:
        if not is_reserved:
            self.reserve(1)
        return self.call_with_fallback(call)

    def _exchange(self, call: OutboundCall, key: str) -> Answer:
        answer = client.post(call, key=key)
        # Without a body it is a success: ``http`` has checked that the call needs none.
        if answer.body and answer.body.get("success") is not True:
            _, message = error_of(answer.body)
            raise unsuccessful(answer, "Justifacts", message or "Justifacts gave no reason.")
        return answer

    def _says_not_found(self, refusal: Refused) -> bool:
        # In the answer to a refused key, "not found" is not certain.
        return refusal.code == ASSESSMENT_NOT_FOUND and not isinstance(refusal, Unauthorized)

    @contextmanager
    def _order_not_found(self) -> Iterator[None]:
        try:
            yield
        except Refused as error:
            if self._says_not_found(error):
                raise OrderNotFound(error.message, code=error.code, answer=error.answer) from None
            raise


def _package(item: Mapping[str, Any]) -> tuple[str, SoldPackage]:
    justifacts_id = read_id(item, "assessment_type_id")
    name = short_text(item, "name", MAX_NAME_LENGTH) or justifacts_id
    description = item.get("description")
    description = description.strip()[:MAX_TEXT_LENGTH] if isinstance(description, str) else ""
    return justifacts_id, SoldPackage(justifacts_id, name, description)


def _results(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of an answer that is about the order: ``results``, which may be a list of one object or hold
    the update in an inner object; without ``results`` the answer itself."""
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
    """Justifacts' order number, an opaque text; empty where none can be read."""
    try:
        return read_id(results, "assessment_id", needed=False)
    except InvalidMessage:
        return ""


def _reference(results: Mapping[str, Any]) -> str:
    """The reference in an answer; empty without one. One that cannot be read is not the portal's."""
    try:
        return read_reference(results)
    except InvalidMessage:
        return "unreadable"
