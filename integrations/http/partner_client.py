"""What the clients of Ashby and Justifacts share: while a key is being replaced, no call fails.

A refused key (401, 403, or a code that says so) means that the call was not carried out, so the same call may
be made with another key.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from integrations.http.client import OutboundCall
from integrations.http.errors import Answer, CallFailed, Refused, Unauthorized, Unknown
from integrations.metrics import partner_call_seconds


@dataclass(frozen=True)
class PartnerClient(ABC):
    """A base URL with the keys of one organization.

    ``key`` is the key in use; ``others`` are keys that it has replaced and that may still work. ``note_use``
    gets the position of the key with which a call succeeded: 0 is ``key``, 1 the first of ``others``.
    """

    #: Its name in metrics.
    partner: ClassVar[str]

    base_url: str
    key: str = field(repr=False)
    others: tuple[str, ...] = field(default=(), repr=False)
    note_use: Callable[[int], None] = field(default=lambda _position: None, repr=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, the one in use first."""
        return (self.key, *self.others)

    def call_with_fallback(self, call: OutboundCall) -> Answer:
        """Makes a call with the first key that the other side accepts.

        Raises what the call raises; if all keys are refused, what the key in use was answered.
        """
        positions = [*range(len(self.keys))]
        if self.others:
            # Once more at the end: the other side may have exchanged the old key for the new in between.
            positions.append(0)
        refusals: list[Unauthorized] = []
        for position in positions:
            try:
                answer = self._call_with(self.keys[position], call)
            except Unauthorized as refusal:
                refusals.append(refusal)
            else:
                self.note_use(position)
                return answer
        raise refusals[0]

    def _call_with(self, key: str, call: OutboundCall) -> Answer:
        try:
            return self._measured(key, call)
        except Refused as refusal:
            if key == self.key or not self._says_not_found(refusal):
                raise
            # An old key may belong to another account, in which the order does not exist.
            doubt = "The key in use was refused, and an older key does not make this certain."
            raise Unknown(f"{refusal.sentence} {doubt}", answer=refusal.answer) from None

    def _measured(self, key: str, call: OutboundCall) -> Answer:
        began, outcome = time.monotonic(), "answered"
        try:
            return self._exchange(call, key)
        except CallFailed as failure:
            outcome = type(failure).__name__
            raise
        finally:
            labels = self.partner, call.url.rpartition("/")[2], outcome
            partner_call_seconds.labels(*labels).observe(time.monotonic() - began)

    @abstractmethod
    def _exchange(self, call: OutboundCall, key: str) -> Answer:
        """Makes one call with one key. Raises ``CallFailed``."""

    @abstractmethod
    def _says_not_found(self, refusal: Refused) -> bool:
        """Whether a refusal says that the order does not exist."""
