"""Encrypted model fields: ``EncryptedTextField`` for keys, ``PersonalTextField`` and ``PersonalJSONField``
for candidates' data. The database, its backups and fixtures hold ciphertext.

An attribute of a personal field holds the plain text or JSON value. It is decrypted on first access, so a
list that does not show it costs nothing, and ``save()`` keeps the ciphertext of unchanged values. Access
raises ``SecretUnreadable`` if the key is missing. Empty values stay empty, and clear text that an earlier
version stored is read as it is.
"""

import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.lookups import Exact
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_lazy

from integrations.encryption.secrets import Secret, is_token

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class EncryptedTextField(_TextField):
    """The attribute holds a ``Secret``, the database its ciphertext."""

    description = gettext_lazy("Encrypted text")

    def from_db_value(self, value: str | None, *_: object) -> Secret | None:
        return None if value is None else Secret(ciphertext=value) if value else Secret("")

    def to_python(self, value: Any) -> Secret | None:
        return value if value is None or isinstance(value, Secret) else Secret(str(value))

    def get_prep_value(self, value: Any) -> str | None:
        secret = self.to_python(value)
        if secret is None:
            return None
        return secret.encrypted() if secret else ""

    def value_to_string(self, obj: models.Model) -> str:
        """A fixture or export holds the ciphertext."""
        return self.get_prep_value(self.value_from_object(obj)) or ""


#: Ciphertext allows no other look-up; candidates are found by ``search_hashes.py``.
_LOOKUPS = frozenset({"exact", "isnull"})


class _DecryptedAttribute(DeferredAttribute):
    field: Any

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        return self.field.plain(instance, value) if isinstance(value, Secret) else value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class _EmptyOnly(Exact):
    """The same text never encrypts to the same ciphertext, so comparing with a text would silently find
    nothing."""

    def get_prep_lookup(self) -> Any:
        if self.rhs:
            raise FieldError("An encrypted field can only be compared with an empty value.")
        return super().get_prep_lookup()


class _PersonalField(models.Field):
    descriptor_class = _DecryptedAttribute

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The ciphertext as it was read, unless the value has been accessed or set."""
        return model_instance.__dict__.get(self.attname)

    def to_python(self, value: Any) -> Any:
        """A fixture holds the ciphertext."""
        return Secret(ciphertext=value) if is_token(value) else super().to_python(value)

    def value_to_string(self, obj: models.Model) -> Any:
        """A fixture or export holds the ciphertext."""
        return self.get_prep_value(obj.__dict__.get(self.attname))

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name in _LOOKUPS else None

    def get_transform(self, lookup_name: str) -> Any:
        return None


class PersonalTextField(_PersonalField, models.TextField):
    def from_db_value(self, value: str | None, *_: object) -> Any:
        return Secret(ciphertext=value) if is_token(value) else value

    def plain(self, _instance: models.Model, secret: Secret) -> str:
        return secret.reveal()

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Secret):
            return value.encrypted()
        return Secret(str(value)).encrypted() if value else value


class PersonalJSONField(_PersonalField, models.JSONField):
    """The ciphertext is stored as a JSON string, so a clear JSON column needs no change of type."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        stored = super().from_db_value(value, expression, connection)
        return Secret(ciphertext=stored) if is_token(stored) else stored

    def plain(self, instance: models.Model, secret: Secret) -> Any:
        """The instance keeps the decoded value, so that changes in place are saved."""
        value = instance.__dict__[self.attname] = json.loads(secret.reveal(), cls=self.decoder)
        return value

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Secret):
            return value.encrypted()
        return Secret(json.dumps(value, cls=self.encoder)).encrypted() if value else value


PersonalTextField.register_lookup(_EmptyOnly)
PersonalJSONField.register_lookup(_EmptyOnly)
