"""Memory and processor time of processes and their descendants, from /proc."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_KB_PER_MB = 1024
_MS_PER_TICK = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """One process: resident set size, and proportional set size (shared pages divided by their users), in
    MB."""

    name: str
    rss_mb: float
    pss_mb: float


def memory_of(pids: dict[str, int]) -> list[Memory]:
    """The memory of each named process and its descendants, which are called ``name.1``, ``name.2`` ..."""
    children = _children()
    found = []
    for name, pid in pids.items():
        for number, each in enumerate(_tree(pid, children)):
            rss = _field(Path(f"/proc/{each}/status"), "VmRSS:")
            pss = _field(Path(f"/proc/{each}/smaps_rollup"), "Pss:")
            found.append(Memory(f"{name}.{number}" if number else name, rss / _KB_PER_MB, pss / _KB_PER_MB))
    return found


def cpu_of(pid: int) -> float:
    """The processor time in milliseconds that a process and its descendants have used."""
    return sum(_cpu(each) for each in _tree(pid, _children()))


def database_processes(database: str) -> dict[int, float]:
    """The processor time in milliseconds of each process of a PostgreSQL server on this machine that serves
    this database. Their titles contain its name."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue  # the process has exited
        if title.startswith("postgres: ") and f" {database} " in title:
            found[int(folder.name)] = _cpu(int(folder.name))
    return found


def _cpu(pid: int) -> float:
    try:
        # After the command's name, in parentheses: utime, stime, and those of children that have exited.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) * _MS_PER_TICK


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The command's name, in parentheses, may contain spaces; the parent's id comes after it.
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # the process has exited
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
