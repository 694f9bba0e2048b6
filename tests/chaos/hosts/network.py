"""Hosts as network namespaces on one bridge, which is in a namespace of its own."""

import contextlib
import os
import secrets
import signal
import subprocess  # nosec B404 # for an exception
from itertools import count
from pathlib import Path
from typing import Self

from .requirements import run

#: A MAC address that no host has: what is sent to it is lost without an error.
_NOBODY = "02:00:de:ad:be:ef"
_HUB = "hub"
_PREFIX = "chaos-"


class Network:
    """``addresses``: the IP addresses of each host by its name. This process is on the network too."""

    def __init__(self, addresses: dict[str, tuple[str, ...]]) -> None:
        self._subnet = f"10.{100 + secrets.randbelow(100)}.{secrets.randbelow(250)}"
        self._addresses = {
            name: tuple(f"{self._subnet}.{last}" for last in lasts) for name, lasts in addresses.items()
        }
        self._run = f"{_PREFIX}{os.getpid()}-"
        self._tag = f"c{secrets.token_hex(3)}"
        self._ports = count()
        self._port_of: dict[str, str] = {}

    def __enter__(self) -> Self:
        _remove_leftovers()
        run("ip", "netns", "add", self._run + _HUB)
        self._in(_HUB, "link", "add", "br0", "type", "bridge")
        self._in(_HUB, "link", "set", "br0", "up")
        own, port = f"{self._tag}-own", f"{self._tag}-port"
        run("ip", "link", "add", own, "type", "veth", "peer", "name", port, "netns", self._run + _HUB)
        self._in(_HUB, "link", "set", port, "master", "br0", "up")
        run("ip", "address", "add", f"{self._subnet}.254/24", "dev", own)
        run("ip", "link", "set", own, "up")
        for name in self._addresses:
            self.join(name)
        return self

    def __exit__(self, *_: object) -> None:
        for name in [*self._addresses, _HUB]:
            _remove(self._run + name)
        run("ip", "link", "del", f"{self._tag}-own", check=False)

    def address(self, name: str, number: int = 0) -> str:
        return self._addresses[name][number]

    def command(self, name: str, *words: str | Path) -> list[str]:
        """The command that runs these words on a host, which has its own host name."""
        start = ("ip", "netns", "exec", self._run + name, "unshare", "--uts", "sh", "-c")
        return [*start, 'hostname "$0" && exec "$@"', name, *map(str, words)]

    def join(self, name: str) -> None:
        """Make the host's namespace and connect it."""
        namespace, port = self._run + name, f"{self._tag}-{next(self._ports)}"
        run("ip", "netns", "add", namespace)
        self._in(name, "link", "set", "lo", "up")
        run(
            "ip",
            "-n",
            namespace,
            "link",
            "add",
            "eth0",
            "type",
            "veth",
            "peer",
            "name",
            port,
            "netns",
            self._run + _HUB,
        )
        self._in(_HUB, "link", "set", port, "master", "br0", "up")
        # A host that joins again has the same address for those that have talked to it.
        last = int(self._addresses[name][0].rpartition(".")[2])
        self._in(name, "link", "set", "eth0", "address", f"02:00:00:00:00:{last:02x}", "up")
        for address in self._addresses[name]:
            self._in(name, "address", "add", f"{address}/24", "dev", "eth0")
        self._port_of[name] = port

    def unplug(self, name: str) -> None:
        """From now on the host sends nothing, not even the end of its connections."""
        self._in(name, "link", "set", "eth0", "down")

    def leave(self, name: str) -> None:
        """Remove the host's namespace and end its processes."""
        self._in(_HUB, "link", "del", self._port_of.pop(name))
        _remove(self._run + name)

    def cut(self, name: str, address: str) -> None:
        """What the host sends to the address is lost."""
        self._in(name, "neighbour", "replace", address, "lladdr", _NOBODY, "nud", "permanent", "dev", "eth0")

    def connect(self, name: str, address: str) -> None:
        """End a cut."""
        self._in(name, "neighbour", "del", address, "dev", "eth0", check=False)

    def slow(self, name: str) -> str:
        """Slow the host's link in both directions. Returns how."""
        for kind in (
            ("netem", "delay", "60ms", "20ms"),
            ("tbf", "rate", "400kbit", "burst", "2000", "latency", "3s"),
        ):
            with contextlib.suppress(subprocess.CalledProcessError):
                for namespace, device in ((name, "eth0"), (_HUB, self._port_of[name])):
                    run("tc", "-n", self._run + namespace, "qdisc", "replace", "dev", device, "root", *kind)
                return kind[0]
        raise AssertionError("this kernel can neither delay packets nor limit their rate")

    def end_slow(self, name: str) -> None:
        for namespace, device in ((name, "eth0"), (_HUB, self._port_of[name])):
            run("tc", "-n", self._run + namespace, "qdisc", "del", "dev", device, "root", check=False)

    def _in(self, name: str, *words: str, check: bool = True) -> None:
        run("ip", "-n", self._run + name, *words, check=check)


def _remove_leftovers() -> None:
    """Remove the namespaces of runs that were killed."""
    for line in run("ip", "netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith(_PREFIX) and not Path(f"/proc/{name.split('-')[1]}").exists():
            _remove(name)


def _remove(namespace: str) -> None:
    if not Path("/run/netns", namespace).exists():
        return
    for pid in run("ip", "netns", "pids", namespace).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    run("ip", "netns", "del", namespace)
