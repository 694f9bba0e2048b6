"""What is known of a candidate, encrypted at rest: the database, its copies and its files hold ciphertext,
and an attribute of a row holds the text or the JSON value itself.

It is decrypted when it is read and not before, so that a list that shows none of it costs nothing, and a row
that is saved keeps the ciphertext of what nobody has changed. The keys are those of ``fields.py``; a value
under a key that is not there raises ``SecretUnreadable`` when it is read. What is empty stays empty, and
what was stored in clear by an earlier version is read as it stands.
"""

import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.lookups import Exact
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_lazy

from integrations.encryption.secrets import Secret, _TextField, is_token

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class EncryptedTextField(_TextField):
    """Holds a ``Secret``; the database holds ciphertext."""

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


#: Of ciphertext, nothing else can be asked; candidates are found by ``search_terms.py``.
_LOOKUPS = frozenset({"exact", "isnull"})


class _Plain(DeferredAttribute):
    field: Any

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        return self.field.plain(instance, value) if isinstance(value, Secret) else value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class _OnlyWhetherEmpty(Exact):
    """Encrypting makes another ciphertext each time, so that comparing would silently find nothing."""

    def get_prep_lookup(self) -> Any:
        if self.rhs:
            raise FieldError("An encrypted field can only be compared with what is empty.")
        return super().get_prep_lookup()


class _Personal(models.Field):
    descriptor_class = _Plain

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The ciphertext as it was read, if nobody has changed it."""
        return model_instance.__dict__.get(self.attname)

    def to_python(self, value: Any) -> Any:
        """From a fixture."""
        return Secret(ciphertext=value) if is_token(value) else super().to_python(value)

    def value_to_string(self, obj: models.Model) -> Any:
        """A fixture or export holds the ciphertext."""
        return self.get_prep_value(obj.__dict__.get(self.attname))

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name in _LOOKUPS else None

    def get_transform(self, lookup_name: str) -> Any:
        return None


class PersonalTextField(_Personal, models.TextField):
    def from_db_value(self, value: str | None, *_: object) -> Any:
        return Secret(ciphertext=value) if is_token(value) else value

    def plain(self, _instance: models.Model, secret: Secret) -> str:
        return secret.reveal()

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Secret):
            return value.encrypted()
        return Secret(str(value)).encrypted() if value else value


class PersonalJSONField(_Personal, models.JSONField):
    """Its ciphertext is a string of JSON, so that a column of clear JSON becomes one of these as it is."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        stored = super().from_db_value(value, expression, connection)
        return Secret(ciphertext=stored) if is_token(stored) else stored

    def plain(self, instance: models.Model, secret: Secret) -> Any:
        """From now on the row holds the value itself, which may be changed in its place."""
        value = instance.__dict__[self.attname] = json.loads(secret.reveal(), cls=self.decoder)
        return value

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Secret):
            return value.encrypted()
        return Secret(json.dumps(value, cls=self.encoder)).encrypted() if value else value


PersonalTextField.register_lookup(_OnlyWhetherEmpty)


PersonalJSONField.register_lookup(_OnlyWhetherEmpty)
