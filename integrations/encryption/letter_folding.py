"""Folds letters, so that a name is found when it is typed without accents, apostrophes, hyphens or case.

Unicode's decomposition (NFKD) folds most letters. ``_PLAIN`` has the Latin letters that it leaves unchanged,
``_SPELLED_OUT`` the second usual spelling of some (Müller, Mueller) in German, Danish and Serbo-Croatian.
"""

import re
import unicodedata

_PLAIN = str.maketrans({"æ": "ae", "œ": "oe", "þ": "th"}) | str.maketrans(
    "øđðɖłıħŧŋĸəɛɔȷƀɓƈȼɗɇƒǥɠɨɉƙƚɲɵɍⱦƭʉʊʋɏƴƶʒⱥ", "odddlihtnkeeojbbccdefggijklnorttuuvyyzza"
)
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ø": "oe", "ü": "ue", "å": "aa", "đ": "dj"})
# Every character that people type as an apostrophe, also in Hebrew and Hawaiian.
_APOSTROPHES = re.compile(
    "['`´‘’‚‛′‵＇｀\u02b9-\u02c1\u02c8\u02ca\u02cb\u02ee\u0384\u055a\u05f3\u07f4\u07f5\u1fbd\u1fbf\u1fef\u1ffd\ua78b\ua78c]"
)
#: Scripts that write names without spaces, and in which one character may be a whole name.
_DENSE = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af]+"
)


def foldings(text: str) -> list[str]:
    """Return the text in plain lower-case letters, with every apostrophe as ``'``: by appearance (muller),
    and spelled out (mueller) if that differs."""
    small = unicodedata.normalize("NFC", _APOSTROPHES.sub("'", text).casefold())
    return list(dict.fromkeys(_folded(each) for each in (small, small.translate(_SPELLED_OUT))))


def _folded(small: str) -> str:
    decomposed = unicodedata.normalize("NFKD", small.translate(_PLAIN)).casefold().translate(_PLAIN)
    # Format characters (soft hyphens, zero-width spaces, direction marks) are invisible between letters.
    bare = (
        letter
        for letter in decomposed
        if not unicodedata.combining(letter) and unicodedata.category(letter) != "Cf"
    )
    return unicodedata.normalize("NFKC", "".join(bare))


def parts_of(folded: str) -> list[str]:
    """Return the runs of letters, digits, combining marks and inner apostrophes."""
    between = "".join(
        letter if letter == "'" or unicodedata.category(letter)[0] in "LMN" else " " for letter in folded
    )
    return [part for each in between.split() if (part := each.strip("'"))]


def is_dense(text: str) -> bool:
    """Whether the text is entirely in scripts that are written without spaces."""
    return _DENSE.fullmatch(text) is not None
