"""Parses the configuration of organizations, from a file, the environment or the control API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox.models import AshbyKey, Package

ALL_SCOPES = [
    "candidates:read",
    "candidates:write",
    "jobs:read",
    "jobs:write",
    "apiKeys:read",
    "organization:read",
]
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_FIELDS = {
    "name",
    "slug",
    "ashby_keys",
    "verification_key",
    "mailed_key",
    "portal_url",
    "push_url",
    "jobs",
    "candidates",
    "packages",
}


class BadConfig(ValueError):
    """The configuration is invalid. The message says what to correct and never contains a key."""


@dataclass(frozen=True)
class OrgConfig:
    """One organization's configuration; ``None``: not given, the present value stays."""

    slug: str
    name: str | None = None
    ashby_keys: tuple[AshbyKey, ...] | None = None
    verification_key: str | None = None
    mailed_key: str | None = None
    portal_url: str | None = None
    push_url: str | None = None
    jobs: int | None = None
    candidates: int | None = None
    packages: tuple[Package, ...] | None = None


def parse_orgs(document: Any) -> list[OrgConfig]:
    """Parse a document `{"orgs": [...]}`. Raises ``BadConfig``."""
    if not isinstance(document, dict) or not isinstance(document.get("orgs"), list):
        raise BadConfig('a document of the form {"orgs": [...]} is required')
    return [parse_org(item) for item in document["orgs"]]


def parse_org(item: Any) -> OrgConfig:
    """Parse one organization. Raises ``BadConfig``."""
    if not isinstance(item, dict):
        raise BadConfig("an organization must be an object")
    unknown = sorted(set(item) - _FIELDS)
    if unknown:
        raise BadConfig(f"unknown field {unknown[0]!r}; known are {', '.join(sorted(_FIELDS))}")
    slug = item.get("slug")
    if not isinstance(slug, str) or not _SLUG.fullmatch(slug):
        raise BadConfig("slug: lower-case letters, digits and hyphens are required")
    for field in ("portal_url", "push_url"):
        if item.get(field) is not None and not is_http_url(item[field]):
            raise BadConfig(f"{field}: an http or https URL is required")
    return OrgConfig(
        slug=slug,
        name=_text(item, "name"),
        ashby_keys=_keys(item.get("ashby_keys")),
        verification_key=_text(item, "verification_key"),
        mailed_key=_text(item, "mailed_key"),
        portal_url=item.get("portal_url"),
        push_url=item.get("push_url"),
        jobs=_count(item, "jobs"),
        candidates=_count(item, "candidates"),
        packages=_packages(item.get("packages")),
    )


def is_http_url(value: Any) -> bool:
    """Whether the value is an http or https URL with a host."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def normalized_scope(scope: str) -> str:
    """A scope as `candidates:write`; `candidatesWrite`, the other spelling in use, is accepted."""
    found = re.fullmatch(r"([A-Za-z]+)(Read|Write)", scope)
    return f"{found[1]}:{found[2].lower()}" if found else scope


def _text(item: dict[str, Any], field: str) -> str | None:
    value = item.get(field)
    if value is not None and (not isinstance(value, str) or not value):
        raise BadConfig(f"{field}: a string is required")
    return value


def _count(item: dict[str, Any], field: str) -> int | None:
    value = item.get(field)
    if value is not None and (type(value) is not int or not 0 <= value <= 100_000):
        raise BadConfig(f"{field}: a number from 0 to 100000 is required")
    return value


def _keys(rows: Any) -> tuple[AshbyKey, ...] | None:
    if rows is None:
        return None
    if not isinstance(rows, list):
        raise BadConfig("ashby_keys: a list is required")
    return tuple(_key(row) for row in rows)


def _key(row: Any) -> AshbyKey:
    if isinstance(row, str):
        row = {"key": row}
    if not isinstance(row, dict) or not isinstance(row.get("key"), str) or not row["key"]:
        raise BadConfig("ashby_keys: each needs a key")
    scopes = row.get("scopes", ALL_SCOPES)
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise BadConfig("ashby_keys: scopes must be a list of strings")
    title = str(row.get("title", "Justifacts"))
    return AshbyKey(
        row["key"], title, [normalized_scope(scope) for scope in scopes], row.get("active", True) is True
    )


def _packages(rows: Any) -> tuple[Package, ...] | None:
    if rows is None:
        return None
    if not isinstance(rows, list):
        raise BadConfig("packages: a list is required")
    return tuple(_package(row) for row in rows)


def _package(row: Any) -> Package:
    if not isinstance(row, dict) or not all(
        isinstance(row.get(name), str) and row[name] for name in ("id", "name")
    ):
        raise BadConfig("packages: each needs an id and a name")
    return Package(row["id"], row["name"], str(row.get("description", "")), row.get("active", True) is True)
