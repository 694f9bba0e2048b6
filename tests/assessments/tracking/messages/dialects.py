"""Hypothesis strategies for what the partners may write, by the grammar of docs/protocol.md, "Reading what
arrives". Each strategy draws a meaning first and then one of its permitted spellings, so that a test knows
the intended meaning. The module imports none of the portal's parsing: a shared mistake would go
unnoticed."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

NOTHING: Any = object()
REPORT = "https://reports.justifacts.test/r/1"

#: Values that carry no meaning in any optional part.
EMPTY = st.sampled_from([NOTHING, None, "", " ", "\u00a0", {}, []])
EMPTY_DATA = st.fixed_dictionaries({"value": st.sampled_from([None, "", "  ", {}, []])}).map(
    lambda data: {"identifier": "x", "label": "X", "type": "string", **data}
)
WRONG = st.sampled_from([NOTHING, None, 3, 1.5, True, "", " ", "x", {}, [], [None], {"a": None}])


#: Without control characters: a body that contains some is refused, wherever they are.
_TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=8)
#: What an optional part or an unknown field may be.
GARBAGE = WRONG | st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=4,
)


@dataclass(frozen=True)
class Meaning:
    """The meaning of one message from Justifacts. ``status`` is a known status or a text of their own."""

    status: str = ""
    result: str = ""
    reason: str = ""

    @property
    def label(self) -> str:
        """The update that Ashby must get in the end: a status label, or the closing reason."""
        return self.reason or self.status


@dataclass(frozen=True)
class Message:
    """A meaning and its body on the wire."""

    meaning: Meaning
    content: bytes
    content_type: str
    by_push: bool


@st.composite
def scenarios(draw: st.DrawFn) -> list[Meaning]:
    """Draws the meanings of one order's messages in order: forward, with unknown statuses in between, to an
    end, and then a changed result or a dispute."""
    steps = [
        Meaning("Applicant Started"),
        Meaning("Awaiting records of Côte-d'Or"),
        Meaning("In Process: Justifacts"),
        Meaning("Suspended"),
    ]
    story = [step for step in steps if draw(st.booleans())]
    if draw(st.integers(0, 4)) == 0:
        return [*story, Meaning(reason="Candidate withdrew, file 17")]
    results = draw(st.permutations(["Clear", "Review", "Adverse", ""]))
    if results[0] and draw(st.integers(0, 4)) == 0:
        # The first message of the end may already contain a dispute.
        return [*story, Meaning("Dispute", results[0])]
    story.append(Meaning("Complete", results[0]))
    later = [Meaning("Complete", results[1])] if results[1] and draw(st.booleans()) else []
    later += [Meaning("Dispute")] if draw(st.booleans()) else []
    return story + later


@st.composite
def messages(draw: st.DrawFn, meaning: Meaning, number: str, reference: str, sent: datetime) -> Message:
    """Draws one spelling of a meaning. ``sent`` is Justifacts' time of the message."""
    by_push = draw(st.booleans())
    body: dict[str, Any] = {
        **draw(_identities(number, reference)),
        "timestamp": draw(times(sent)),
        "assessment_status": draw(_part(meaning.status, spell=True)),
        "assessment_result": draw(_part(meaning.result, spell=True)),
        "cancelled_reason": draw(_part(meaning.reason, spell=False)),
        "assessment_profile_url": draw(_part(REPORT if meaning.result else "", spell=False)),
        "metadata": draw(GARBAGE | st.just([{"identifier": "eta", "label": "ETA", "value": None}])),
        "x_unknown": draw(GARBAGE),
    }
    body = {name: value for name, value in body.items() if value is not NOTHING}
    whole = body if by_push else {"success": True, "results": body, "x_unknown": 1}
    content, content_type = draw(encoded(whole, of_push=by_push))
    return Message(meaning, content, content_type, by_push)


@st.composite
def encoded(draw: st.DrawFn, body: dict[str, Any], *, of_push: bool) -> tuple[bytes, str]:
    """Encodes JSON in a declared charset, under any Content-Type."""
    text = json.dumps(body, ensure_ascii=draw(st.booleans()))
    kinds = ["application/json", "text/plain", "text/html", "application/octet-stream"]
    kind = draw(st.sampled_from([*kinds, "application/x-www-form-urlencoded"] if of_push else kinds))
    charset = draw(st.sampled_from(["", "utf-8", '"UTF-8"', "ISO-8859-1", "windows-1252", "utf-16", "bom"]))
    if charset == "bom":
        return b"\xef\xbb\xbf" + text.encode("utf-8", "replace"), kind
    if not charset:
        return text.encode("utf-8", "replace"), kind
    name = charset.strip('"')
    try:
        content = text.encode(name)
    except UnicodeEncodeError:
        content = json.dumps(body).encode(name)
    return content, f"{kind}; charset={charset}"


