"""Connecting an organization: its keys and addresses, and the health of both sides."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .ashby.client import AshbyClient, KeyInfo
from .errors import CallFailed, NotSent, Unauthorized
from .fields import Secret, SecretUnreadable, blind_indexes, can_be_read
from .justifacts.client import JustifactsClient
from .key_rotation import note_use, note_use_of_verification_key
from .models import AshbyApiKey, Connection, Organization, RetiringVerificationKey
from .pauses import resume
from .sides import problem

_TRIED_AFTER_THE_FIRST = 2


def ashby_client(connection: Connection) -> AshbyClient:
    """A client with the org's selected key, which falls back to those that it has replaced. Raises
    ``Unauthorized`` where there is none to use."""
    key = connection.selected_ashby_key
    if key is None:
        raise Unauthorized(
            f"{connection.organization} has no Ashby API key in use. An admin of it has to add one."
        )
    secret = _readable(key.key, Unauthorized)
    replaced = connection.organization.ashby_api_keys.exclude(superseded_at=None).filter(is_selected=False)
    rows = [key, *_last_replaced(replaced.order_by("-superseded_at"))]
    others = tuple(row.key.reveal() for row in rows[1:])
    return AshbyClient(settings.ASHBY_API_BASE_URL, secret, others, lambda used: note_use(rows[used]))


def justifacts_client(connection: Connection) -> JustifactsClient:
    """A client with the org's verification key, which falls back to those that it has replaced. Raises
    ``NotSent`` where there is none to use."""
    if not connection.verification_key:
        raise NotSent(f"{connection.organization} has no verification key. An admin of it has to enter it.")
    secret = _readable(connection.verification_key, NotSent)
    rows = _last_replaced(connection.organization.retiring_verification_keys.all())
    others = tuple(row.key.reveal() for row in rows)

    def used(position: int) -> None:
        if position:
            note_use(rows[position - 1])
        else:
            note_use_of_verification_key(connection)

    return JustifactsClient(connection.staging_base_url, secret, others, used)


def _last_replaced(rows: Iterable[Any]) -> list[Any]:
    """Older ones are not tried: each costs a call of the other side's budget."""
    return list(islice((row for row in rows if can_be_read(row.key)), _TRIED_AFTER_THE_FIRST))


def readable_verification_key(connection: Connection) -> str:
    """The verification key itself. Raises ``NotSent`` where it cannot be read."""
    return _readable(connection.verification_key, NotSent)


def _readable(secret: Secret, failure: type[CallFailed]) -> str:
    try:
        return secret.reveal()
    except SecretUnreadable as error:
        raise failure(str(error)) from None


def find_by_verification_key(key: str) -> Connection | None:
    """The connection whose verification key this is, or was until another one took its place; found by
    keyed hash, and written down as used."""
    indexes = blind_indexes(key.strip())
    if connection := Connection.objects.filter(verification_key_index__in=indexes).first():
        note_use_of_verification_key(connection)
        return connection
    replaced = RetiringVerificationKey.objects.filter(key_index__in=indexes)
    if retiring := replaced.select_related("organization__connection").first():
        note_use(retiring)
        return retiring.organization.connection
    return None


@transaction.atomic
def connect(
    name: str,
    *,
    slug: str = "",
    verification_key: str = "",
    ashby_key: str = "",
    staging_base_url: str = "",
    who: str = "",
) -> Connection:
    """Creates the org, or updates it (found by its slug, else by its name), with what is given.

    Secrets may carry the blanks and newlines of a paste. Raises ``ValidationError``.
    """
    organization = (
        Organization.objects.filter(slug=slug).first()
        if slug
        else Organization.objects.filter(name=name).first()
    ) or Organization(slug=slug or slugify(name))
    organization.name = name
    organization.full_clean()
    organization.save()
    # Locked, since the whole row is saved: what a worker writes meanwhile, such as a pause, must stay.
    rows = Connection.objects.select_for_update().filter(organization=organization)
    connection = rows.first() or Connection(organization=organization)
    if verification_key.strip():
        set_verification_key(connection, Secret(verification_key.strip()), who)
    if staging_base_url.strip():
        connection.staging_base_url = staging_base_url.strip()
    connection.full_clean()
    save_with_verification_key(connection)
    if ashby_key.strip():
        add_ashby_key(connection, ashby_key, who=who)
    return connection


def set_verification_key(connection: Connection, key: Secret, who: str) -> None:
    """Writes down the key, who set it and when; the caller validates, and saves with
    ``save_with_verification_key``."""
    connection.verification_key = key
    connection.verification_key_set_by, connection.verification_key_set_at = who, timezone.now()


@transaction.atomic
def save_with_verification_key(connection: Connection) -> None:
    """Saves the connection. Where its verification key is another one than before, the old one goes on
    working beside it, until it is retired (``key_rotation.py``)."""
    before = Connection.objects.select_for_update().filter(pk=connection.pk).first()
    now = timezone.now()
    if before and before.verification_key and before.verification_key_index is not None:
        is_new = not connection.verification_key or before.verification_key_index not in blind_indexes(
            connection.verification_key.reveal()
        )
        if is_new:
            connection.verification_key_first_used_at = connection.verification_key_last_used_at = None
        if is_new and connection.verification_key and can_be_read(before.verification_key):
            RetiringVerificationKey.objects.create(
                organization=connection.organization,
                key=before.verification_key,
                set_by=before.verification_key_set_by,
                set_at=before.verification_key_set_at,
                first_used_at=before.verification_key_first_used_at,
                last_used_at=before.verification_key_last_used_at,
                superseded_at=now,
            )
    if connection.verification_key:
        indexes = blind_indexes(connection.verification_key.reveal())
        # Who goes back to a key that was replaced has it in use again.
        connection.organization.retiring_verification_keys.filter(key_index__in=indexes).delete()
    connection.save()


