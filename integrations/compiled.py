"""Statements whose SQL is made once, for the calls of the partner protocol.

Django builds and compiles a query set again each time it is used, which takes more processor time than the
database needs for the answer. So the few statements that run in each call are compiled at their first use,
and PostgreSQL prepares them, which saves it the parsing and planning (``docs/performance.md``, "A start").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, NotSupportedError, connections
from django.db.models import AutoField, Expression, Field, Model, QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


class _Given(Expression):
    """Stands in a query set for a value that each execution gives."""

    def __init__(self, position: int, field: "Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.position = position

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


@dataclass(frozen=True)
class _Plan:
    sql: str
    parameters: list[Any]
    columns: list[str]
    annotations: list[tuple[str, int]]
    converters: list[tuple[int, list[Callable[..., Any]], Any]]
    #: Of ``select_related``.
    populators: list[Any]


class CompiledQuery(Generic[M]):
    """The rows of a query set. ``build`` gets a stand-in for each of the ``fields``, and returns a query set;
    a call gives the values. The rows are as Django's own.

    In a transaction it is compiled once, too, but not prepared: after a migration of a column, PostgreSQL
    would abort the transaction. Nor is it without ``is_prepared``.
    """

    def __init__(
        self, build: Callable[..., QuerySet[M]], *fields: "Field[Any, Any]", is_prepared: bool = True
    ) -> None:
        self._build, self._fields, self._is_prepared = build, fields, is_prepared
        self._plans: dict[str, _Plan] = {}
        self._model: type[M]

    def __call__(self, *values: object) -> list[M]:
        database = connections[DEFAULT_DB_ALIAS]
        plan = self._plans.get(database.vendor) or self._compile(database)
        given = [
            field.get_db_prep_value(value, database)
            for field, value in zip(self._fields, values, strict=True)
        ]
        parameters = [given[part.position] if isinstance(part, _Given) else part for part in plan.parameters]
        try:
            found = self._found(database, plan.sql, parameters)
        except NotSupportedError:
            # A migration has changed a column since PostgreSQL prepared the statement on this connection.
            with database.cursor() as cursor:
                cursor.execute("DEALLOCATE ALL")
            found = self._found(database, plan.sql, parameters)
        for position, converters, column in plan.converters:
            for number, row in enumerate(found):
                found[number] = row = list(row)
                for convert in converters:
                    row[position] = convert(row[position], column, database)
        return [self._row(plan, row, database.alias) for row in found]

    def _found(self, database: Any, sql: str, parameters: list[Any]) -> list[Any]:
        is_prepared = self._is_prepared and not database.in_atomic_block
        with _cursor(database) if is_prepared else database.cursor() as cursor:
            cursor.execute(sql, parameters)
            found: list[Any] = cursor.fetchall()
        return found

    def _row(self, plan: _Plan, values: Sequence[Any], alias: str) -> M:
        row = self._model.from_db(alias, plan.columns, values[: len(plan.columns)])
        for populator in plan.populators:
            populator.populate(values, row)
        for name, position in plan.annotations:
            setattr(row, name, values[position])
        return row

    def _compile(self, database: Any) -> _Plan:
        rows = self._build(*(_Given(*numbered) for numbered in enumerate(self._fields)))
        compiler = rows.query.get_compiler(connection=database)
        sql, parameters = compiler.as_sql()
        selected = [column for column, _, _ in compiler.select]
        # The model's own columns come first.
        own = compiler.klass_info["select_fields"]
        converters = compiler.get_converters(selected).items()
        annotations = (compiler.annotation_col_map or {}).items()
        self._model = rows.model
        plan = self._plans[database.vendor] = _Plan(
            sql,
            list(parameters),
            [selected[position].target.attname for position in own],
            list(annotations),
            [(position, *found) for position, found in converters],
            # The stubs are those of a later Django.
            get_related_populators(compiler.klass_info, compiler.select, database.alias),  # type: ignore[call-arg]
        )
        return plan


@dataclass(frozen=True)
class Rows:
    """Several rows of a model, without an instance for each: ``each`` are the values of the ``column``, and
    ``common`` those that all rows have, by field name."""

    model: type[Model]
    common: dict[str, Any]
    column: str
    each: Sequence[Any]


def insert(*tables: Model | Rows) -> None:
    """Insert these rows. Keys that the database generates are not read back.

    On PostgreSQL this is one statement, so one round trip.
    """
    database = connections[DEFAULT_DB_ALIAS]
    tables = tuple(table for table in tables if isinstance(table, Model) or table.each)
    statements = [
        _rows_statement(table, database) if isinstance(table, Rows) else _row_statement(table, database)
        for table in tables
    ]
    if database.vendor == "postgresql" and len(statements) > 1:
        *first, last = (sql for sql, _ in statements)
        parts = ", ".join(f"t{number} AS ({sql})" for number, sql in enumerate(first))
        statements = [(f"WITH {parts} {last}", [value for _, values in statements for value in values])]
    with _cursor(database) as cursor:
        for sql, values in statements:
            cursor.execute(sql, values)
    for row in tables:
        if isinstance(row, Model):
            row._state.adding, row._state.db = False, database.alias


def update(row: Model, columns: Sequence[str]) -> None:
    """Write these columns of a row, by their names in its ``__dict__``. Raises ``DatabaseError`` if the row
    does not exist."""
    database, fields = connections[DEFAULT_DB_ALIAS], _fields_by_column(type(row))
    changed = [fields[name] for name in columns]
    values = [field.get_db_prep_save(field.pre_save(row, False), database) for field in changed]
    with _cursor(database) as cursor:
        cursor.execute(
            _update_sql(type(row), tuple(columns)),
            [*values, fields["pk"].get_db_prep_value(row.pk, database)],
        )
        if not cursor.rowcount:
            raise DatabaseError(f"The {type(row).__name__} does not exist any more.")


@lru_cache(maxsize=256)
def _update_sql(model: type[Model], columns: tuple[str, ...]) -> str:
    fields = _fields_by_column(model)
    changes = ", ".join(f'"{fields[name].column}" = %s' for name in columns)
    return f'UPDATE "{model._meta.db_table}" SET {changes} WHERE "{fields["pk"].column}" = %s'  # nosec B608 # noqa: S608 - names of our own columns


@lru_cache(maxsize=64)
def _fields_by_column(model: type[Model]) -> "dict[str, Any]":
    return {field.attname: field for field in model._meta.concrete_fields} | {"pk": model._meta.pk}


def _row_statement(row: Model, database: Any) -> tuple[str, list[Any]]:
    fields = _fields_of(type(row))
    given = [field.pre_save(row, True) for field in fields]
    places = tuple(map(_place, given))
    values = [
        field.get_db_prep_save(value, database)
        for field, value, place in zip(fields, given, places, strict=True)
        if place == "%s"
    ]
    return _insert_sql(type(row), database.vendor, places), values


def _place(value: object) -> str:
    """Most columns of a new row are empty. These values are written into the statement, so that it has few
    parameters."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if type(value) is int and not value:
        return "0"
    return "''" if type(value) is str and not value else "%s"


