"""The outcomes of a call that did not succeed, named by what to do next.

CallFailed
├── NotSent         the other side has taken nothing: the same call may be made again
│   └── BudgetSpent     ... because we keep to a budget: not tried at all
├── Unknown         it may have been taken: ask before making it again
│   ├── NoAnswer        ... or may yet be taken: the other side may still be at it
│   ├── NotTheProtocol  ... something on the way answered: a proxy, a server that restarts
│   ├── NotUnderstood   ... it answered, in the protocol, what the portal cannot read
│   └── UnclearRefusal  ... ``success: false`` with a code that says neither yes nor no, or without one
│       └── ServerError     ... with a code that speaks of the server
└── Refused         the other side understood and said no
    └── Unauthorized    ... to our key: a human must act
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """What came back: enough to explain the call later, nothing that is secret."""

    status: int | None = None
    request_id: str = ""
    excerpt: str = ""
    milliseconds: int = 0
    body: dict[str, object] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    #: The other side's reason word for word, which may name the candidate: for Ashby's card alone.
    reason: str = field(default="", repr=False)


class CallFailed(Exception):
    """A call that did not succeed. ``message`` is a sentence that a person may read."""

    outcome = "failed"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        answer: Answer | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.answer = answer or Answer()
        #: Seconds that the other side asked us to wait.
        self.retry_after = retry_after

    @property
    def sentence(self) -> str:
        """The message with its full stop, to be followed by another sentence."""
        return self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."


class NotSent(CallFailed):
    outcome = "not_sent"


class BudgetSpent(NotSent):
    """``retry_after`` says when the budget is there again. It is no failure of the other side."""


class Unknown(CallFailed):
    outcome = "unknown"


class NoAnswer(Unknown):
    """Nothing came in time, so "there is no such thing" is not certain for a while."""


class NotTheProtocol(Unknown):
    """The answer is not written in the protocol, so it is no decision of the peer's: an HTML page, an empty
    body, JSON of another shape. The way to the peer is broken."""


class UnclearRefusal(Unknown):
    """``success: false`` with a code that was never seen before, or without a code."""


class ServerError(UnclearRefusal):
    """An error envelope whose code speaks of the server (``codes.SERVER_CODES``)."""


class NotUnderstood(Unknown):
    """The other side works and answered a message that the portal cannot read. ``excerpt``: what it said,
    redacted and shortened, without what differs each time, for the history of the order."""

    def __init__(self, message: str, *, excerpt: str, answer: Answer | None = None) -> None:
        super().__init__(message, answer=answer)
        self.excerpt = excerpt


class Refused(CallFailed):
    outcome = "refused"


class Unauthorized(Refused):
    outcome = "unauthorized"
