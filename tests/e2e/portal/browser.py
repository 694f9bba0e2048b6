"""A browser for the real portal: it keeps its cookies and submits the forms of pages."""

import re
from html import unescape
from typing import Any

import requests


class Browser:
    def __init__(self, url: str, session_key: str = "") -> None:
        self.url, self.pages = url, list[str]()
        self._session = requests.Session()
        if session_key:
            self._session.cookies["sessionid"] = session_key

    @property
    def session_key(self) -> str:
        return str(self._session.cookies["sessionid"])

    def get(self, path: str, **options: Any) -> requests.Response:
        return self._session.get(f"{self.url}{path}", timeout=30, **options)

    def submit(self, path: str, to: str = "", **fields: str) -> requests.Response:
        """Submit the page's form with these fields changed, and keep the page that follows."""
        given = _fields(self.get(path).text) | fields
        address, referer = f"{self.url}{to or path}", {"Referer": f"{self.url}{path}"}
        answer = self._session.post(address, data=given, headers=referer, timeout=30)
        self.pages.append(answer.text)
        return answer


def _fields(page: str) -> dict[str, str]:
    """The fields that a browser would submit, of all forms of the page together."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value, kind = (_attribute(tag, what) for what in ("name", "value", "type"))
        if (name and kind not in ("submit", "checkbox")) or "checked" in tag:
            found[name] = value or "on" * ("checked" in tag)
    for name, chosen in re.findall(
        r'<select name="([^"]+)".*?<option value="([^"]+)" selected', page, re.DOTALL
    ):
        found[name] = unescape(chosen)
    for name, text in re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.DOTALL):
        found[name] = unescape(text).strip()
    return found


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""
