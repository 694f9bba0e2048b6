"""What is quoted of others says nothing of whom it is about, and as much as it can of the rest."""

import pytest

from integrations.redaction import mask, personal_terms


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("No LOVELACE here", "No ••• here"),
        ("Ada Maria Lovelace is unknown", "••• ••• is unknown"),
        ("maria (ada@x.test)", "••• (•••)"),
        ("/people/ada-lovelace?x", "/people/ada-•••?x"),
        ("An adapter, and Adams", "An adapter, and Adams"),
        ("lovelace_not_found", "lovelace_not_found"),
    ],
)
def test_names_are_hidden_as_words(said: str, kept: str) -> None:
    assert mask(said, personal_terms("ada@x.test", "Ada Maria", "Lovelace")) == kept


@pytest.mark.parametrize(
    ("name", "said", "kept"),
    [
        ("May", "May is refused: you may not order", "••• is refused: you may not order"),
        ("Al", "AL is unknown, al is not", "••• is unknown, al is not"),
        ("al", "al is unknown", "••• is unknown"),
        ("王", "找不到王小明", "找不到•••小明"),
        ("X", "X is unknown", "X is unknown"),
    ],
)
def test_short_names_only_where_they_are_written_as_names(name: str, said: str, kept: str) -> None:
    assert mask(said, [name]) == kept


def test_keys_and_addresses_wherever_they_stand() -> None:
    assert mask("xKEY-0123456789x", [], ["key-0123456789"]) == "x•••x"
    assert mask("?key_letmeinplease=1", [], ["letmeinplease"]) == "?key_•••=1", "letters alone, too"
    assert mask("mailto:ada@x.testing", ["ada@x.test"]) == "mailto:•••ing"
