"""What is read of a body from outside, and what is not."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.json_body import MAX_DEPTH, UnreadableBody, harmless, read_object

quickly = settings(max_examples=60, deadline=None)

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | TEXT | st.floats(-1e18, 1e18),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@quickly
@given(st.dictionaries(TEXT, JSON, max_size=5), st.booleans())
def test_any_usual_object_is_read_as_it_is(value: dict[str, object], escaped: bool) -> None:
    assert read_object(json.dumps(value, ensure_ascii=escaped).encode()) == value


@quickly
@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_unreadable(content: bytes) -> None:
    with suppress(UnreadableBody):
        assert isinstance(read_object(content), dict)


@quickly
@given(st.text('[]{}":,\\u0deE+-1naNIfity \x00\n', max_size=60))
def test_anything_that_looks_like_json_is_an_object_or_unreadable(content: str) -> None:
    with suppress(UnreadableBody):
        assert isinstance(read_object(content.encode()), dict)


@pytest.mark.parametrize("content", [b"", b" ", b"\r\n\t "])
def test_no_body_is_an_empty_object(content: bytes) -> None:
    assert read_object(content) == {}


@pytest.mark.parametrize("text", ["tab\there", "two\nlines", "\r\n", "é", "🦊", "\u2028", "\x85"])
def test_lines_and_tabs_are_text_like_any_other(text: str) -> None:
    assert read_object(json.dumps({text: text}).encode()) == {text: text}


@pytest.mark.parametrize("code", [*(c for c in range(0x20) if chr(c) not in "\t\n\r"), 0x7F, 0xD800, 0xDFFF])
@pytest.mark.parametrize("form", ['{{"a": "x{}"}}', '{{"x{}": 1}}', '{{"a": [[{{"b{}": 1}}]]}}'])
def test_each_control_character_is_refused_as_value_and_as_name(code: int, form: str) -> None:
    with pytest.raises(UnreadableBody, match="control characters"):
        read_object(form.format(f"\\u{code:04x}").encode())


@pytest.mark.parametrize("inner", ["[{}]", '{{"a":{}}}'], ids=["lists", "objects"])
@pytest.mark.parametrize(("levels", "fits"), [(MAX_DEPTH - 2, True), (MAX_DEPTH, False), (100_000, False)])
def test_depth(inner: str, levels: int, fits: bool) -> None:
    before, after = inner.format("1").split("1")
    content = '{"top":' + before * levels + "1" + after * levels + "}"
    if fits:
        assert read_object(content.encode())
        return
    with pytest.raises(UnreadableBody, match="nested too deeply"):
        read_object(content.encode())


@pytest.mark.parametrize("number", ["1e18", "-1e18", str(10**18), "0.1", "-0", "1e-400", "1E+2"])
def test_a_number_that_fits(number: str) -> None:
    assert read_object(f'{{"a": {number}}}'.encode())["a"] == float(number)


@pytest.mark.parametrize(
    "number", ["1.1e18", f"{10**18 + 1}", f"{-(10**18) - 1}", "1e999", "9" * 5000, "NaN"]
)
def test_a_number_that_does_not(number: str) -> None:
    with pytest.raises(UnreadableBody):
        read_object(f'{{"a": [{number}]}}'.encode())


def test_the_reason_never_quotes_the_body() -> None:
    for content in (b'{"secret": "\\u0000"}', b'{"secret": ', b'["secret"]', b'{"secret":1,"secret":2}'):
        with pytest.raises(UnreadableBody) as refusal:
            read_object(content)
        assert "secret" not in str(refusal.value)


def test_a_foreign_answer_is_made_harmless_instead() -> None:
    """Answers are not ours to refuse."""
    assert harmless({"a\x00": ["b\ud800", 1, None]}) == {"a\ufffd": ["b\ufffd", 1, None]}
