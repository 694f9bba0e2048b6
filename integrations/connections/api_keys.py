"""The keys of a connection: finding, saving and selecting them."""

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.compiled import CompiledQuery
from integrations.connections.key_rotation import mark_used, mark_verification_key_used
from integrations.connections.pauses import resume
from integrations.encryption.blind_index import blind_indexes
from integrations.encryption.secrets import Secret, can_be_read
from integrations.models import AshbyApiKey, Connection, PreviousVerificationKey

_with_key_index = CompiledQuery(
    lambda index: Connection.objects.filter(verification_key_index=index), models.CharField()
)


def find_by_verification_key(key: str) -> Connection | None:
    """Return the connection whose present or previous verification key this is, or ``None``. Records the use
    of the key."""
    indexes = blind_indexes(key.strip())
    for index in indexes:
        for connection in _with_key_index(index):
            mark_verification_key_used(connection)
            return connection
    keys = PreviousVerificationKey.objects.filter(key_index__in=indexes)
    if previous := keys.select_related("organization__connection").first():
        mark_used(previous)
        return previous.organization.connection
    return None


def set_verification_key(connection: Connection, key: Secret, who: str) -> None:
    """Set the key, the actor and the time on the instance. The caller validates it, and saves it with
    ``save_with_verification_key``."""
    connection.verification_key = key
    connection.verification_key_set_by, connection.verification_key_set_at = who, timezone.now()


@transaction.atomic
def save_with_verification_key(connection: Connection) -> None:
    """Save the connection. If its verification key has changed, the old one becomes a previous key, which
    stays valid until it is retired (``key_rotation.py``)."""
    before = Connection.objects.select_for_update().filter(pk=connection.pk).first()
    key = connection.verification_key
    indexes = blind_indexes(key.reveal()) if key else []
    if before and before.verification_key and before.verification_key_index is not None:
        if is_new := before.verification_key_index not in indexes:
            connection.verification_key_first_used_at = connection.verification_key_last_used_at = None
        if is_new and key and can_be_read(before.verification_key):
            PreviousVerificationKey.objects.create(
                organization=connection.organization,
                key=before.verification_key,
                set_by=before.verification_key_set_by,
                set_at=before.verification_key_set_at,
                first_used_at=before.verification_key_first_used_at,
                last_used_at=before.verification_key_last_used_at,
                replaced_at=timezone.now(),
            )
    if key:
        # An organization may go back to a previous key.
        connection.organization.previous_verification_keys.filter(key_index__in=indexes).delete()
    connection.save()


@transaction.atomic
def add_ashby_key(connection: Connection, key: str, name: str = "", who: str = "") -> AshbyApiKey:
    """Add the key, unless the organization has it already, and select it. Raises ``ValidationError``."""
    key = key.strip()
    if not key:
        raise ValidationError(_("Paste the key that Ashby showed."))
    keys = connection.organization.ashby_api_keys
    known = keys.filter(key_index__in=blind_indexes(key)).first()
    known = known or AshbyApiKey(organization=connection.organization)
    known.key = Secret(key)
    known.name = name or known.name or f"Added {timezone.localdate():%Y-%m-%d}"
    known.set_by, known.set_at = who, timezone.now()
    select_ashby_key(known)
    return known


@transaction.atomic
def select_ashby_key(key: AshbyApiKey) -> None:
    """Select this key, and save it. Paused deliveries resume, in order: if Ashby refuses this key too, the
    first answer pauses them again."""
    organization = key.organization
    # Locks the row for ``key_was_replaced``.
    Connection.objects.select_for_update().filter(organization=organization).first()
    replaced = organization.ashby_api_keys.filter(is_selected=True).exclude(pk=key.pk)
    replaced.update(is_selected=False, replaced_at=timezone.now())
    key.is_selected, key.replaced_at = True, None
    key.save()
    resume(organization)


def key_was_replaced(connection: Connection, key: str) -> bool:
    """Whether the organization has selected another Ashby key than ``key``.

    Call it in a transaction: it locks the connection, so that no key is selected until the end. Otherwise a
    refusal of the old key could pause deliveries that the new key has resumed.
    """
    Connection.objects.select_for_update().get(pk=connection.pk)
    selected = connection.selected_ashby_key
    return selected is not None and selected.key_index not in blind_indexes(key)
