"""A candidate is found by a name in plain letters, and by one typed with another keyboard's marks."""

import pytest

from integrations.encryption.letter_folding import foldings
from integrations.encryption.search_hashes import looked_for, marker, terms


def finds(asked: str, first: str, last: str) -> bool:
    return bool(set(looked_for(asked)) & set(terms((first, last), "x@x.test")))


APOSTROPHES = "'’‘ʼ`´′＇ʻ"
HYPHENS = "-‐‑–—−﹣－"


@pytest.mark.parametrize("stored", [*APOSTROPHES, ""])
@pytest.mark.parametrize("typed", [*APOSTROPHES, ""])
def test_any_apostrophe_and_none_are_the_same(stored: str, typed: str) -> None:
    assert finds(f"o{typed}neil", "Zoë", f"O{stored}Neil")
    assert finds(f"O{typed}NE", "Zoë", f"O{stored}Neil")


@pytest.mark.parametrize("stored", [*HYPHENS, " ", "\u00a0", ""])
@pytest.mark.parametrize("typed", [*HYPHENS, ""])
def test_any_hyphen_and_none_are_the_same(stored: str, typed: str) -> None:
    assert finds(f"anne{typed}marie", f"Anne{stored}Marie", "Roux")


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        *(("Łukasz", "lukasz"), ("Søren", "soren"), ("Søren", "soeren"), ("Sören", "Søren")),
        *(("Đorđe", "dorde"), ("Đorđe", "djordje"), ("Ðorðe", "dorde"), ("Yıldız", "yildiz")),
        *(("YILDIZ", "yıldız"), ("İpek", "ipek"), ("IPEK", "İpek"), ("ipek", "IPEK"), ("Ilgın", "ILGIN")),
        *(("Weiß", "weiss"), ("WEIẞ", "weiß"), ("Weiss", "weiß"), ("Æsa", "aesa"), ("Aesa", "Æsa")),
        *(("Þór", "thor"), ("Œuvray", "oeuvray"), ("Müller", "muller"), ("Müller", "mueller")),
        *(("Mueller", "müller"), ("Mu\u0308ller", "mueller"), ("Åse", "aase"), ("Åse", "ase")),
        *(
            ("Nuñez", "nunez"),
            ("Dvořák", "dvorak"),
            ("Ştefănescu", "stefanescu"),
            ("Ħaż-Żebbuġ", "hazzebbug"),
        ),
        *(("Nguyễn", "nguyen"), ("Ｌｉ", "li"), ("soft\u00adhyphen", "softhyphen"), ("Ze\u200bro", "zero")),
        *(("हिन्दी", "हिन्दी"), ("Королёв", "королев"), ("Παπαδόπουλος", "παπαδοπουλος"), ("מוחמד", "מוחמד")),
        *(("مُحَمَّد", "محمد"), ("أحمد", "احمد")),
    ],
)
def test_a_name_is_found_by_its_plain_letters(name: str, typed: str) -> None:
    assert finds(typed, name, "Roux")
    assert finds(name, typed, "Roux"), "and the other way round"


@pytest.mark.parametrize(
    ("family", "given"),
    [("王", "小明"), ("김", "민준"), ("남궁", "민수"), ("田中", "さくら"), ("ヤマダ", "タロウ")],
)
def test_a_name_in_a_script_without_spaces_is_found_as_a_whole(family: str, given: str) -> None:
    for asked in (family + given, given + family, family, given, (family + given)[:2], given[-1]):
        assert finds(asked, given, family)
    assert finds(given, family + given, "")
    assert not finds(f"{family}李", given, family)


def test_an_address_is_compared_as_it_is() -> None:
    assert set(looked_for("O’NEIL@x.test")) & set(terms(("A", "B"), "o’neil@x.test"))
    assert not set(looked_for("oneil@x.test")) & set(terms(("A", "B"), "o'neil@x.test"))


@pytest.mark.parametrize("asked", ["'", "’", "-", "·", "\u200b", " ' - "])
def test_marks_alone_find_nobody(asked: str) -> None:
    assert not finds(asked, "Zoë", "O'Neil-Roux")
    assert not finds(asked, "•••", "...")


def test_nobody_can_type_the_marker() -> None:
    assert marker() in terms(("Ada", "Lovelace"), "ada@x.test")
    assert marker() not in looked_for("terms by rules 2")


def test_folding_twice_changes_nothing() -> None:
    for name in ("Łukasz", "Søren", "İpek", "WEIẞ", "김민준", "Ħaż-Żebbuġ", "Nguyễn"):
        for folded in foldings(name):
            assert foldings(folded) == [folded]
