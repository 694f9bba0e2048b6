"""Reads a list that may come in pages, and says whether the whole list was read.

Rules: ``docs/protocol.md``, "Reading what arrives" (identifiers, lists that lose everything).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from integrations.http.errors import Answer, Unknown
from integrations.partner_protocol.parsing import InvalidMessage

Entry = TypeVar("Entry")

#: An endless list ends here: 50,000 jobs at 100 a page, or so many seconds, or so many pages in a row
#: on which nothing is new.
MOST_PAGES, MOST_SECONDS, MOST_PAGES_WITHOUT_NEWS = 500, 100, 3


@dataclass
class Listing(Generic[Entry]):
    """Entries by their ids. ``problem`` says in a sentence why there may be more entries than were read;
    it is empty for a complete list. What is not in an incomplete list may exist all the same."""

    entries: dict[str, Entry] = field(default_factory=dict)
    problem: str = ""


def read_listing(
    subject: str,
    fetch: Callable[[str], Answer],
    read_entry: Callable[[Mapping[str, Any]], tuple[str, Entry]],
) -> Listing[Entry]:
    """Reads all pages. ``subject`` names the list in sentences ("Ashby's list of jobs"). ``fetch`` gets a
    cursor, empty for the first page. ``read_entry`` returns an entry with its id and raises
    ``InvalidMessage`` for an entry that cannot be used.

    Raises ``Unknown`` where a page holds no list, and whatever ``fetch`` raises: then nothing was read.
    """
    listing: Listing[Entry] = Listing()
    unreadable = pages_without_news = 0
    seen_cursors: set[str] = set()
    cursor, until = "", time.monotonic() + MOST_SECONDS
    for _page in range(MOST_PAGES):
        answer = fetch(cursor)
        results = answer.body.get("results")
        if not isinstance(results, list):
            raise Unknown(f"{subject} came as something that is not a list.", answer=answer)
        page: dict[str, Entry] = {}
        for item in results:
            try:
                entry_id, entry = read_entry(item if isinstance(item, dict) else {})
            except InvalidMessage:
                unreadable += 1
                continue
            # An entry can move from one page to the next while the list is read. Twice on one page, or
            # twice with other content, is a list that contradicts itself; the first entry counts.
            if entry_id in page or listing.entries.get(entry_id, entry) != entry:
                listing.problem = f"{subject} names {entry_id} twice."
            page.setdefault(entry_id, entry)
        pages_without_news = 0 if page.keys() - listing.entries.keys() else pages_without_news + 1
        for entry_id, entry in page.items():
            listing.entries.setdefault(entry_id, entry)
        cursor = _cursor(answer.body)
        if not _more_is_promised(answer.body, cursor):
            break
        if not cursor or cursor in seen_cursors:
            listing.problem = f"{subject} promises another page and does not say where it is."
            break
        if pages_without_news >= MOST_PAGES_WITHOUT_NEWS or time.monotonic() > until:
            listing.problem = f"{subject} does not end."
            break
        seen_cursors.add(cursor)
    else:
        listing.problem = f"{subject} does not end."
    if unreadable and not listing.problem:
        total = len(listing.entries) + unreadable
        listing.problem = f"{subject} holds entries that cannot be read ({unreadable} of {total})."
    return listing


def clean_text(value: object, longest: int) -> str:
    """A text or number as one line of at most ``longest`` characters; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).split())[:longest].rstrip()


def _cursor(body: Mapping[str, Any]) -> str:
    value = body.get("nextCursor")
    return str(value).strip() if isinstance(value, str) or type(value) is int else ""


def _more_is_promised(body: Mapping[str, Any], cursor: str) -> bool:
    """``moreDataAvailable``, also where a server writes it as text or number. Without it, a cursor promises
    another page."""
    value = body.get("moreDataAvailable")
    if value is None:
        return bool(cursor)
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false", "no", "0")
    return bool(value)
