"""A dialect: the traits of one partner's messages, and the dialects that are switched on.

A trait with a probability below 1 is drawn for each message, from a generator with a seed, so that a run can
be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from integrations.sandbox.dialects.traits import PRESETS, TRAITS
from integrations.sandbox.failures import PARTNERS

T = TypeVar("T")
_FIELDS = {"side", "org", "traits", "seed", "preset"}


class BadDialect(ValueError):
    """The dialect is invalid. The message says what to correct."""


@dataclass
class Dialect:
    """How one partner writes to one organization, or to all. ``traits``: names with their probabilities."""

    side: str
    org: str | None = None
    traits: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        self._random.seed(f"{self.seed}/{self.side}/{self.org}")

    def has(self, trait: str) -> bool:
        """Whether the dialect has the trait, at any probability."""
        return trait in self.traits

    def uses(self, trait: str) -> bool:
        """Whether this message has the trait; drawn if its probability is below 1."""
        probability = self.traits.get(trait, 0.0)
        return probability >= 1 or (probability > 0 and self._random.random() < probability)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, drawn."""
        return self._random.choice(options)

    def as_json(self) -> dict[str, Any]:
        """The dialect as the control API returns it."""
        return {"side": self.side, "org": self.org, "traits": dict(self.traits), "seed": self.seed}


class Dialects:
    """The dialects that are switched on. They are not stored: after a restart all are off."""

    def __init__(self) -> None:
        self._active: dict[tuple[str, str | None], Dialect] = {}
        self._plain = {side: Dialect(side) for side in PARTNERS}

    @property
    def active(self) -> list[Dialect]:
        """All dialects that are on."""
        return list(self._active.values())

    def of(self, side: str, org: str | None) -> Dialect:
        """The partner's dialect for the organization, else its dialect for all, else one without traits."""
        return self._active.get((side, org)) or self._active.get((side, None)) or self._plain[side]

    def switch_on(self, body: Mapping[str, Any]) -> None:
        """Switch on what `POST /control/dialect` asks for: one partner's traits, or a preset.

        Raises ``BadDialect``; then nothing has changed. The caller checks that the organization exists."""
        if unknown := sorted(set(body) - _FIELDS):
            raise BadDialect(f"{unknown[0]}: unknown field; known are {', '.join(sorted(_FIELDS))}")
        side, org, seed = body.get("side"), body.get("org"), body.get("seed", 0)
        if side not in PARTNERS and not (side is None and "preset" in body):
            raise BadDialect(f"side: one of {', '.join(PARTNERS)}")
        if type(seed) is not int:
            raise BadDialect("seed: a whole number")
        if "preset" not in body:
            self._switch_on(Dialect(str(side), org, _probabilities(str(side), body.get("traits", [])), seed))
            return
        preset = PRESETS.get(str(body["preset"]))
        if preset is None:
            raise BadDialect(f"preset: one of {', '.join(PRESETS)}")
        for partner in [side] if side else PARTNERS:
            self._switch_on(Dialect(partner, org, _probabilities(partner, preset[partner]), seed))

    def _switch_on(self, dialect: Dialect) -> None:
        key = dialect.side, dialect.org
        if dialect.traits or dialect.org is not None:
            self._active[key] = dialect
        else:
            self._active.pop(key, None)

    def clear(self, side: str | None = None, org: str | None = None) -> None:
        """Switch dialects off: all, those of one partner, or those for one organization."""
        self._active = {
            (partner, slug): dialect
            for (partner, slug), dialect in self._active.items()
            if (side is not None and partner != side) or (org is not None and slug != org)
        }

    def end_faults(self) -> None:
        """Switch off the traits that make calls fail; the others stay on."""
        for dialect in self._active.values():
            traits = TRAITS[dialect.side]
            dialect.traits = {name: p for name, p in dialect.traits.items() if not traits[name].is_fault}


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
