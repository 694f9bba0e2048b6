"""Which packages are withdrawn when a fetched list no longer names them. Pure.

A package that is withdrawn wrongly stops checks: Ashby is no longer offered it, and its starts are refused.
So a list that lost much is not believed unless a person confirms it (``docs/protocol.md``, "Reading what
arrives", lists that lose everything).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from integrations.models import Package


@dataclass(frozen=True)
class Loss:
    """What a complete list no longer names. ``missing``: packages of ``known`` that it lacks, in number
    at least one; ``known``: all packages that are not withdrawn yet; ``listed``: the names in the list."""

    missing: Sequence[Package]
    known: Sequence[Package]
    listed: Collection[str]

    @property
    def without_namesake(self) -> list[Package]:
        """Missing packages for which the list names no other package of the same name. Justifacts makes a
        package anew under another id; such a package is not lost."""
        names = {same_name(name) for name in self.listed}
        return [package for package in self.missing if same_name(package.name) not in names]


#: Says why nothing is withdrawn, in a sentence; empty: what is missing is withdrawn.
Decision = Callable[[Loss], str]


def unattended(loss: Loss) -> str:
    """For runs that no person watches. Withdraws single packages; not all of them, and not more than half."""
    lost, known = len(loss.without_namesake), len(loss.known)
    if not loss.listed:
        return f"Justifacts' list of packages is empty, although it had {known} before."
    if lost > 1 and 2 * lost > known:
        return f"Justifacts' list of packages lacks {lost} of the {known} that it had before."
    return ""


def confirmed(by_person: Collection[int]) -> Decision:
    """For a person who has seen these packages (primary keys) listed as missing and confirmed that they are
    gone. Another loss than the one that they saw needs another look."""

    def decide(loss: Loss) -> str:
        is_the_same = {package.pk for package in loss.missing} == set(by_person)
        return "" if is_the_same else "A person has to confirm what Justifacts no longer lists."

    return decide


def allowed(_loss: Loss) -> str:
    """For a person at a terminal who has allowed any withdrawal beforehand."""
    return ""


def same_name(name: str) -> str:
    """Names that differ in case or white space only are the same."""
    return " ".join(name.split()).casefold()
