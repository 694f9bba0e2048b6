"""Copies of the orders in the database, with all that belongs to them, by ``INSERT ... SELECT``."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any, Self

from django.db import connection, transaction
from django.db.models import DateTimeField, Model
from django.utils import timezone

from assessments.models import (
    AshbyUpdate,
    CallAttempt,
    CandidateSearchTerm,
    InboundRequest,
    Order,
    OrderEvent,
)
from assessments.statuses import ENDED
from benchmarks.fill.names import Names, address_terms
from integrations.encryption.search_hashes import marker
from integrations.encryption.secrets import Secret

OPEN_SHARE = 0.06
_YEAR = 365 * 24 * 3600
_CHILDREN: tuple[type[Model], ...] = (OrderEvent, AshbyUpdate, CallAttempt, InboundRequest)
_COPIED: tuple[type[Model], ...] = (Order, *_CHILDREN, CandidateSearchTerm)
#: More than an order has of any kind of row: a copy's rows get this many ids of their own.
_IDS_PER_ORDER = 64
_COPY_COLUMNS = {
    "n": "bigint",
    "template": "uuid",
    "id": "uuid",
    "moved": "double precision",
    "first_name": "integer",
    "last_name": "integer",
    "address": "text",
    "address_term": "bigint",
}


class Copies:
    """Makes ``count`` copies in portions. Meanwhile the tables have no triggers and only those indexes that
    belong to a constraint."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._rng = Random(2)  # nosec B311 # noqa: S311 - reproducible; not for secrets
        self._names = Names(self._rng)
        self._is_postgresql = connection.vendor == "postgresql"
        orders = list(Order.objects.values_list("pk", "status", "created_at"))
        self._ended = [(pk, created) for pk, status, created in orders if status in ENDED]
        self._open = [(pk, created) for pk, status, created in orders if status not in ENDED]
        self._plan = self._planned()

    def __enter__(self) -> Self:
        self._first_ids = {model: (model._default_manager.latest("pk").pk + 1) for model in _CHILDREN}
        self._execute("SET session_replication_role = replica", "SET synchronous_commit = off")
        if not self._is_postgresql:
            connection.cursor().execute("PRAGMA synchronous = OFF")
        self._make_tables()
        self._indexes = self._definitions("index")
        self._triggers = [] if self._is_postgresql else self._definitions("trigger")
        for kind, found in (("TRIGGER", self._triggers), ("INDEX", self._indexes)):
            for name, _sql in found:
                connection.cursor().execute(f'DROP {kind} "{name}"')
        return self

    def insert(self, first: int, last: int) -> None:
        """Insert the copies with these numbers, with all their rows."""
        with transaction.atomic(), connection.cursor() as cursor:
            self._write("copied", _COPY_COLUMNS, self._copies(first, last))
            self._insert_rows(cursor, Order, "t.assessment_id = c.template", self._values_of_order())
            for model in _CHILDREN:
                self._insert_rows(cursor, model, "t.order_id = c.template", self._values_of_child(model))
            for selected in (
                "SELECT c.id, n.term FROM copied c JOIN first_terms n ON n.name = c.first_name",
                "SELECT c.id, n.term FROM copied c JOIN last_terms n ON n.name = c.last_name",
                "SELECT id, address_term FROM copied",
                f"SELECT id, {marker()} FROM copied",  # nosec B608 # noqa: S608 - a number
            ):
                cursor.execute(f"INSERT INTO {_table(CandidateSearchTerm)} (order_id, term) {selected}")
            cursor.execute("DELETE FROM copied")

    def __exit__(self, *_error: object) -> None:
        for _name, sql in (*self._indexes, *self._triggers):
            connection.cursor().execute(sql)
        for model in (*_CHILDREN, CandidateSearchTerm):
            table = _table(model)
            sequence = f"pg_get_serial_sequence('{table}', 'id')"
            self._execute(f"SELECT setval({sequence}, (SELECT max(id) FROM {table}))")  # nosec B608 # noqa: S608 - our own table
        self._execute("SET session_replication_role = DEFAULT", "VACUUM ANALYZE")
        if not self._is_postgresql:
            connection.cursor().execute("ANALYZE")

    def _planned(self) -> list[tuple[uuid.UUID, float]]:
        """The template of each copy and how many seconds it is moved into the past, the oldest first."""
        now, planned = timezone.now(), []
        for _ in range(self.count):
            is_open = self._rng.random() < OPEN_SHARE
            template, created = self._rng.choice(self._open if is_open else self._ended)
            moved = 0.0 if is_open else self._rng.random() * _YEAR
            planned.append((now - created + timedelta(seconds=moved), template, moved))
        planned.sort(key=lambda plan: plan[0], reverse=True)
        return [(template, moved) for _age, template, moved in planned]

    def _copies(self, first: int, last: int) -> Iterator[tuple[Any, ...]]:
        for n in range(first, last + 1):
            template, moved = self._plan[n - 1]
            first_name, last_name = self._names.draw()
            names = self._names.first[first_name].text, self._names.last[last_name].text
            address = f"{'.'.join(names).lower()}{n}@example.com"
            key = uuid.UUID(int=self._rng.getrandbits(128), version=4)
            yield (
                *(n, self._uuid(template), self._uuid(key), moved, first_name, last_name),
                *(Secret(address).encrypted(), address_terms(address)[0]),
            )

    def _values_of_order(self) -> dict[str, str]:
        unique, number = "'copy-' || c.n", "'JF-' || (10000000 + c.n)"
        return {
            "assessment_id": "c.id",
            "justifacts_order_id": f"CASE t.justifacts_order_id WHEN '' THEN '' ELSE {number} END",
            "application_id": unique,
            "candidate_id": unique,
            "candidate_first_name": "(SELECT ciphertext FROM first_names WHERE name = c.first_name)",
            "candidate_last_name": "(SELECT ciphertext FROM last_names WHERE name = c.last_name)",
            "candidate_email": "c.address",
        }

    def _values_of_child(self, model: type[Model]) -> dict[str, str]:
        first = f"{self._first_ids[model]} + c.n * {_IDS_PER_ORDER}"
        values = {"order_id": "c.id", "id": f"{first} + t.place"}
        if model in (CallAttempt, InboundRequest):
            values["request_id"] = "CASE t.request_id WHEN '' THEN '' ELSE t.request_id || '-' || c.n END"
        if model is CallAttempt:
            updates = f"{self._first_ids[AshbyUpdate]} + c.n * {_IDS_PER_ORDER}"
            place = f"SELECT place FROM {_template(AshbyUpdate)} u WHERE u.id = t.update_id"  # nosec B608 # noqa: S608 - our own table
            values["update_id"] = f"{updates} + ({place})"
        return values

    def _insert_rows(self, cursor: Any, model: type[Model], joined: str, values: dict[str, str]) -> None:
        columns = [field.column for field in model._meta.concrete_fields]
        moved = {field.column for field in model._meta.concrete_fields if isinstance(field, DateTimeField)}
        selected = [
            values.get(column) or (self._moved(column) if column in moved else f't."{column}"')
            for column in columns
        ]
        names = ", ".join(f'"{column}"' for column in columns)
        cursor.execute(
            f"INSERT INTO {_table(model)} ({names}) "  # nosec B608 # noqa: S608 - names of our own columns
            f"SELECT {', '.join(selected)} FROM copied c JOIN {_template(model)} t ON {joined}"
        )

    def _moved(self, column: str) -> str:
        if self._is_postgresql:
            return f"t.\"{column}\" - c.moved * interval '1 second'"
        return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', t.\"{column}\", '-' || c.moved || ' seconds')"

    def _make_tables(self) -> None:
        """The templates, numbered within their order, and the names."""
        with connection.cursor() as cursor:
            for model in (Order, *_CHILDREN):
                key, order = model._meta.pk.column, "assessment_id" if model is Order else "order_id"
                cursor.execute(
                    f"CREATE TEMPORARY TABLE {_template(model)} AS SELECT *, row_number() "  # nosec B608 # noqa: S608 - names of our own
                    f"OVER (PARTITION BY {order} ORDER BY {key}) AS place FROM {_table(model)}"
                )
                cursor.execute(f"CREATE INDEX {_template(model)}_order ON {_template(model)} ({order})")
                cursor.execute(f"CREATE INDEX {_template(model)}_key ON {_template(model)} ({key})")
        for kind, names in (("first", self._names.first), ("last", self._names.last)):
            self._write(
                f"{kind}_names",
                {"name": "integer PRIMARY KEY", "ciphertext": "text"},
                ((place, name.ciphertext) for place, name in enumerate(names)),
            )
            terms = ((place, term) for place, name in enumerate(names) for term in name.terms)
            self._write(f"{kind}_terms", {"name": "integer", "term": "bigint"}, terms)
            connection.cursor().execute(f"CREATE INDEX {kind}_terms_name ON {kind}_terms (name)")
        for table in (
            "first_names",
            "first_terms",
            "last_names",
            "last_terms",
            *map(_template, (Order, *_CHILDREN)),
        ):
            self._execute(f"ANALYZE {table}")

    def _write(self, table: str, columns: dict[str, str], rows: Iterator[tuple[Any, ...]]) -> None:
        definition = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({definition})")
            if self._is_postgresql:
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                places = ", ".join(["%s"] * len(columns))
                cursor.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # nosec B608 # noqa: S608 - names of our own

    def _definitions(self, kind: str) -> list[tuple[str, str]]:
        """Name and SQL of the indexes without a constraint, or of SQLite's triggers, of the copied tables."""
        found: list[tuple[str, str]] = []
        with connection.cursor() as cursor:
            for model in _COPIED:
                cursor.execute(
                    "SELECT i.relname, pg_get_indexdef(i.oid) "
                    "FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
                    "WHERE x.indrelid = %s::regclass AND NOT x.indisunique"
                    if self._is_postgresql
                    else f"SELECT name, sql FROM sqlite_master WHERE tbl_name = %s AND type = '{kind}' "  # nosec B608 # noqa: S608 - names of our own
                    "AND sql IS NOT NULL AND sql NOT LIKE 'CREATE UNIQUE%%'",
                    [_table(model)],
                )
                found += cursor.fetchall()
        return found

    def _uuid(self, key: uuid.UUID) -> Any:
        return key if self._is_postgresql else key.hex

    def _execute(self, *statements: str) -> None:
        """Execute statements that only PostgreSQL has."""
        if self._is_postgresql:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)


def _table(model: type[Model]) -> str:
    return model._meta.db_table


def _template(model: type[Model]) -> str:
    return f"template_{model._meta.model_name}"
