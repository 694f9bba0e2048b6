"""Names as people type them who have another keyboard: without accents, apostrophes, hyphens and case.

No standard maps every letter to a plain one. Unicode's decomposition (NFKD) does for most; ``_PLAIN`` has the
Latin letters that it leaves as they are, and ``_SPELLED_OUT`` the second usual spelling of some
(Müller, Mueller), as in German, Danish and Serbo-Croatian practice.
"""

import re
import unicodedata

_PLAIN = str.maketrans({"æ": "ae", "œ": "oe", "þ": "th"}) | str.maketrans(
    "øđðɖłıħŧŋĸəɛɔȷƀɓƈȼɗɇƒǥɠɨɉƙƚɲɵɍⱦƭʉʊʋɏƴƶʒⱥ", "odddlihtnkeeojbbccdefggijklnorttuuvyyzza"
)
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ø": "oe", "ü": "ue", "å": "aa", "đ": "dj"})
# Everything that people and their keyboards take for an apostrophe, in Hebrew and Hawaiian too.
_APOSTROPHES = re.compile(
    "['`´‘’‚‛′‵＇｀\u02b9-\u02c1\u02c8\u02ca\u02cb\u02ee\u0384\u055a\u05f3\u07f4\u07f5\u1fbd\u1fbf\u1fef\u1ffd\ua78b\ua78c]"
)
#: Scripts that write names without blanks, and in which one letter may be a whole name.
_DENSE = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af]+"
)


def foldings(text: str) -> list[str]:
    """The text in plain small letters, with its apostrophes as ``'``: once as its letters look (muller),
    and, where that differs, once spelled out (mueller)."""
    small = unicodedata.normalize("NFC", _APOSTROPHES.sub("'", text).casefold())
    return list(dict.fromkeys(_folded(each) for each in (small, small.translate(_SPELLED_OUT))))


def _folded(small: str) -> str:
    decomposed = unicodedata.normalize("NFKD", small.translate(_PLAIN)).casefold().translate(_PLAIN)
    # Format characters (soft hyphens, zero-width blanks, marks of direction) stand between letters unseen.
    bare = (
        letter
        for letter in decomposed
        if not unicodedata.combining(letter) and unicodedata.category(letter) != "Cf"
    )
    return unicodedata.normalize("NFKC", "".join(bare))


def parts_of(folded: str) -> list[str]:
    """The runs of letters and digits, of marks that belong to letters, and of apostrophes inside."""
    between = "".join(
        letter if letter == "'" or unicodedata.category(letter)[0] in "LMN" else " " for letter in folded
    )
    return [part for each in between.split() if (part := each.strip("'"))]


def is_dense(text: str) -> bool:
    return _DENSE.fullmatch(text) is not None
