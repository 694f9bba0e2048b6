"""Keyed hashes of what people type to find a candidate: the beginnings of names, and an e-mail address.

Who has a copy of the database and not the key learns no name from them; at most that two rows share one.
Found are: the first three letters or more of each part of a name, read on without what stands between the
parts (O'Neil, ONeil; Anne-Marie, Anne Marie, Annemarie), a shorter part as a whole, and an address by its
part up to the ``@``, so that who looks for one has to compare the rest. Not found is what stands in the
middle of a part, except in scripts without blanks (王小明). ``plain_letters.py`` says which letters count as
the same.
"""

import hmac
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from integrations.encryption.blind_index import hash_keys
from integrations.encryption.letter_folding import foldings, is_dense, parts_of

#: To be counted up when other terms are to be made of the same name: each order has one term that says which
#: rules and which key made its terms
_RULES = 2
SHORTEST = 3
#: What is typed beyond it is not compared: nearly no two names share so many letters.
LONGEST = 10
_PURPOSE = "portal search terms"


def terms(names: Sequence[str], email: str) -> list[int]:
    """What a candidate is found by, under the first key; in no order, each once."""
    texts = {text for name in names for text in _beginnings(name)}
    folded = ["".join(parts_of(foldings(name)[0])) for name in names]
    if len(folded) > 1 and all(map(is_dense, folded)):
        # Written as one word, in either order.
        texts |= {text for name in ("".join(folded), "".join(folded[::-1])) for text in _beginnings(name)}
    if "@" in email:
        texts.add(_up_to_the_sign(normal(email)))
    key = hash_keys(_PURPOSE)[0]
    return [*(_hash(key, text) for text in texts), *([marker()] if email else [])]


def marker() -> int:
    """The term of every candidate whose terms these rules and the first key have made. Nobody can type it."""
    return _hash(hash_keys(_PURPOSE)[0], f"terms by rules {_RULES}")


def looked_for(word: str) -> list[int]:
    """What a typed word, or the beginning of an address, has to be compared with: under every key."""
    if "@" in word:
        return hashed({_up_to_the_sign(normal(word))})
    return hashed({text[:LONGEST] for text in written_together([word])} | _of_rules_1(word))


def written_together(words: Iterable[str]) -> set[str]:
    """The words as one, in plain letters, without anything between."""
    whole = " ".join(words)
    return {"".join(parts_of(folded)).replace("'", "") for folded in foldings(whole)} - {""}


def hashed(texts: Iterable[str]) -> list[int]:
    """Under every key."""
    wanted = list(texts)
    return [_hash(key, text) for key in hash_keys(_PURPOSE) for text in wanted]


def normal(text: str) -> str:
    """An address, the same however it is written: large or small, composed or not, with or without
    accents."""
    if text.isascii():
        return text.strip().casefold()
    letters = unicodedata.normalize("NFKD", text.strip()).casefold()
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", bare)


def _beginnings(name: str) -> Iterator[str]:
    for folded in foldings(name):
        # O'Neil: from "oneil" and from "neil".
        parts = [piece for part in parts_of(folded) for piece in part.split("'") if piece]
        for start in range(len(parts)):
            whole = "".join(parts[start:])
            if len(parts[start]) < SHORTEST:
                yield parts[start]
            for length in range(SHORTEST, min(len(whole), LONGEST) + 1):
                yield whole[:length]
            # Words that were typed apart are compared as a whole.
            yield whole
        for part in filter(is_dense, parts):
            for start in range(len(part)):
                for end in range(start + 1, min(len(part), start + LONGEST) + 1):
                    yield part[start:end]


def _of_rules_1(word: str) -> set[str]:
    """As terms were made before plain letters counted: until every order is worked through again."""
    return {normal(word)[:LONGEST]} - {""}


def _up_to_the_sign(address: str) -> str:
    return address[: address.rindex("@") + 1]


def _hash(key: bytes, text: str) -> int:
    """Eight bytes: among a hundred million terms two are the same by chance less than once in 3,000."""
    return int.from_bytes(hmac.digest(key, text.encode(), "sha256")[:8], "big", signed=True)
