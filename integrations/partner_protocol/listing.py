"""Reads a list that may come in pages, and whether the list is complete.

Rules: ``docs/protocol.md``, "Reading what arrives" (identifiers, lists that lose everything).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from integrations.http.errors import Answer, Unknown
from integrations.partner_protocol.parsing import InvalidMessage

Entry = TypeVar("Entry")

#: Limits for a list that does not end: pages (50,000 jobs at 100 a page), seconds, and pages in a row without
#: a new entry.
MOST_PAGES, MOST_SECONDS, MOST_PAGES_WITHOUT_ENTRIES = 500, 100, 3


@dataclass
class Listing(Generic[Entry]):
    """Entries by id. ``problem`` is empty for a complete list; otherwise it says in a sentence why entries
    may be missing. An entry that is missing from an incomplete list may still exist."""

    entries: dict[str, Entry] = field(default_factory=dict)
    problem: str = ""


def read_listing(
    subject: str, fetch: Callable[[str], Answer], read_entry: Callable[[Mapping[str, Any]], tuple[str, Entry]]
) -> Listing[Entry]:
    """Reads all pages of a list.

    ``subject`` names the list in sentences ("Ashby's list of jobs"). ``fetch`` gets a cursor, empty for the
    first page. ``read_entry`` returns an entry's id and the entry, and raises ``InvalidMessage`` for one that
    cannot be used.

    Raises ``Unknown`` for a page that is not a list, and whatever ``fetch`` raises. Nothing is returned then.
    """
    listing: Listing[Entry] = Listing()
    entries = listing.entries
    unreadable = pages_without_entries = 0
    seen_cursors: set[str] = set()
    cursor, until = "", time.monotonic() + MOST_SECONDS
    for _page in range(MOST_PAGES):
        answer = fetch(cursor)
        results = answer.body.get("results")
        if not isinstance(results, list):
            raise Unknown(f"{subject} came as something that is not a list.", answer=answer)
        known_before, on_this_page = len(entries), set()
        for item in results:
            try:
                entry_id, entry = read_entry(item if isinstance(item, dict) else {})
            except InvalidMessage:
                unreadable += 1
                continue
            # An entry may move to the next page while the list is read, and so come twice. Twice on one page,
            # or with different content, the list contradicts itself, and the first entry counts.
            if entry_id in on_this_page or entries.setdefault(entry_id, entry) != entry:
                listing.problem = f"{subject} names {entry_id} twice."
            on_this_page.add(entry_id)
        pages_without_entries = 0 if len(entries) > known_before else pages_without_entries + 1
        cursor = _cursor(answer.body)
        if not _more_is_promised(answer.body, cursor):
            break
        if not cursor or cursor in seen_cursors:
            listing.problem = f"{subject} promises another page and does not say where it is."
            break
        if pages_without_entries >= MOST_PAGES_WITHOUT_ENTRIES or time.monotonic() > until:
            listing.problem = f"{subject} does not end."
            break
        seen_cursors.add(cursor)
    else:
        listing.problem = f"{subject} does not end."
    if unreadable and not listing.problem:
        total = len(entries) + unreadable
        listing.problem = f"{subject} holds entries that cannot be read ({unreadable} of {total})."
    return listing


def _cursor(body: Mapping[str, Any]) -> str:
    value = body.get("nextCursor")
    return str(value).strip() if isinstance(value, str) or type(value) is int else ""


def _more_is_promised(body: Mapping[str, Any], cursor: str) -> bool:
    """Reads ``moreDataAvailable``, which may be a text or a number. Without it, a cursor means another
    page."""
    value = body.get("moreDataAvailable")
    if value is None:
        return bool(cursor)
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false", "no", "0")
    return bool(value)
