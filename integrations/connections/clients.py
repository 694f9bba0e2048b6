"""The partners' clients with an organization's keys."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from integrations.ashby.client import AshbyClient
from integrations.compiled import CompiledQuery
from integrations.connections.key_rotation import mark_used, mark_verification_key_used
from integrations.encryption.secrets import Secret, SecretUnreadable, can_be_read
from integrations.http.errors import CallFailed, NotSent, Unauthorized
from integrations.justifacts.client import JustifactsClient
from integrations.models import AshbyApiKey, Connection, PreviousVerificationKey

#: How many replaced keys a client tries after the present one.
_FALLBACK_KEYS = 2


#: The selected key and the replaced ones, the newest of those first.
_ashby_keys = CompiledQuery(
    lambda organization: (
        AshbyApiKey.objects.filter(organization=organization)
        .filter(Q(is_selected=True) | Q(replaced_at__isnull=False))
        .order_by("-replaced_at")
    ),
    models.BigIntegerField(),
)
_previous_keys = CompiledQuery(
    lambda organization: PreviousVerificationKey.objects.filter(organization=organization),
    models.BigIntegerField(),
)


def ashby_client(connection: Connection) -> AshbyClient:
    """Return a client with the selected key, which falls back to replaced keys. Raises ``Unauthorized`` if no
    key is selected or it cannot be read."""
    keys = _ashby_keys(connection.organization_id)
    key = next((row for row in keys if row.is_selected), None)
    if key is None:
        raise Unauthorized(
            f"{connection.organization} has no Ashby API key in use. An admin of it has to add one."
        )
    secret = _readable(key.key, Unauthorized)
    rows = [key, *_last_replaced(row for row in keys if not row.is_selected)]
    others = tuple(row.key.reveal() for row in rows[1:])
    return AshbyClient(settings.ASHBY_API_BASE_URL, secret, others, lambda used: mark_used(rows[used]))


def justifacts_client(connection: Connection) -> JustifactsClient:
    """Return a client with the verification key, which falls back to previous keys. Raises ``NotSent`` if
    there is no key or it cannot be read."""
    if not connection.verification_key:
        raise NotSent(f"{connection.organization} has no verification key. An admin of it has to enter it.")
    secret = _readable(connection.verification_key, NotSent)
    rows = _last_replaced(_previous_keys(connection.organization_id))
    others = tuple(row.key.reveal() for row in rows)

    def used(position: int) -> None:
        if position:
            mark_used(rows[position - 1])
        else:
            mark_verification_key_used(connection)

    return JustifactsClient(connection.staging_base_url, secret, others, used)


def _last_replaced(rows: Iterable[Any]) -> list[Any]:
    """Older keys are not tried, because each attempt counts against the partner's rate limit."""
    return list(islice((row for row in rows if can_be_read(row.key)), _FALLBACK_KEYS))


def _readable(secret: Secret, failure: type[CallFailed]) -> str:
    try:
        return secret.reveal()
    except SecretUnreadable as error:
        raise failure(str(error)) from None
