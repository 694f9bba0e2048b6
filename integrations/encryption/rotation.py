"""Key rotation: put the new key before the old one in ``FIELD_ENCRYPTION_KEYS``, restart the processes,
run ``rotate``, then remove the old key.

The encrypted fields are found in the models, so a new field needs no entry here. Secrets
(``EncryptedTextField``) are rewritten row by row, candidates' data (``PersonalTextField`` and
``PersonalJSONField``), of which there is much, in batches.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
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

#: The field that holds the blind index of an encrypted field.
_INDEX = "{}_index"
#: Where django-allauth keeps the secret of an authenticator app and the seed of recovery codes.
_FACTORS, _SECRET_KEYS = "mfa.Authenticator.data", ("secret", "seed")
_PERSONAL = (PersonalTextField, PersonalJSONField)


def encrypted_fields() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField | PersonalTextField | PersonalJSONField):
                yield model, field.name


def _secrets() -> Iterator[tuple[type[models.Model], str]]:
    for model, name in encrypted_fields():
        if isinstance(model._meta.get_field(name), EncryptedTextField):
            yield model, name


def personal_models() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models()
        if any(isinstance(field, _PERSONAL) for field in model._meta.concrete_fields)
    ]


def rotate() -> Counter[str]:
    """Encrypt with the first key what another key has encrypted, and renew outdated blind indexes.

    Returns the number of values by field. May be stopped and run again at any time; never overwrites a
    change made in the meantime.
    """
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
    """Return how many values the first key alone cannot read or find, by field. While there are any, no
    other key may be removed."""
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
    """Return how many readable secrets no look-up finds, by field: their blind index was derived from a
    spelling of a key that is no longer in ``FIELD_ENCRYPTION_KEYS``. ``rotate`` repairs them."""
    found: Counter[str] = Counter()
    for model, field in _secrets():
        if _has_index(model, field):
            rows = model._default_manager.exclude(**{field: ""}).values_list(field, _INDEX.format(field))
            found[_label(model, field)] = sum(
                can_be_read(secret) and index not in blind_indexes(secret.reveal()) for secret, index in rows
            )
    return +found


def unreadable(most: int | None = None) -> Counter[str]:
    """Return how many values no key can read, by field: their key was removed too early, or is lost.

    ``most`` limits candidates' data to the first and last rows of each table, which is quick and still finds
    an unfinished rotation, because ``rotate`` goes from the first row to the last.
    """
    secrets = ((_label(model, field), row[1]) for model, field in _secrets() for row in _stored(model, field))
    every = chain(secrets, _factors_and_personal(most))
    return Counter(label for label, secret in every if not can_be_read(secret))


def clear_unreadable() -> Counter[str]:
    """Remove what no key can read, for a key that is lost for good. Returns the number by field.

    Secrets become empty, so that people enter them again; a row that needs its secret is deleted. Candidates'
    data becomes a mask.
    """
    cleared: Counter[str] = Counter()
    for model, field in _secrets():
        for pk, secret in _stored(model, field):
            if can_be_read(secret):
                continue
            row = model._default_manager.filter(pk=pk, **{field: secret})
            if any(each.name == field and each.blank for each in model._meta.concrete_fields):
                cleared[_label(model, field)] += row.update(**{field: Secret(""), **_index(model, field, "")})
            else:
                cleared[_label(model, field)] += row.delete()[0] and 1
    lost = [pk for pk, _key, secret in _factors() if not can_be_read(secret)]
    if lost:
        cleared[_FACTORS] += Authenticator.objects.filter(pk__in=lost).delete()[0]
    return cleared + _rewritten(_mask_unreadable)


def _mask_unreadable(text: str) -> str:
    return MASK if is_token(text) and not can_be_read(Secret(ciphertext=text)) else text


def _rewritten(change: rewrite.Change) -> Counter[str]:
    done: Counter[str] = Counter()
    for model in personal_models():
        changed = rewrite.rewrite(connection, rewrite.Table.of(model), change)
        done.update({f"{model._meta.label}.{name}": number for name, number in changed.items()})
    return done


def _factors_and_personal(most: int | None = None) -> Iterator[tuple[str, Secret]]:
    for _pk, _key, secret in _factors():
        yield _FACTORS, secret
    for model in personal_models():
        for name, secret in rewrite.tokens(connection, rewrite.Table.of(model), most):
            yield f"{model._meta.label}.{name}", secret


def _factors() -> Iterator[tuple[int, str, Secret]]:
    """Primary key, JSON key and secret of each second factor, which django-allauth keeps in JSON."""
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
    """Primary key and value of each row, read in batches so that no transaction stays open."""
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
    unchanged = model._default_manager.filter(pk=pk, **{field: secret})
    return unchanged.update(**{field: Secret(plain), **_index(model, field, plain)})


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
