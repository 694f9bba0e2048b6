"""Decides whether packages that a fetched list no longer contains are withdrawn. No database.

A wrong withdrawal stops checks: the package is no longer offered in Ashby, and its starts are refused. So a
list that lost many packages needs a person's confirmation (``docs/protocol.md``, "Reading what arrives",
lists that lose everything).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from integrations.models import Package


@dataclass(frozen=True)
class Loss:
    """What a complete list no longer contains. ``known``: all packages that are not withdrawn; ``missing``:
    those of them, at least one, that the list lacks; ``listed``: the names in the list."""

    missing: Sequence[Package]
    known: Sequence[Package]
    listed: Collection[str]

    @property
    def without_namesake(self) -> list[Package]:
        """Missing packages whose name is not in the list. Justifacts may recreate a package under another id;
        such a package is not lost."""
        names = {same_name(name) for name in self.listed}
        return [package for package in self.missing if same_name(package.name) not in names]


#: Returns why nothing is withdrawn, as a sentence; empty to withdraw the missing packages.
Decision = Callable[[Loss], str]


def unattended(loss: Loss) -> str:
    """For runs that no person watches: withdraws at most half of the packages, or a single one, never all."""
    lost, known = len(loss.without_namesake), len(loss.known)
    if not loss.listed:
        return f"Justifacts' list of packages is empty, although it had {known} before."
    if lost > 1 and 2 * lost > known:
        return f"Justifacts' list of packages lacks {lost} of the {known} that it had before."
    return ""


def confirmed(by_person: Collection[int]) -> Decision:
    """For a person who has confirmed that these missing packages (primary keys) are gone. If others are
    missing by now, nothing is withdrawn."""

    def decide(loss: Loss) -> str:
        is_the_same = {package.pk for package in loss.missing} == set(by_person)
        return "" if is_the_same else "A person has to confirm what Justifacts no longer lists."

    return decide


def allowed(_loss: Loss) -> str:
    """For a command with ``--allow-withdrawals``."""
    return ""


def same_name(name: str) -> str:
    """Return a name in a form that ignores case and white space."""
    return " ".join(name.split()).casefold()
