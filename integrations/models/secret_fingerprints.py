"""Fingerprints of the secrets that the hosts have started with, by which a host with others is found."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import UniqueConstraint
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.encryption import rotation
from integrations.encryption.blind_index import fingerprint, key_fingerprints

#: As many rows of each table are read before the first fingerprint is recorded.
_CHECKED_ROWS = 100


class SecretFingerprint(models.Model):
    """One row for the ``SECRET_KEY`` of the host that started last, and one for each encryption key that was
    a host's first since the last complete rotation: every host must read what it has encrypted."""

    class Differs(Exception):
        """This host has other secrets than the other hosts. The text is for operators."""

    class Name(models.TextChoices):
        SECRET_KEY = "SECRET_KEY"  # nosec B105 # noqa: S105 - the name of a setting
        FIELD_ENCRYPTION_KEYS = "FIELD_ENCRYPTION_KEYS"

    name = models.CharField(_("setting"), max_length=30, choices=Name)
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)

    class Meta:
        verbose_name = _("fingerprint of a secret")
        verbose_name_plural = _("fingerprints of secrets")
        default_permissions = ()
        constraints: ClassVar = [
            UniqueConstraint(name="one_row_for_each_fingerprint", fields=["name", "fingerprint"])
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.fingerprint[:8]}"

    @classmethod
    @transaction.atomic
    def compare_and_record(cls) -> None:
        """Called by each process that starts. Raises ``Differs``. Does nothing on SQLite, which only one
        host can use."""
        if connection.vendor == "sqlite":
            return
        with connection.cursor() as cursor:
            # The first hosts may start at the same time.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('portal secret fingerprints'))")
        known = cls._known(cls.Name.FIELD_ENCRYPTION_KEYS)
        if known - set(key_fingerprints()) or (not known and rotation.unreadable(most=_CHECKED_ROWS)):
            raise cls.Differs(
                f"{_with_origin(cls.Name.FIELD_ENCRYPTION_KEYS)} lacks a key that the database needs. Add "
                "the key of the other hosts. One that is being replaced may be removed as soon as `manage.py "
                "rotate_encryption_keys` says so."
            )
        known = cls._known(cls.Name.SECRET_KEY)
        own = {_secret_key(), *(fingerprint("SECRET_KEY", each) for each in settings.SECRET_KEY_FALLBACKS)}
        if known and not known & own:
            raise cls.Differs(
                f"{_with_origin(cls.Name.SECRET_KEY)} is not that of the other hosts: people would be signed "
                "out whenever another host answers. Give it their SECRET_KEY. To replace that, keep the old "
                "one in SECRET_KEY_FALLBACKS; if it is lost, run `manage.py replace_secret_key`."
            )
        cls._record(cls.Name.FIELD_ENCRYPTION_KEYS, key_fingerprints()[0])
        cls.replace_secret_key()

    @classmethod
    @transaction.atomic
    def replace_secret_key(cls) -> None:
        """From now on, hosts need the ``SECRET_KEY`` of this one."""
        cls._of(cls.Name.SECRET_KEY).exclude(fingerprint=_secret_key()).delete()
        cls._record(cls.Name.SECRET_KEY, _secret_key())

    @classmethod
    def drop_replaced_keys(cls) -> None:
        """From now on, hosts need only the first key of this one, which encrypts everything."""
        cls._record(cls.Name.FIELD_ENCRYPTION_KEYS, key_fingerprints()[0])
        cls._of(cls.Name.FIELD_ENCRYPTION_KEYS).exclude(fingerprint=key_fingerprints()[0]).delete()

    @classmethod
    def _of(cls, name: Name) -> "models.QuerySet[Self]":
        return cls.objects.filter(name=name)

    @classmethod
    def _known(cls, name: Name) -> set[str]:
        return set(cls._of(name).values_list("fingerprint", flat=True))

    @classmethod
    def _record(cls, name: Name, fingerprint: str) -> None:
        cls.objects.get_or_create(name=name, fingerprint=fingerprint)


def _secret_key() -> str:
    return fingerprint("SECRET_KEY", settings.SECRET_KEY)


def _with_origin(name: str) -> str:
    """The setting, and where this host has it from."""
    generated: dict[str, str] = settings.GENERATED_SECRETS
    where = f"generated in {generated[name]}" if name in generated else "from its environment"
    return f"{name} of this host ({where})"
