"""The outcomes of a call that did not succeed, named by what to do next.

CallFailed
├── NotSent         the other side has taken nothing: the same call may be made again
├── Unknown         it may have been taken: ask before making it again
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


class Unknown(CallFailed):
    outcome = "unknown"


class Refused(CallFailed):
    outcome = "refused"


class Unauthorized(Refused):
    outcome = "unauthorized"
