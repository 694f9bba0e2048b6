"""Search hashes: keyed hashes of what people type to find a candidate.

Without the key, a copy of the database reveals only that two rows share a name. A search finds:

- the first three or more letters of each part of a name, continued across separators (O'Neil, ONeil;
  Anne-Marie, Anne Marie, Annemarie), and a shorter part as a whole;
- an e-mail address by its part up to the ``@``; the caller compares the rest.

It does not find the middle of a part, except in scripts without spaces (王小明).
``letter_folding.py`` decides which letters count as the same.
"""

import hmac
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from integrations.encryption.blind_index import hash_keys
from integrations.encryption.letter_folding import foldings, is_dense, parts_of

#: Increase it when the rules for terms change. Each order has one term that names the rules and the key of
#: its terms, so that outdated orders are found.
_RULES = 2
SHORTEST = 3
#: Longer prefixes are not stored: hardly any two names share so many letters.
LONGEST = 10
_PURPOSE = "portal search terms"


def terms(names: Sequence[str], email: str) -> list[int]:
    """Return the hashes to store for a candidate, under the first key: distinct, in no particular order."""
    texts = {text for name in names for text in _beginnings(name)}
    folded = ["".join(parts_of(foldings(name)[0])) for name in names]
    if len(folded) > 1 and all(map(is_dense, folded)):
        # Family name and given name written together, in either order.
        texts |= {text for name in ("".join(folded), "".join(folded[::-1])) for text in _beginnings(name)}
    if "@" in email:
        texts.add(_up_to_the_sign(normal(email)))
    key = hash_keys(_PURPOSE)[0]
    return [*(_hash(key, text) for text in texts), *([marker()] if email else [])]


def marker() -> int:
    """Return the term that marks terms of the present rules and the first key. No typed text equals it."""
    return _hash(hash_keys(_PURPOSE)[0], f"terms by rules {_RULES}")


def looked_for(text: str) -> list[int]:
    """Return the hashes, under every key, that match a typed part of a name or beginning of an address."""
    if "@" in text:
        return hashed({_up_to_the_sign(normal(text))})
    return hashed({joined[:LONGEST] for joined in written_together([text])} | _of_rules_1(text))


def written_together(parts: Iterable[str]) -> set[str]:
    """Return the parts joined into one, folded, without separators. Some names have two foldings."""
    whole = " ".join(parts)
    return {"".join(parts_of(folded)).replace("'", "") for folded in foldings(whole)} - {""}


def hashed(texts: Iterable[str]) -> list[int]:
    """Return the hashes of the texts under every key."""
    distinct = list(texts)
    return [_hash(key, text) for key in hash_keys(_PURPOSE) for text in distinct]


def normal(text: str) -> str:
    """Return an e-mail address in lower case, composed and without accents, so that every spelling gives the
    same text."""
    if text.isascii():
        return text.strip().casefold()
    letters = unicodedata.normalize("NFKD", text.strip()).casefold()
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", bare)


def _beginnings(name: str) -> Iterator[str]:
    for folded in foldings(name):
        # "O'Neil" gives prefixes of "oneil" and of "neil".
        parts = [piece for part in parts_of(folded) for piece in part.split("'") if piece]
        for start in range(len(parts)):
            whole = "".join(parts[start:])
            if len(parts[start]) < SHORTEST:
                yield parts[start]
            for length in range(SHORTEST, min(len(whole), LONGEST) + 1):
                yield whole[:length]
            # A search for several parts compares the whole name.
            yield whole
        for part in filter(is_dense, parts):
            for start in range(len(part)):
                for end in range(start + 1, min(len(part), start + LONGEST) + 1):
                    yield part[start:end]


def _of_rules_1(text: str) -> set[str]:
    """The term of version 1, which did not fold letters, for orders that have not been updated yet."""
    return {normal(text)[:LONGEST]} - {""}


def _up_to_the_sign(address: str) -> str:
    return address[: address.rindex("@") + 1]


def _hash(key: bytes, text: str) -> int:
    """Eight bytes: the chance that any two of a hundred million terms collide is below 1 in 3,000."""
    return int.from_bytes(hmac.digest(key, text.encode(), "sha256")[:8], "big", signed=True)
