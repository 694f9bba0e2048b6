"""Which dialects both sides speak in a run, by its seed. To the first organization they speak plainly."""

import random
from dataclasses import dataclass

from integrations.sandbox.dialects.traits import TRAITS

#: Traits that exclude each other: of these one is drawn at most.
_EITHER = (
    {"text_times", "iso_times", "float_times", "second_times", "no_times"},
    {"latin1", "utf8_bom"},
    {"latin1", "no_content_type"},
    {"new_order_number", "no_references"},
    {"capital_references", "no_references"},
)
_FEWEST, _MOST = 4, 7


@dataclass(frozen=True)
class Spoken:
    """From the beginning of a run one side speaks so to one organization."""

    side: str
    organization: int
    traits: dict[str, float]
    seed: int

    @property
    def forms(self) -> dict[str, float]:
        """The traits without those that make calls fail."""
        return {name: share for name, share in self.traits.items() if not TRAITS[self.side][name].is_fault}


def draw_dialects(seed: int, organizations: int) -> tuple[Spoken, ...]:
    """A generator of its own, so that a plan's checks and faults are the same with dialects and without."""
    chance = random.Random(f"dialects/{seed}")  # nosec B311 # noqa: S311 - a seed repeats it; no secret comes of it
    return tuple(
        Spoken(side, organization, _draw(chance, side), chance.randrange(1_000_000))
        for organization in range(1, organizations)
        for side in TRAITS
    )


def _draw(chance: random.Random, side: str) -> dict[str, float]:
    wanted, found = chance.randint(_FEWEST, _MOST), dict[str, float]()
    for name in chance.sample(sorted(TRAITS[side]), len(TRAITS[side])):
        excluded = any(name in group and group & set(found) for group in _EITHER)
        if len(found) < wanted and not excluded:
            found[name] = TRAITS[side][name].probability
    return found
