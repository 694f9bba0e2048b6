"""Creating or updating an organization with its connection, for commands."""

from django.db import transaction
from django.utils.text import slugify

from integrations.connections.api_keys import add_ashby_key, save_with_verification_key, set_verification_key
from integrations.encryption.secrets import Secret
from integrations.models import Connection, Organization


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
    """Create the organization, or update it (found by ``slug``, otherwise by ``name``). Empty values change
    nothing.

    Surrounding white space is removed. ``who`` is recorded as the one who set the keys. Raises
    ``ValidationError``.
    """
    known = Organization.objects.filter(slug=slug) if slug else Organization.objects.filter(name=name)
    organization = known.first() or Organization(slug=slug or slugify(name))
    organization.name = name
    organization.full_clean()
    organization.save()
    # Locked, because ``save`` writes the whole row and must not overwrite a worker's change, such as a pause.
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