@transaction.atomic
def add_ashby_key(connection: Connection, key: str, name: str = "", who: str = "") -> AshbyApiKey:
    """Adds the key, or finds it where the org has it already, and selects it. Raises
    ``ValidationError``."""
    key = key.strip()
    if not key:
        raise ValidationError(_("Paste the key that Ashby showed."))
    keys = connection.organization.ashby_api_keys
    known = keys.filter(key_index__in=blind_indexes(key)).first() or AshbyApiKey(
        organization=connection.organization,
        name=name or f"Added {timezone.localdate():%Y-%m-%d}",
    )
    known.key = Secret(key)
    known.name = name or known.name
    known.set_by, known.set_at = who, timezone.now()
    select_ashby_key(known)
    return known


@transaction.atomic
def select_ashby_key(key: AshbyApiKey) -> None:
    """Makes this key the one in use. Paused deliveries go on, in order: the new key may work, and
    if it does not, the first answer pauses them again."""
    organization = key.organization
    # Until then nobody judges by the old one (``key_was_replaced``).
    Connection.objects.select_for_update().filter(organization=organization).first()
    replaced = organization.ashby_api_keys.filter(is_selected=True).exclude(pk=key.pk)
    replaced.update(is_selected=False, superseded_at=timezone.now())
    key.is_selected, key.superseded_at = True, None
    key.save()
    resume(organization)


def key_was_replaced(connection: Connection, key: str) -> bool:
    """Whether the org uses another Ashby key by now. To be asked in a transaction, until whose end nobody
    chooses another: or deliveries were paused for the old key after they had gone on with the new one."""
    Connection.objects.select_for_update().get(pk=connection.pk)
    selected = connection.selected_ashby_key
    return selected is not None and selected.key_index not in blind_indexes(key)


@dataclass(frozen=True)
class Finding:
    """One line of a connection check. ``advice``: it works, and could be better."""

    side: str
    state: str
    text: str

    @property
    def ok(self) -> bool:
        return self.state != "problem"


def check(connection: Connection) -> list[Finding]:
    """Calls both sides now and says, for each, whether it works and what to mend. A working Ashby
    key lets paused deliveries go on."""
    ashby = check_ashby(connection)
    return [*ashby, check_justifacts(connection)]


def check_ashby(connection: Connection) -> list[Finding]:
    """Whether Ashby takes the selected key and lets it write candidates; then, perhaps, advice."""
    now = timezone.now()
    advice: list[Finding] = []
    try:
        info = _key_info(connection)
        finding = Finding(
            "Ashby", "ok", _("The key “%(key)s” works and may update candidates.") % {"key": info.title}
        )
        advice = _advice(info)
    except CallFailed as error:
        finding = Finding("Ashby", "problem", error.message)
    if finding.ok:
        resume(connection.organization)
    _note_check(connection, "ashby", finding, now)
    return [finding, *advice]


def check_justifacts(connection: Connection) -> Finding:
    """Whether Justifacts takes the verification key and answers with its packages."""
    now = timezone.now()
    try:
        finding = Finding("Justifacts", "ok", _list_packages(connection))
    except CallFailed as error:
        finding = Finding("Justifacts", "problem", error.message)
    _note_check(connection, "justifacts", finding, now)
    return finding


def _note_check(connection: Connection, side: str, finding: Finding, now: datetime) -> None:
    changes: dict[str, object] = {"checked_at": now}
    changes |= problem(side, "" if finding.ok else finding.text, now)
    if finding.ok:
        changes[f"{side}_answered_at"] = now
    Connection.objects.filter(pk=connection.pk).update(**changes)


def _key_info(connection: Connection) -> KeyInfo:
    try:
        info = replace(ashby_client(connection), others=()).key_info()
    except Unauthorized as error:
        if error.answer.status is None:
            raise  # Nothing was asked: there is no key to use.
        text = _(
            "Ashby refused the key (%(why)s). In Ashby, Admin > Integrations > API Keys, make a key for "
            "Justifacts with read all and write all, and select it here."
        )
        raise Unauthorized(text % {"why": error.message}) from None
    if not info.may_update_candidates:
        text = _(
            "The key “%(key)s” may not write candidates, so Ashby would refuse every update. In Ashby, "
            "Admin > Integrations > API Keys, give it write all."
        )
        raise Unauthorized(text % {"key": info.title})
    return info


def _advice(info: KeyInfo) -> list[Finding]:
    """A key that could do more than the portal needs is a risk without a use."""
    if not info.unneeded_scopes:
        return []
    few = info.unneeded_scopes[:5] + (["…"] if len(info.unneeded_scopes) > 5 else [])
    text = _(
        "The key may do far more than the portal needs (%(scopes)s). It needs candidates:write, jobs:read "
        "and apiKeys:read. An admin in Ashby can make a key with only these and select it here."
    )
    return [Finding("Ashby", "advice", text % {"scopes": ", ".join(few)})]


def _list_packages(connection: Connection) -> str:
    try:
        packages = replace(justifacts_client(connection), others=()).packages()
    except Unauthorized as error:
        text = _("Justifacts refused the verification key (%(why)s). Enter the key from Justifacts' e-mail.")
        raise Unauthorized(text % {"why": error.message}) from None
    text = ngettext(
        "The verification key works; Justifacts offers %(count)d package.",
        "The verification key works; Justifacts offers %(count)d packages.",
        len(packages.entries),
    )
    return f"{text % {'count': len(packages.entries)}} {packages.problem}".rstrip()
