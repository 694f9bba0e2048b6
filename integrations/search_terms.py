"""Keyed hashes of what people type to find a candidate: the beginnings of names, and an e-mail address.

Who has a copy of the database and not the key learns no name from them; at most that two rows share one.
Found are: the first three letters or more of each word of a name, a shorter word as a whole, and an address
by its part up to the ``@``, so that who looks for one has to compare the rest. Not found is what stands in
the middle of a word.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator

from .fields import hash_keys

SHORTEST = 3
#: What is typed beyond it is not compared: nearly no two names share so many letters.
LONGEST = 10
_PURPOSE = "portal search terms"
_PARTS = re.compile(r"[\W_]+")


def terms(names: Iterable[str], email: str) -> list[int]:
    """What a candidate is found by, under the first key; in no order, each once."""
    texts = {text for name in names for text in _beginnings(name)}
    if "@" in email:
        texts.add(_up_to_the_sign(normal(email)))
    key = hash_keys(_PURPOSE)[0]
    return [_hash(key, text) for text in texts]


def looked_for(word: str) -> list[int]:
    """What a typed word, or the beginning of an address, has to be compared with: under every key."""
    text = normal(word)
    text = _up_to_the_sign(text) if "@" in text else text[:LONGEST]
    return [_hash(key, text) for key in hash_keys(_PURPOSE)]


def normal(text: str) -> str:
    """The same for all who write it in their own way: large or small, composed or not, with or without
    accents."""
    if text.isascii():
        return text.strip().casefold()
    letters = unicodedata.normalize("NFKD", text.strip()).casefold()
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", bare)


def _beginnings(name: str) -> Iterator[str]:
    """Of each word as it is written (O'Neil, Anne-Marie) and of each of its parts (Neil, Marie)."""
    words = normal(name).split()
    for word in {*words, *(part for each in words for part in _PARTS.split(each) if part)}:
        if len(word) < SHORTEST:
            yield word
        for length in range(SHORTEST, min(len(word), LONGEST) + 1):
            yield word[:length]


def _up_to_the_sign(address: str) -> str:
    return address[: address.rindex("@") + 1]


def _hash(key: bytes, text: str) -> int:
    """Eight bytes: among a hundred million terms two are the same by chance less than once in 3,000."""
    return int.from_bytes(hmac.digest(key, text.encode(), "sha256")[:8], "big", signed=True)
