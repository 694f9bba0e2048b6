"""What people type, compared with what a candidate is called, without the database holding either."""

import pytest

from integrations.encryption.search_hashes import looked_for, terms


def finds(asked: str, first: str = "Ada", last: str = "Lovelace", email: str = "ada@x.test") -> bool:
    return bool(set(looked_for(asked)) & set(terms((first, last), email)))


@pytest.mark.parametrize("asked", ["lov", "Lovel", "LOVELACE", " lovelace ", "ada", "ADA@X.TEST", "ada@"])
def test_a_beginning_is_enough(asked: str) -> None:
    assert finds(asked)


@pytest.mark.parametrize("asked", ["lo", "lace", "lovelaces", "ad@x", "@x.test", "x.test", "", "@"])
def test_less_than_that_is_not(asked: str) -> None:
    assert not finds(asked)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        *(("Zoë", "zoe"), ("Zoe", "ZOË"), ("Núñez", "nunez"), ("Straße", "STRASSE"), ("ﬁona", "fio")),
        *(("O'Neil", "o'ne"), ("O'Neil", "neil"), ("Anne-Marie", "mar"), ("van der Berg", "berg")),
        *(("Bo", "bo"), ("Li", "LI"), ("王", "王"), ("van der Berg", "van"), ("이순신", "이순신")),
        ("Wolfeschlegelsteinhausen", "wolfeschlegelstein"),
    ],
)
def test_names_of_all_kinds(name: str, asked: str) -> None:
    assert finds(asked, last=name)


def test_an_erased_candidate_has_none() -> None:
    assert terms(("", ""), "") == []


def test_a_long_name_has_few_hashes() -> None:
    assert len(terms(("Maximilian", "Wolfeschlegelsteinhausen"), "m.w@example.com")) == 19


def test_another_key_makes_others(settings) -> None:
    before = set(terms(("Ada", "Lovelace"), "ada@x.test"))
    settings.FIELD_ENCRYPTION_KEYS = [
        "mHDHh9jTGz3TWKIbOnbHWrkWEbzfZMW0rBkmkKKwvgk=",
        *settings.FIELD_ENCRYPTION_KEYS,
    ]
    after = set(terms(("Ada", "Lovelace"), "ada@x.test"))
    assert not before & after
    assert set(looked_for("lovel")) & before
    assert set(looked_for("lovel")) & after
