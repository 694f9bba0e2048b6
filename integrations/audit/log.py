"""Adds entries to the audit log, and verifies its chains of hashes."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import transaction
from django.utils import timezone

from integrations.encryption.secrets import SecretUnreadable
from integrations.models import AuditChainHead, AuditLogEntry

Action = AuditLogEntry.Action

_FIRST = "0" * 64


@dataclass(frozen=True)
class AuditChain:
    """The result of verifying one chain. ``problem`` is empty if no entry was changed, removed or added."""

    name: str
    lines: int
    problem: str


@transaction.atomic
def record_entry(
    action: Action,
    actor: str,
    *,
    organization_id: int | None = None,
    kind: str = "",
    object_id: object = "",
    details: dict[str, Any] | None = None,
    address: str = "",
) -> AuditLogEntry:
    """Add an entry to the organization's chain, or to the portal's without one.

    Call it in the transaction of the change that it records. ``details`` holds names and numbers, never a
    candidate's data or a secret.
    """
    chain = chain_of(organization_id)
    head = _locked_head(chain)
    entries = AuditLogEntry.objects.filter(chain=chain).order_by("-sequence")
    sequence, previous = entries.values_list("sequence", "hash").first() or (0, _FIRST)
    line = AuditLogEntry(
        chain=chain,
        sequence=sequence + 1,
        organization_id=organization_id,
        at=timezone.now(),
        actor=actor[:200],
        action=action,
        kind=kind[:100],
        object_id=str(object_id)[:100],
        details=details or {},
        address=address[:100],
        previous_hash=previous,
    )
    line.hash = hash_of(line)
    line.save(force_insert=True)
    # A head that does not match was tampered with; it stays, so that ``verify`` reports it.
    if head and _read(head) == (sequence, previous):
        AuditChainHead.objects.filter(pk=chain).update(last=f"{line.sequence} {line.hash}")
    return line


def _locked_head(chain: str) -> AuditChainHead | None:
    """Locks the chain, so that concurrent entries follow each other."""
    heads = AuditChainHead.objects.select_for_update().filter(pk=chain)
    head = heads.first()
    if head is None and not AuditLogEntry.objects.filter(chain=chain).exists():
        AuditChainHead.objects.get_or_create(chain=chain, defaults={"last": f"0 {_FIRST}"})
        head = heads.first()
    return head


def chain_of(organization_id: int | None) -> str:
    return f"organization {organization_id}" if organization_id else "portal"


def hash_of(line: AuditLogEntry) -> str:
    """Return the SHA-256, in hexadecimal, of the entry's columns, which include the previous entry's hash."""
    at = line.at.astimezone(UTC).isoformat(timespec="microseconds")
    columns = [
        *(line.chain, line.sequence, line.organization_id, at, line.actor, str(line.action)),
        *(line.kind, line.object_id, line.details, line.address, line.previous_hash),
    ]
    text = json.dumps(columns, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def verify(chain: str = "") -> Iterator[AuditChain]:
    """Verify each chain, or only the named one, from its first entry to its last."""
    heads = {head.chain: head for head in AuditChainHead.objects.all()}
    known = heads.keys() | set(AuditLogEntry.objects.order_by().values_list("chain", flat=True).distinct())
    for name in sorted(known & {chain} if chain else known):
        yield _follow(name, heads.get(name))


def _follow(name: str, head: AuditChainHead | None) -> AuditChain:
    sequence, previous = 0, _FIRST
    for line in AuditLogEntry.objects.filter(chain=name).order_by("sequence").iterator(chunk_size=1000):
        where = f"line {sequence + 1}"
        if line.sequence != sequence + 1:
            return AuditChain(name, sequence, f"{where} was removed")
        if line.previous_hash != previous:
            return AuditChain(name, sequence, f"{where} does not follow from the line before it")
        if line.hash != hash_of(line):
            return AuditChain(name, sequence, f"{where} was changed")
        sequence, previous = line.sequence, line.hash
    return AuditChain(name, sequence, _end(head, sequence, previous))


def _end(head: AuditChainHead | None, sequence: int, previous: str) -> str:
    if head is None:
        return "the record of its last line was removed"
    recorded = _read(head)
    if recorded is None:
        return "the record of its last line was changed"
    if recorded != (sequence, previous):
        return f"it ends with line {sequence}, and line {recorded[0]} was written last"
    return ""


def _read(head: AuditChainHead) -> tuple[int, str] | None:
    """Sequence and hash of the last entry; ``None`` if the portal did not write this head."""
    try:
        number, last = head.last.reveal().split()
        return int(number), last
    except (SecretUnreadable, ValueError):
        return None
