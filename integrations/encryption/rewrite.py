"""Encrypts, re-encrypts or decrypts stored candidates' data in place, in batches of short transactions.

An interrupted run can be repeated: finished rows stay as they are. It works on tables and columns, not on
models, so a migration can use it whatever the models are by then.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from integrations.encryption.fields import PersonalJSONField, PersonalTextField
from integrations.encryption.secrets import Secret, can_be_read, is_token, is_under_first_key
from integrations.redaction import MASK

#: Empty values are not encrypted.
_EMPTY = frozenset({None, "", "{}", "[]", "null", '""'})
_Row = Sequence[Any]
#: Returns the new stored text for a stored text (ciphertext or clear), or ``MASK`` to remove the value.
Change = Callable[[str], str]


@dataclass(frozen=True)
class Table:
    """The personal columns of one table. The ciphertext of a JSON column is a JSON string."""

    name: str
    pk: str
    columns: tuple[str, ...]
    json: frozenset[str] = frozenset()

    @classmethod
    def of(cls, model: type[models.Model]) -> "Table":
        fields = model._meta.concrete_fields
        json = {str(field.column) for field in fields if isinstance(field, PersonalJSONField)}
        text = {str(field.column) for field in fields if isinstance(field, PersonalTextField)}
        pk = next(str(field.column) for field in fields if field.primary_key)
        return cls(model._meta.db_table, pk, (*sorted(text), *sorted(json)), frozenset(json))

    def changed(self, row: _Row, change: Change) -> list[Any]:
        """Return the row's values after ``change``, without its primary key."""
        return [
            stored if stored in _EMPTY else _as_stored(change(_inside(stored)), is_json=name in self.json)
            for name, stored in zip(self.columns, row[1:], strict=True)
        ]


def encrypted(text: str) -> str:
    """Return the text encrypted with the first key; ciphertext stays as it is."""
    return text if is_token(text) else Secret(text).encrypted()


def decrypted(text: str) -> str:
    """Return the plain text; clear text stays as it is. Raises ``SecretUnreadable``."""
    return Secret(ciphertext=text).reveal() if is_token(text) else text


def reencrypted(text: str) -> str:
    """Return the text encrypted with the first key. Text that no key can read stays as it is."""
    secret = Secret(ciphertext=text) if is_token(text) else Secret(text)
    if is_token(text) and (is_under_first_key(secret) or not can_be_read(secret)):
        return text
    return Secret(secret.reveal()).encrypted()


def rewrite(connection: BaseDatabaseWrapper, table: Table, change: Change) -> Counter[str]:
    """Apply ``change`` to every value; return the number of changed values by column. Each batch locks its
    rows in a short transaction, so that no concurrent change is overwritten."""
    done: Counter[str] = Counter()
    rows, last = [], None
    while last is None or len(rows) == settings.BATCH_SIZES["personal_data"]:
        with transaction.atomic(using=connection.alias):
            rows = _batch(connection, table, after=last, lock=True)
            changed = [(row, new) for row in rows if (new := table.changed(row, change)) != list(row[1:])]
            _write(connection, table, changed)
        for row, new in changed:
            pairs = zip(table.columns, row[1:], new, strict=True)
            done.update(name for name, before, after in pairs if before != after)
        if not rows:
            break
        last = rows[-1][0]
    return done


def tokens(
    connection: BaseDatabaseWrapper, table: Table, most: int | None = None
) -> Iterator[tuple[str, Secret]]:
    """Yield the column and secret of each ciphertext; only of the first and last ``most`` rows if given."""
    for row in _rows(connection, table, most):
        for name, stored in zip(table.columns, row[1:], strict=True):
            if is_token(text := _inside(stored or "")):
                yield name, Secret(ciphertext=text)


def _rows(connection: BaseDatabaseWrapper, table: Table, most: int | None) -> Iterator[_Row]:
    if most is not None:
        yield from _batch(connection, table, limit=most)
        yield from _batch(connection, table, limit=most, order="DESC")
        return
    rows = _batch(connection, table)
    while rows:
        yield from rows
        rows = _batch(connection, table, after=rows[-1][0])


def _batch(
    connection: BaseDatabaseWrapper,
    table: Table,
    *,
    after: Any = None,
    limit: int | None = None,
    order: str = "ASC",
    lock: bool = False,
) -> list[_Row]:
    quote = connection.ops.quote_name
    limit = settings.BATCH_SIZES["personal_data"] if limit is None else limit
    pk, names = quote(table.pk), ", ".join(map(quote, table.columns))
    where, values = ("", []) if after is None else (f"WHERE {pk} > %s", [after])
    locked = "FOR UPDATE" if lock and connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {pk}, {names} FROM {quote(table.name)} {where} "  # nosec B608 # noqa: S608 - the models' own names
            f"ORDER BY {pk} {order} LIMIT {limit} {locked}",
            values,
        )
        return list(cursor.fetchall())


def _write(connection: BaseDatabaseWrapper, table: Table, rows: list[tuple[_Row, list[Any]]]) -> None:
    quote = connection.ops.quote_name
    sets = ", ".join(f"{quote(name)} = %s" for name in table.columns)
    statement = f"UPDATE {quote(table.name)} SET {sets} WHERE {quote(table.pk)} = %s"  # nosec B608 # noqa: S608 - as above
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, [(*new, row[0]) for row, new in rows])


def _inside(stored: str) -> str:
    """The ciphertext inside a JSON string; any other text unchanged."""
    text = stored[1:-1]
    return text if stored.startswith('"') and is_token(text) else stored


def _as_stored(text: str, *, is_json: bool) -> str:
    if is_json and text == MASK:
        return "{}"
    return f'"{text}"' if is_json and is_token(text) else text