def times(sent: datetime) -> st.SearchStrategy[Any]:
    """Draws a message's time in each readable form, or a value that is not a time."""
    ms = int(sent.timestamp() * 1000)
    zones = [UTC, timezone(timedelta(hours=9)), timezone(-timedelta(hours=3, minutes=30))]
    readable = [ms, ms // 1000, str(ms), f" {ms} ", str(ms // 1000), float(ms), f"{ms}.0"]
    iso = [sent.astimezone(zone).isoformat() for zone in zones]
    iso += [iso[0].replace("+00:00", end) for end in ("Z", "z", "+0000", "")]
    future = int((sent + timedelta(days=4000)).timestamp() * 1000)
    absent = [NOTHING, None, 0, -1, "", " ", "now", "12:00", {}, [], True, future, 10**17, "9" * 30]
    return st.sampled_from(readable) | st.sampled_from(iso) | st.sampled_from(absent)


def _identities(number: str, reference: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draws the ids of a message: their number and our reference; one of them may be absent."""
    numbers: list[Any] = [number, f" {number} ", *([int(number)] if number.isdigit() else [])]
    capital = reference.upper()
    references = [reference, capital, f"{{{capital}}}", f" {reference} "]
    absent = st.sampled_from([NOTHING, None, "", " "])
    both = st.fixed_dictionaries(
        {"assessment_id": st.sampled_from(numbers), "reference_id": st.sampled_from(references)}
    )
    return both | st.fixed_dictionaries({"assessment_id": st.sampled_from(numbers), "reference_id": absent})


@st.composite
def _part(draw: st.DrawFn, value: str, *, spell: bool) -> Any:
    """Draws a part with this value, as DATA or bare, or an empty part if there is no value."""
    if not value:
        return draw(EMPTY | EMPTY_DATA)
    if spell:
        value = draw(_spellings(value))
    if draw(st.booleans()):
        return value
    around = {name: draw(GARBAGE) for name in ("identifier", "label", "type", "description", "x_unknown")}
    return {"value": value} | {name: part for name, part in around.items() if part is not NOTHING}


def _spellings(text: str) -> st.SearchStrategy[str]:
    """Draws spellings that differ in case, spacing and punctuation."""
    spaced = text.replace(":", " :").replace(" ", "  ")
    return st.sampled_from([text, text.upper(), text.lower(), f" {text}\t", f"{text}.", spaced])


# --- Starts ---------------------------------------------------------------------------------------

#: What pasting leaves around a name.
AROUND = st.text(
    st.sampled_from(
        " \t\n\r\u00a0\u2007\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2069\ufeff\u2028"
    ),
    max_size=4,
)
BETWEEN = st.sampled_from([" ", "  ", "\t", "\u00a0", " \u200b ", "\r\n", "\u3000"])
NAMES = st.sampled_from(
    [
        ("Zoë",),
        ("Ana", "María"),
        ("O’Neil",),
        ("王",),
        ("van", "der", "Berg"),
        ("Đorđe",),
        ("X",),
        ("김민준",),
    ]
)
#: Texts that cannot be a name.
NO_NAMES = st.sampled_from([NOTHING, None, "", " ", "\u200b", "\u202e\u00a0", "-", "...", "42", "x" * 201])
NO_ADDRESSES = st.sampled_from([NOTHING, None, "", "\u200b", "nobody", "a@b@c", f"{'a' * 250}@example.com"])
EMPTY_CONTAINERS = st.sampled_from([NOTHING, None, "", [], {}, [None], [{}]])


@dataclass(frozen=True)
class Person:
    """A candidate's names and email address: the intended ones, and as Ashby writes them."""

    first_name: str
    last_name: str
    email: str
    written: dict[str, Any]


@st.composite
def people(draw: st.DrawFn) -> Person:
    """Draws a person whose name contains what pasting adds."""
    first, last = draw(NAMES), draw(NAMES)
    email = draw(st.sampled_from(["zoe@example.com", "o'neil+jobs@mail.example.org"]))
    written = {
        "first_name": draw(_pasted(first)),
        "last_name": draw(_pasted(last)),
        # A mark that reverses text (U+202E) leaves no certain address; it is refused with an explanation.
        "email": f"{draw(AROUND)}{email}{draw(AROUND)}".replace("\u202e", ""),
    }
    return Person(" ".join(first), " ".join(last), email, written)


@st.composite
def _pasted(draw: st.DrawFn, words: tuple[str, ...]) -> str:
    text = words[0]
    for part in words[1:]:
        text += draw(BETWEEN) + part
    return f"{draw(AROUND)}{text}{draw(AROUND)}"


@st.composite
def surroundings(draw: st.DrawFn, type_id: str) -> dict[str, Any]:
    """Draws all of a start but the candidate: ids as texts or numbers, odd statuses, empty containers."""
    ids = st.sampled_from([17, "17", " 17 ", 10**17])
    application = {"ashby_id": draw(ids), "status": draw(GARBAGE)}
    job = {
        "ashby_id": draw(st.sampled_from(["job-1", 4, "4"])),
        "name": draw(st.sampled_from([NOTHING, None, "Cook", "Cook, " * 2000, "Cook\n", "\u200b", {}, 7])),
        "req_id": draw(st.sampled_from([NOTHING, None, 12, "R-12", ""])),
        "hiringTeam": draw(EMPTY_CONTAINERS | st.just([{"userId": 1, "email": None}])),
        "ashby_job_url": draw(st.sampled_from([NOTHING, None, "", "https://app.ashbyhq.com/jobs/1"])),
    }
    body = {
        "assessment_type_id": draw(st.sampled_from([type_id, type_id.upper(), f"{{{type_id.upper()}}}"])),
        "application": _without_nothing(application),
        "job": _without_nothing(job),
        "additional_fields": draw(EMPTY_CONTAINERS),
        "x_unknown": draw(WRONG),
    }
    return _without_nothing(body)


def _without_nothing(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if value is not NOTHING}
