"""Invented names, a few of them common and most of them rare, encrypted once each."""

from dataclasses import dataclass
from random import Random

from integrations.encryption.search_hashes import marker, terms
from integrations.encryption.secrets import Secret
from tests.fixtures.load_data import vocabulary

FIRST_NAMES, LAST_NAMES = 2000, 5000
_SYLLABLES = [consonant + vowel for consonant in "bcdfghjklmnprstvwz" for vowel in "aeiou"]
_ENDINGS = ("n", "ra", "s", "lin", "sen", "ski", "berg", "tor", "wick", "dez")


@dataclass(frozen=True)
class Name:
    text: str
    ciphertext: str
    terms: tuple[int, ...]


class Names:
    """First and last names. ``draw`` takes the first of a list most often."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.first = [_name(text) for text in self._texts(vocabulary.FIRST_NAMES, FIRST_NAMES)]
        self.last = [_name(text) for text in self._texts(vocabulary.LAST_NAMES, LAST_NAMES)]

    def draw(self) -> tuple[int, int]:
        """Indices into ``first`` and ``last``."""
        return int(self._rng.random() ** 2 * len(self.first)), int(self._rng.random() ** 2 * len(self.last))

    def _texts(self, known: list[str], count: int) -> list[str]:
        found = dict.fromkeys(known)
        while len(found) < count:
            syllables = "".join(self._rng.choices(_SYLLABLES, k=self._rng.randint(1, 3)))
            found[f"{syllables}{self._rng.choice(_ENDINGS)}".capitalize()] = None
        return list(found)


def _name(text: str) -> Name:
    return Name(text, Secret(text).encrypted(), tuple(terms([text], "")))


def address_terms(address: str) -> list[int]:
    """The search terms of an address, without the marker that each order has."""
    return [term for term in terms([], address) if term != marker()]
