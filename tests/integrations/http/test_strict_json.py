"""Which JSON bodies are read, and which are refused."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.http.strict_json import MAX_DEPTH, UnreadableBody, charset_of, read_object, sanitize_json

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | TEXT | st.floats(-1e18, 1e18),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(TEXT, JSON, max_size=5), st.booleans())
def test_an_object_is_read_unchanged(value: dict[str, object], escaped: bool) -> None:
    assert read_object(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_an_object_or_refused(content: bytes) -> None:
    with suppress(UnreadableBody):
        assert isinstance(read_object(content), dict)


@given(st.text('[]{}":,\\u0deE+-1naNIfity \x00\n', max_size=60))
def test_anything_that_looks_like_json_is_read_as_an_object_or_refused(content: str) -> None:
    with suppress(UnreadableBody):
        assert isinstance(read_object(content.encode()), dict)


@pytest.mark.parametrize("content", [b"", b" ", b"\r\n\t "])
def test_an_empty_body_is_an_empty_object(content: bytes) -> None:
    assert read_object(content) == {}


@pytest.mark.parametrize("text", ["tab\there", "two\nlines", "\r\n", "é", "🦊", "\u2028", "\x85"])
def test_line_ends_and_tabs_are_kept(text: str) -> None:
    assert read_object(json.dumps({text: text}).encode()) == {text: text}


@pytest.mark.parametrize("code", [*(c for c in range(0x20) if chr(c) not in "\t\n\r"), 0x7F, 0xD800, 0xDFFF])
@pytest.mark.parametrize("form", ['{{"a": "x{}"}}', '{{"x{}": 1}}', '{{"a": [[{{"b{}": 1}}]]}}'])
def test_each_control_character_is_refused_in_values_and_keys(code: int, form: str) -> None:
    with pytest.raises(UnreadableBody, match="control characters"):
        read_object(form.format(f"\\u{code:04x}").encode())


@pytest.mark.parametrize("inner", ["[{}]", '{{"a":{}}}'], ids=["lists", "objects"])
@pytest.mark.parametrize(("levels", "fits"), [(MAX_DEPTH - 2, True), (MAX_DEPTH, False), (100_000, False)])
def test_an_object_is_refused_beyond_the_greatest_depth(inner: str, levels: int, fits: bool) -> None:
    before, after = inner.format("1").split("1")
    content = '{"top":' + before * levels + "1" + after * levels + "}"
    if fits:
        assert read_object(content.encode())
        return
    with pytest.raises(UnreadableBody, match="nested too deeply"):
        read_object(content.encode())


@pytest.mark.parametrize("number", ["1e18", "-1e18", str(10**19), "9" * 200, "0.1", "-0", "1e-400", "1E+2"])
def test_a_number_within_the_limits_is_read_exactly(number: str) -> None:
    assert read_object(f'{{"a": {number}}}'.encode())["a"] == json.loads(number)


@pytest.mark.parametrize("number", ["1e999", "9" * 201, "-" + "9" * 201, "9" * 5000, "NaN"])
def test_a_number_beyond_the_limits_is_refused(number: str) -> None:
    with pytest.raises(UnreadableBody):
        read_object(f'{{"a": [{number}]}}'.encode())


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ("", "utf-16"),
        ("charset=UTF-8", "utf-8-sig"),
        ("charset=ISO-8859-1", "latin-1"),
        ('charset="iso-8859-1"; q=1', "cp1252"),
        ("charset=ISO-8859-1", "utf-8-sig"),
        ("charset=windows-1252", "cp1252"),
        ("charset=UTF-16", "utf-16"),
        ("charset=UTF-16LE", "utf-16-le"),
        ("charset=UTF-16BE", "utf-16-be"),
        ("charset=us-ascii", "utf-8"),
        ("charset=unheard-of", "utf-8"),
        ("charset=zip", "utf-8"),
        ("charset=", "utf-8"),
    ],
)
def test_a_declared_charset_is_honoured(charset: str, encoding: str) -> None:
    content = '{"name": "Zoë"}'.encode(encoding)
    assert read_object(content, charset_of(f"application/json;{charset}")) == {"name": "Zoë"}


@pytest.mark.parametrize("charset", ["", "charset=unheard-of", "charset=hex", "charset=us-ascii"])
def test_bytes_that_no_declared_charset_decodes_are_refused(charset: str) -> None:
    with pytest.raises(UnreadableBody, match="UTF-8"):
        read_object('{"name": "Zoë"}'.encode("latin-1"), charset_of(charset))


def test_the_reason_for_a_refusal_never_quotes_the_body() -> None:
    for content in (b'{"secret": "\\u0000"}', b'{"secret": ', b'["secret"]', b'{"secret":1,"secret":2}'):
        with pytest.raises(UnreadableBody) as refusal:
            read_object(content)
        assert "secret" not in str(refusal.value)


def test_control_characters_in_an_answer_are_replaced() -> None:
    """An answer cannot be refused."""
    assert sanitize_json({"a\x00": ["b\ud800", 1, None]}) == {"a\ufffd": ["b\ufffd", 1, None]}
