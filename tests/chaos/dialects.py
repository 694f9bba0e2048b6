"""The dialects of both partners in a run, drawn from its seed. The first organization has none."""

import random
from dataclasses import dataclass

from integrations.sandbox.dialects.traits import TRAITS

#: Traits that exclude each other.
_EXCLUSIVE = (
    {"text_times", "iso_times", "float_times", "second_times", "no_times"},
    {"latin1", "utf8_bom"},
    {"latin1", "no_content_type"},
    {"new_order_number", "no_references"},
    {"capital_references", "no_references"},
)
_FEWEST, _MOST = 4, 7


@dataclass(frozen=True)
class PlannedDialect:
    """How one partner writes to one organization during a run. ``traits``: names with their probabilities."""

    side: str
    organization: int
    traits: dict[str, float]
    seed: int

    @property
    def traits_without_faults(self) -> dict[str, float]:
        """The traits that do not make calls fail."""
        return {
            name: probability
            for name, probability in self.traits.items()
            if not TRAITS[self.side][name].is_fault
        }


def draw_dialects(seed: int, organizations: int) -> tuple[PlannedDialect, ...]:
    """Draw the dialects, from a separate generator, so that checks and faults do not depend on them."""
    rng = random.Random(f"dialects/{seed}")  # nosec B311 # noqa: S311 - reproducible; not for secrets
    return tuple(
        PlannedDialect(side, organization, _draw(rng, side), rng.randrange(1_000_000))
        for organization in range(1, organizations)
        for side in TRAITS
    )


def _draw(rng: random.Random, side: str) -> dict[str, float]:
    count, traits = rng.randint(_FEWEST, _MOST), dict[str, float]()
    for name in rng.sample(sorted(TRAITS[side]), len(TRAITS[side])):
        excluded = any(name in group and group & set(traits) for group in _EXCLUSIVE)
        if len(traits) < count and not excluded:
            traits[name] = TRAITS[side][name].probability
    return traits
