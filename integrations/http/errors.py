"""The ways in which a call can fail, named by what to do next.

CallFailed
├── NotSent             the other side received nothing: retry
│   └── BudgetSpent     the portal's own rate limit: the call was not attempted
├── Unknown             the other side may have carried it out: look it up before repeating it
│   ├── NoAnswer        it may still be carrying it out
│   ├── NotTheProtocol  something in between answered: a proxy, a server that restarts
│   ├── NotUnderstood   it answered in the protocol, but the portal cannot read the message
│   └── UnclearRefusal  ``success: false`` without a code, or with one that is no decision
│       └── ServerError the code is about the server, not about the call
└── Refused             the other side declined, and nothing was carried out
    └── Unauthorized    it refused the key: a person must act
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """The response to a call: enough to explain the call later, without secrets."""

    status: int | None = None
    request_id: str = ""
    excerpt: str = ""
    milliseconds: int = 0
    body: dict[str, object] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    #: The other side's reason, verbatim. It may name the candidate, so only Ashby's card shows it.
    reason: str = field(default="", repr=False)


class CallFailed(Exception):
    """A call that did not succeed. ``message`` is a sentence for people; ``code`` is the other side's error
    code as ``read_code`` spells it."""

    outcome = "failed"

    def __init__(
        self, message: str, *, code: str = "", answer: Answer | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.answer = answer or Answer()
        #: Seconds to wait, from the other side's Retry-After or the portal's own rate limit.
        self.retry_after = retry_after

    @property
    def sentence(self) -> str:
        """The message, ending in a full stop."""
        return self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."


class NotSent(CallFailed):
    outcome = "not_sent"


class BudgetSpent(NotSent):
    """``retry_after`` is set. Says nothing about the health of the other side."""


class Unknown(CallFailed):
    outcome = "unknown"


class NoAnswer(Unknown):
    """A "not found" is not certain for a while."""


class NotTheProtocol(Unknown):
    """The answer is an HTML page, an empty body or JSON of another shape: nobody has decided anything."""


class UnclearRefusal(Unknown):
    pass


class ServerError(UnclearRefusal):
    """The code is one of ``error_codes.SERVER_CODES``."""


class NotUnderstood(Unknown):
    """``excerpt``: the message for the order's history, redacted and cut, without the parts that differ each
    time."""

    def __init__(self, message: str, *, excerpt: str, answer: Answer | None = None) -> None:
        super().__init__(message, answer=answer)
        self.excerpt = excerpt


class Refused(CallFailed):
    outcome = "refused"


class Unauthorized(Refused):
    outcome = "unauthorized"
