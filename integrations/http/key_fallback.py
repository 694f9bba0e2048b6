"""The keys of one side, the one in use first: while a key is being replaced, no call fails.

Refused to one key (401, 403 or a code that says so) certainly means that nothing was carried out, so that
the same call may be made with the next.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from integrations.http.errors import Answer, Unauthorized

#: What is not found with an older key, which may be another account's, may be there for the one in use.
OLDER_KEY_SAYS_NO = "The key in use was refused, and to one that it has replaced this says nothing certain."


def ignore_use(_position: int) -> None:
    """Where no row stands behind a key."""


@dataclass(frozen=True)
class KeyFallback:
    """``note_use``: told the position of the key with which a call succeeded."""

    keys: tuple[str, ...] = field(repr=False)
    note_use: Callable[[int], None] = field(default=ignore_use, repr=False)

    def call(self, make: Callable[[str], Answer]) -> Answer:
        """What ``make`` answers to the first key that is not refused. Raises what it raises; where all keys
        are refused, what was said to the first."""
        try:
            position, answer = 0, make(self.keys[0])
        except Unauthorized as refused:
            position, answer = self._call_with_another(make, refused)
        self.note_use(position)
        return answer

    def _call_with_another(self, make: Callable[[str], Answer], refused: Unauthorized) -> tuple[int, Answer]:
        others = range(1, len(self.keys))
        # The one in use once more at the end: the other side may have come to know it, and dropped the one
        # before, between the two calls.
        for position in [*others, 0] if others else []:
            with suppress(Unauthorized):
                return position, make(self.keys[position])
        raise refused
