"""What a store of the recovery log must do. ``files.py`` and ``database.py`` are the two stores."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What an entry records."""

    START = "start"
    CANCELLATION = "cancellation"
    #: The end of a check that Ashby has accepted.
    END = "end"
    ERASURE = "erasure"


#: Entries of these kinds are about one order, have its id as their key, and are kept for ``KEPT``.
OF_ORDERS = (Kind.START, Kind.CANCELLATION, Kind.END)
KEPT = timedelta(days=14)


@dataclass(frozen=True)
class Entry:
    """One entry. ``key`` is a UUID: of the order, or of the erasure certificate. ``content`` is encrypted."""

    kind: Kind
    key: str
    day: date
    content: str


class Unavailable(Exception):
    """The store cannot be read or written. The text names no path and no credential."""


class Store(Protocol):
    """A place for encrypted entries that several processes use at once. Every method may raise
    ``Unavailable``."""

    def write(self, entry: Entry) -> None:
        """Store the entry. An entry of the same kind, key and day stays as it is."""

    def read(self, kind: Kind, since: date) -> Iterator[Entry]:
        """The entries of this kind from ``since`` on, oldest day first."""

    def replace(self, entry: Entry, content: str) -> None:
        """Give the entry another content, unless it has been deleted meanwhile."""

    def delete(self, kinds: Collection[Kind], keys: Collection[str]) -> int:
        """Delete the entries of these kinds with these keys. Returns how many there were."""

    def delete_before(self, kinds: Collection[Kind], day: date) -> None:
        """Delete the entries of these kinds that are older than ``day``."""

    def check(self) -> None:
        """Return if the next entry can be written."""
