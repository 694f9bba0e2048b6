"""Resident memory of processes and their children, as the kernel tells it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MB = 1024


@dataclass(frozen=True)
class Memory:
    """One process: resident, and its proportional share of what it has in common with others."""

    name: str
    rss_mb: float
    pss_mb: float


def memory_of(pids: dict[str, int]) -> list[Memory]:
    """Each of the named processes, and their descendants with a number behind the name."""
    children = _children()
    found = []
    for name, pid in pids.items():
        for number, each in enumerate(_tree(pid, children)):
            rss = _field(Path(f"/proc/{each}/status"), "VmRSS:")
            pss = _field(Path(f"/proc/{each}/smaps_rollup"), "Pss:")
            found.append(Memory(f"{name}.{number}" if number else name, rss / _MB, pss / _MB))
    return found


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The command's name, in brackets, may hold blanks: what is wanted comes after it.
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # ended meanwhile
        children.setdefault(parent, []).append(int(folder.name))
    return children


def _tree(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in sorted(children.get(pid, [])):
        yield from _tree(child, children)


def _field(path: Path, name: str) -> float:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return float(line.split()[1])
    return 0.0