@lru_cache(maxsize=256)
def _insert_sql(model: type[Model], vendor: str, places: tuple[str, ...]) -> str:
    return f"{_insert_into(model, _fields_of(model))} VALUES ({', '.join(places)})"


def _rows_statement(rows: Rows, database: Any) -> tuple[str, list[Any]]:
    field_of = rows.model._meta.get_field
    fields: list[Any] = [field_of(name) for name in (*rows.common, rows.column)]
    common = [
        field.get_db_prep_save(value, database)
        for field, value in zip(fields, rows.common.values(), strict=False)
    ]
    each = [fields[-1].get_db_prep_save(value, database) for value in rows.each]
    beginning = _insert_into(rows.model, fields)
    if database.vendor == "postgresql":
        # The same text for any number of rows, so that one prepared statement serves all.
        types = [field.db_type(database) for field in fields]
        places = [*(f"%s::{kind}" for kind in types[:-1]), f"UNNEST(%s::{types[-1]}[])"]
        return f"{beginning} SELECT {', '.join(places)}", [*common, each]
    row = f"({', '.join(['%s'] * len(fields))})"
    return f"{beginning} VALUES {', '.join([row] * len(each))}", [
        value for one in each for value in (*common, one)
    ]


def _insert_into(model: type[Model], fields: "Sequence[Field[Any, Any]]") -> str:
    columns = ", ".join(f'"{field.column}"' for field in fields)
    return f'INSERT INTO "{model._meta.db_table}" ({columns})'


@lru_cache(maxsize=64)
def _fields_of(model: type[Model]) -> "list[Field[Any, Any]]":
    """Without the key that the database generates."""
    return [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]


def _cursor(database: Any) -> Any:
    """On PostgreSQL one whose statements are prepared."""
    return getattr(database, "prepared_cursor", database.cursor)()
