"""Secrets that must not be written anywhere, in every encoding in which they could be."""

import base64
import json
from collections.abc import Iterator
from html import escape
from urllib.parse import quote, quote_plus


class Canaries:
    """Secrets by name, which are searched for in everything written."""

    def __init__(self) -> None:
        self._forms: dict[bytes, str] = {}

    def add(self, name: str, secret: str) -> str:
        assert len(secret) >= 16, "too short to be unique"
        for how, form in _forms(secret):
            self._forms.setdefault(form, f"{name}, {how}")
        return secret

    def search(self, text: bytes | str) -> list[str]:
        """The secrets found in a text, and their encodings."""
        content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        return [name for form, name in self._forms.items() if form in content]


def _forms(secret: str) -> Iterator[tuple[str, bytes]]:
    raw = secret.encode()
    yield "as it is", raw
    yield "its first 12 characters", raw[:12]
    yield "as hexadecimal digits", raw.hex().encode()
    for quoted in {quote(secret, safe=""), quote_plus(secret), quote(secret)}:
        yield "quoted for a URL", quoted.encode()
    yield "escaped for HTML", escape(secret).encode()
    yield "escaped for JSON", json.dumps(secret)[1:-1].encode()
    for before in range(3):
        yield "as base64", _base64(raw, before)
        yield "as base64 for a URL", _base64(raw, before).translate(bytes.maketrans(b"+/", b"-_"))


def _base64(raw: bytes, before: int) -> bytes:
    """The part of the encoding that does not depend on the surrounding bytes, so that it is found inside a
    header."""
    first = -(-before * 4 // 3)
    whole = (before + len(raw)) // 3 * 4
    return base64.b64encode(b"\x00" * before + raw)[first:whole]
