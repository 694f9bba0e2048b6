"""What a run on several hosts needs of the machine."""

import glob
import os
import shutil
import subprocess  # nosec B404 # programs of the tests' own
import sys
from pathlib import Path


def run(*command: str | Path, check: bool = True) -> str:
    """Run a program; return what it prints. Raises ``CalledProcessError`` if it fails and ``check`` is
    true."""
    arguments = [str(one) for one in command]
    done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
        arguments,
        check=check,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        timeout=120,
    )
    return done.stdout


def postgresql_programs() -> Path:
    """The folder of PostgreSQL's server programs. Raises ``IndexError`` if there is none."""
    return sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1].parent


def missing() -> str:
    """Why hosts cannot be made here; empty if they can."""
    if not sys.platform.startswith("linux"):
        return "network namespaces exist on Linux only"
    if os.getuid() != 0:
        return "network namespaces need root"
    programs = ("ip", "nginx", "redis-server", "unshare", "runuser", "pg_dump", "git")
    absent = [name for name in programs if not shutil.which(name)]
    if not glob.glob("/usr/lib/postgresql/*/bin/initdb"):
        absent.append("postgresql")
    if absent:
        return f"not installed: {', '.join(absent)}"
    # In a container, root may not be allowed to make a namespace.
    name = f"chaos-{os.getpid()}-probe"
    try:
        run("ip", "netns", "add", name)
        run("ip", "netns", "exec", name, "unshare", "--uts", "true")
        run("ip", "-n", name, "link", "add", "type", "veth")
        run("ip", "-n", name, "link", "add", "type", "bridge")
    except subprocess.CalledProcessError as error:
        return f"network namespaces cannot be made: {error.output.strip()}"
    finally:
        run("ip", "netns", "del", name, check=False)
    return ""
