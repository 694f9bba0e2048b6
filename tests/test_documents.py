"""The tests, commands and files that documents name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("docs/*.md"), *ROOT.glob("*.md")]
)
_PLACES = ("tests", "tests/assessments", "")


def _is_there(name: str) -> bool:
    return any(any((ROOT / place).glob(name)) for place in _PLACES)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_named_in_a_document_exists(document: str) -> None:
    """Readers can open the test of each promise."""
    text = (ROOT / document).read_text()
    named = set(re.findall(r"`((?:[\w./]*/)?test_[\w*]+\.py)`", text))
    missing = [name for name in named if not _is_there(name)]
    assert not missing


def test_the_search_finds_named_tests() -> None:
    """The search above finds what it should."""
    assert {"docs/reliability.md", "docs/security.md"} <= set(DOCUMENTS)
    assert not _is_there("tests/test_of_nothing.py")
    assert _is_there("test_whole_order.py")
