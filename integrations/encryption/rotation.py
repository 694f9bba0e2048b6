"""Encryption keys change while everything runs: put the new key before the old one in
``FIELD_ENCRYPTION_KEYS``, restart the processes, have everything encrypted anew, then remove the old key.

Which fields are encrypted is asked of the models, so that a new one cannot be forgotten: keys and other
secrets (``fields.py``, looked at one by one), and what is known of candidates (``personal_fields.py``, of
which there is much: in batches).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from integrations.encryption import rewrite
from integrations.encryption.blind_index import blind_index, blind_indexes
from integrations.encryption.fields import EncryptedTextField, PersonalJSONField, PersonalTextField
from integrations.encryption.secrets import Secret, can_be_read, is_token, is_under_first_key
from integrations.redaction import MASK

#: A field of this name beside an encrypted one holds its keyed hash.
_INDEX = "{}_index"
#: An app's secret, and what recovery codes are made from; how they are called, and where they are.
_FACTORS, _SECRET_KEYS = "mfa.Authenticator.data", ("secret", "seed")
_PERSONAL = (PersonalTextField, PersonalJSONField)


def encrypted_fields() -> Iterator[tuple[type[models.Model], str]]:
    """Every encrypted field of every model."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField | PersonalTextField | PersonalJSONField):
                yield model, field.name


def _secrets() -> Iterator[tuple[type[models.Model], str]]:
    for model, name in encrypted_fields():
        if isinstance(model._meta.get_field(name), EncryptedTextField):
            yield model, name


def personal_models() -> list[type[models.Model]]:
    """Those with anything of a candidate's in them."""
    return [
        model
        for model in apps.get_models()
        if any(isinstance(field, _PERSONAL) for field in model._meta.concrete_fields)
    ]


def _may_be_empty(model: type[models.Model], name: str) -> bool:
    return any(field.name == name and field.blank for field in model._meta.concrete_fields)


def rotate() -> Counter[str]:
    """Encrypts with the first key what another one has encrypted; how many, by field. May be stopped and
    run again at any moment, and never writes over what somebody else has changed."""
    done: Counter[str] = Counter()
    for model, field in _secrets():
        for pk, secret in _stored(model, field):
            if can_be_read(secret) and not _is_done(model, field, pk, secret):
                done[_label(model, field)] += _renew(model, field, pk, secret)
    for pk, key, secret in _factors():
        if can_be_read(secret) and not is_under_first_key(secret):
            done[_FACTORS] += _renew_factor(pk, key, secret)
    return done + _rewritten(rewrite.reencrypted)


def count_pending() -> Counter[str]:
    """What the first key alone cannot read or find, by field: while there is any, no other key may go."""
    secrets = Counter(
        _label(model, field)
        for model, field in _secrets()
        for pk, secret in _stored(model, field)
        if not _is_done(model, field, pk, secret)
    )
    return secrets + Counter(
        label for label, secret in _factors_and_personal() if not is_under_first_key(secret)
    )


def not_found() -> Counter[str]:
    """Secrets that can be read and that no look-up finds, by field: their stored hash was made with another
    spelling of a key, which is not in FIELD_ENCRYPTION_KEYS any more. ``rotate`` repairs them."""
    found: Counter[str] = Counter()
    for model, field in _secrets():
        if _has_index(model, field):
            rows = model._default_manager.exclude(**{field: ""}).values_list(field, _INDEX.format(field))
            found[_label(model, field)] = sum(
                can_be_read(secret) and index not in blind_indexes(secret.reveal()) for secret, index in rows
            )
    return +found


def unreadable(most: int | None = None) -> Counter[str]:
    """What no key of ours can read, by field: its key has been removed too early, or is lost. ``most``:
    of candidates' data only the first and last so many rows of each table, which is quick, and tells: a
    rotation goes from the first row to the last."""
    return Counter(label for label, secret in _all(most) if not can_be_read(secret))


