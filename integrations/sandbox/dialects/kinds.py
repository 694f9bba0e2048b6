"""Dialects: how each side writes, on demand.

A dialect is a set of named traits. The rules that the portal follows when it reads such messages stand in
docs/protocol.md, "Reading what arrives". A trait with a probability below 1 is drawn for each message, from a
generator with a seed, so that one run can be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from integrations.sandbox.failures import SIDES

T = TypeVar("T")


@dataclass(frozen=True)
class Trait:
    """What the /dialects page says of a trait, and for which share of the messages it holds.
    ``is_fault``: the call may fail, so that the portal has to make it again."""

    explanation: str
    probability: float = 1.0
    is_fault: bool = False


_SHARED = {
    "latin1": Trait("Bodies in ISO-8859-1, as their Content-Type declares."),
    "created_statuses": Trait("Answers success with 201 or 202; a cancel with 204 and no body."),
    "errors_as_objects": Trait("Errors in other envelopes: objects in a list, an error object, a bare text."),
    "proxy_pages": Trait(
        "A proxy answers with an HTML page (200, 403, 404, 502); nothing is done.", 0.15, True
    ),
    "proxy_pages_after": Trait(
        "A proxy answers with an HTML page after the call was carried out.", 0.15, True
    ),
    "unknown_codes": Trait(
        "Answers 200 with success: false and an unknown code; nothing is done.", 0.15, True
    ),
    "unknown_codes_after": Trait(
        "Answers 200 with success: false and an unknown code, although the call was carried out.",
        0.15,
        True,
    ),
}

TRAITS: dict[str, dict[str, Trait]] = {
    "justifacts": {
        "numeric_ids": Trait("Order numbers and package ids are JSON numbers."),
        "empty_parts": Trait(
            "Parts without content: empty texts, null values, empty objects, a numeric label."
        ),
        "bare_values": Trait("A part is its bare value, not an object.", 0.5),
        "text_times": Trait("Timestamps are digits in a string."),
        "iso_times": Trait("Timestamps are ISO 8601, in several zones."),
        "float_times": Trait("Timestamps are fractions, such as 1772452800123.0."),
        "second_times": Trait("Timestamps are seconds, with ten digits."),
        "no_times": Trait("Timestamps are missing, null, zero or unreadable."),
        "capital_references": Trait("Our reference comes back in capitals, some in braces."),
        "no_references": Trait("Our reference is null or missing in answers.", 0.5),
        "utf8_bom": Trait("Bodies begin with a byte order mark."),
        "wrong_content_type": Trait("JSON under text/plain or text/html; pushes also as a form."),
        "shouting": Trait("Statuses and results in another case, spacing and punctuation."),
        "extra_fields": Trait("Fields that no document names."),
        "new_order_number": Trait("An order is issued again under another number.", 0.3),
        "unknown_words": Trait("Other statuses in between, and after completion (a dispute).", 0.5),
        "late_results": Trait("A result changes after completion, with an earlier timestamp or none.", 0.5),
        **_SHARED,
    },
    "ashby": {
        "numeric_ids": Trait("Candidate, application and job ids are JSON numbers."),
        "dirty_names": Trait("Names and addresses with tabs, line ends, no-break spaces, invisible marks."),
        "empty_containers": Trait(
            "hiringTeam and additional_fields are empty texts, lists, objects or null."
        ),
        "odd_statuses": Trait("The application's status is another word, an object, a number or null."),
        "long_job_names": Trait("Job names of 3,000 characters."),
        "capital_ids": Trait("assessment_type_id and assessment_id in capitals."),
        "no_content_type": Trait("Calls without a Content-Type."),
        "edge_403": Trait("The edge answers 403 with the text “error code: 1010”.", 0.15, True),
        "warnings": Trait("Successful answers carry warnings.", 0.5),
        **_SHARED,
    },
}

#: "A difficult day": much at once, and still nothing that contradicts itself.
DIFFICULT_DAY: dict[str, tuple[str, ...]] = {
    "justifacts": (
        *("numeric_ids", "empty_parts", "bare_values", "text_times", "iso_times", "no_times", "shouting"),
        *("capital_references", "latin1", "wrong_content_type", "extra_fields", "created_statuses"),
        *("proxy_pages", "proxy_pages_after", "unknown_codes", "unknown_codes_after", "errors_as_objects"),
        *("unknown_words", "late_results", "new_order_number"),
    ),
    "ashby": (
        *("dirty_names", "empty_containers", "odd_statuses", "long_job_names", "capital_ids", "latin1"),
        *("no_content_type", "created_statuses", "warnings", "errors_as_objects"),
        *("proxy_pages", "proxy_pages_after", "edge_403", "unknown_codes", "unknown_codes_after"),
    ),
}
PRESETS = {"difficult_day": DIFFICULT_DAY}


class BadDialect(ValueError):
    """A dialect that nobody can speak, with what to correct."""


@dataclass
class Dialect:
    """What one side speaks, to one organization or to all. ``traits``: the probability of each."""

    side: str
    org: str | None = None
    traits: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    _chance: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        self._chance.seed(f"{self.seed}/{self.side}/{self.org}")

    def has(self, trait: str) -> bool:
        """Whether the trait is on at all."""
        return trait in self.traits

    def uses(self, trait: str) -> bool:
        """Whether this message has the trait: drawn where it holds for some messages only."""
        probability = self.traits.get(trait, 0.0)
        return probability >= 1 or (probability > 0 and self._chance.random() < probability)

    def pick(self, options: Sequence[T]) -> T:
        """One of several ways to write the same thing."""
        return self._chance.choice(options)

    def as_json(self) -> dict[str, Any]:
        """The dialect as the control API shows it."""
        return {"side": self.side, "org": self.org, "traits": dict(self.traits), "seed": self.seed}


class Dialects:
    """The dialects that are spoken. They live in memory: a restart is a fresh, well-spoken world."""

    def __init__(self) -> None:
        self._spoken: dict[tuple[str, str | None], Dialect] = {}
        self._plain = {side: Dialect(side) for side in SIDES}

    @property
    def spoken(self) -> list[Dialect]:
        """Every dialect that is on."""
        return list(self._spoken.values())

    def of(self, side: str, org: str | None) -> Dialect:
        """What a side speaks to an organization: its own dialect, else that for all, else plain."""
        return self._spoken.get((side, org)) or self._spoken.get((side, None)) or self._plain[side]

    def speak(self, side: Any, traits: Any, org: str | None = None, seed: Any = 0) -> Dialect:
        """From now on the side speaks so. ``traits``: names, or names with a probability each.
        Raises ``BadDialect``; then nothing changes."""
        if side not in SIDES:
            raise BadDialect(f"side: one of {', '.join(SIDES)}")
        if type(seed) is not int:
            raise BadDialect("seed: a whole number")
        dialect = Dialect(side, org, _probabilities(side, traits), seed)
        self._spoken[side, org] = dialect
        if not dialect.traits and org is None:
            del self._spoken[side, org]
        return dialect

    def clear(self, side: str | None = None, org: str | None = None) -> None:
        """Plain again: everywhere, on one side, or towards one organization."""
        self._spoken = {
            (its_side, its_org): dialect
            for (its_side, its_org), dialect in self._spoken.items()
            if (side is not None and its_side != side) or (org is not None and its_org != org)
        }

    def end_faults(self) -> None:
        """Every call is carried out and answered again; how the sides write stays as it is."""
        for dialect in self._spoken.values():
            traits = TRAITS[dialect.side]
            dialect.traits = {name: p for name, p in dialect.traits.items() if not traits[name].is_fault}


def explanations() -> dict[str, dict[str, str]]:
    """What each trait of each side means."""
    return {side: {name: one.explanation for name, one in traits.items()} for side, traits in TRAITS.items()}


def _probabilities(side: str, traits: Any) -> dict[str, float]:
    known = TRAITS[side]
    if isinstance(traits, list | tuple) and all(isinstance(name, str) for name in traits):
        traits = {name: known[name].probability if name in known else 1.0 for name in traits}
    if not isinstance(traits, Mapping):
        raise BadDialect("traits: a list of names, or an object of names with a probability each")
    for name, probability in traits.items():
        if name not in known:
            raise BadDialect(f"traits: {side} has no {name!r}; it has {', '.join(known)}")
        if (
            isinstance(probability, bool)
            or not isinstance(probability, int | float)
            or not 0 <= probability <= 1
        ):
            raise BadDialect(f"traits: {name}: a probability from 0 to 1")
    return {name: float(probability) for name, probability in traits.items() if probability > 0}