def clear_unreadable() -> Counter[str]:
    """Where their key is lost for good: empties such secrets (a row that is nothing without goes), so that
    somebody enters them anew. Of a candidate's data nothing but dots is left."""
    cleared: Counter[str] = Counter()
    for model, field in _secrets():
        for pk, secret in _stored(model, field):
            if can_be_read(secret):
                continue
            row = model._default_manager.filter(pk=pk, **{field: secret})
            if _may_be_empty(model, field):
                cleared[_label(model, field)] += row.update(**{field: Secret(""), **_index(model, field, "")})
            else:
                cleared[_label(model, field)] += row.delete()[0] and 1
    lost = [pk for pk, _key, secret in _factors() if not can_be_read(secret)]
    if lost:
        cleared[_FACTORS] += Authenticator.objects.filter(pk__in=lost).delete()[0]
    return cleared + _rewritten(_dots_for_unreadable)


def _dots_for_unreadable(text: str) -> str:
    return MASK if is_token(text) and not can_be_read(Secret(ciphertext=text)) else text


def _rewritten(change: rewrite.Change) -> Counter[str]:
    done: Counter[str] = Counter()
    for model in personal_models():
        changed = rewrite.rewrite(connection, rewrite.Table.of(model), change)
        done.update({f"{model._meta.label}.{name}": number for name, number in changed.items()})
    return done


def _all(most: int | None = None) -> Iterator[tuple[str, Secret]]:
    for model, field in _secrets():
        for _pk, secret in _stored(model, field):
            yield _label(model, field), secret
    yield from _factors_and_personal(most)


def _factors_and_personal(most: int | None = None) -> Iterator[tuple[str, Secret]]:
    for _pk, _key, secret in _factors():
        yield _FACTORS, secret
    for model in personal_models():
        for name, secret in rewrite.tokens(connection, rewrite.Table.of(model), most):
            yield f"{model._meta.label}.{name}", secret


def _factors() -> Iterator[tuple[int, str, Secret]]:
    """The secrets of people's second factors, which django-allauth keeps in JSON."""
    for row in Authenticator.objects.order_by("pk").iterator(chunk_size=settings.BATCH_SIZES["secrets"]):
        for key in _SECRET_KEYS:
            if ciphertext := row.data.get(key):
                yield row.pk, key, Secret(ciphertext=ciphertext)


@transaction.atomic
def _renew_factor(pk: int, key: str, secret: Secret) -> int:
    row = Authenticator.objects.select_for_update().filter(pk=pk).first()
    if row is None or row.data.get(key) != secret.encrypted():
        return 0
    row.data[key] = Secret(secret.reveal()).encrypted()
    row.save(update_fields=["data"])
    return 1


def _stored(model: type[models.Model], field: str) -> Iterator[tuple[Any, Secret]]:
    """In batches by primary key, so that no long transaction stands open; each as it is now."""
    last: Any = None
    size = settings.BATCH_SIZES["secrets"]
    while True:
        rows = model._default_manager.exclude(**{field: ""}).exclude(**{field: None}).order_by("pk")
        batch = list((rows if last is None else rows.filter(pk__gt=last)).values_list("pk", field)[:size])
        yield from batch
        if len(batch) < size:
            return
        last = batch[-1][0]


def _renew(model: type[models.Model], field: str, pk: Any, secret: Secret) -> int:
    plain = secret.reveal()
    same = model._default_manager.filter(pk=pk, **{field: secret})
    return same.update(**{field: Secret(plain), **_index(model, field, plain)})


def _is_done(model: type[models.Model], field: str, pk: Any, secret: Secret) -> bool:
    if not is_under_first_key(secret):
        return False
    index = _index(model, field, secret.reveal())
    return not index or model._default_manager.filter(pk=pk, **index).exists()


def _index(model: type[models.Model], field: str, plain: str) -> dict[str, str | None]:
    if not _has_index(model, field):
        return {}
    return {_INDEX.format(field): blind_index(plain) if plain else None}


def _has_index(model: type[models.Model], field: str) -> bool:
    return _INDEX.format(field) in {other.name for other in model._meta.concrete_fields}


def _label(model: type[models.Model], field: str) -> str:
    return f"{model._meta.label}.{field}"
