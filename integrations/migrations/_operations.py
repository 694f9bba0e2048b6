"""What both apps' migrations use, so that an upgrade blocks nobody for long.

PostgreSQL keeps a lock to the end of the transaction, and Django spends up to seconds between two statements
on rendering models. What is here does that work first, and then executes all statements at once.
"""

import time
from collections.abc import Iterable, Mapping, Sequence

import psycopg
from django.db import OperationalError, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

#: How long others may queue behind a lock that PostgreSQL does not grant, and how often it is requested.
_LOCK_MILLISECONDS, _LOCK_ATTEMPTS = 500, 60

_RENAME_CONTENT_TYPE = (
    "UPDATE django_content_type SET model = %s WHERE app_label = %s AND model = %s "
    "AND NOT EXISTS (SELECT 1 FROM django_content_type WHERE app_label = %s AND model = %s)"
)


class StatementsLast(migrations.Migration):
    """A migration that executes the statements of all its operations after its Python code.

    Its operations may not need the new tables and columns while the migration runs. SQLite, which copies
    tables, executes every operation in its turn.
    """

    def apply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        if collect_sql or schema_editor.connection.vendor != "postgresql":
            return super().apply(project_state, schema_editor, collect_sql)
        schema_editor.collect_sql, schema_editor.collected_sql = True, []
        try:
            state = super().apply(project_state, schema_editor)
        finally:
            schema_editor.collect_sql = False
        # Django itself would execute the deferred ones, such as new keys, at the end of the transaction.
        execute_together(schema_editor, [*schema_editor.collected_sql, *map(str, schema_editor.deferred_sql)])
        schema_editor.deferred_sql.clear()
        return state


class StateOnly(migrations.SeparateDatabaseAndState):
    """Changes what Django knows of the models, and nothing in the database.

    Django itself renders the related models again for each operation, which takes most of the time of
    ``migrate``. Here it renders all of them once.
    """

    def __init__(self, *operations: Operation) -> None:
        super().__init__(state_operations=operations)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        rendered = state.__dict__.pop("apps", None)
        super().state_forwards(app_label, state)
        # No rendered model refers to one that has changed since.
        state.is_delayed = False
        if rendered:
            state.apps  # noqa: B018 - a cached property: renders


class ChangeIndexes(StateOnly):
    """Adds and removes indexes one by one, on PostgreSQL while others read and write the tables.

    The migration may not be atomic. It may be stopped and run again: what PostgreSQL leaves of an index that
    it has not finished is dropped first.
    """

    def __init__(self, *operations: migrations.AddIndex | migrations.RemoveIndex) -> None:
        super().__init__(*operations)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for operation in self.state_operations:
            if schema_editor.connection.vendor != "postgresql":
                operation.database_forwards(app_label, schema_editor, from_state, to_state)
                continue
            is_new = isinstance(operation, migrations.AddIndex)
            name = operation.index.name if is_new else operation.name
            schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')
            if is_new:
                model = to_state.apps.get_model(app_label, operation.model_name)
                schema_editor.add_index(model, operation.index, concurrently=True)  # type: ignore[call-arg]

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for operation in reversed(self.state_operations):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)


class Rename(StateOnly):
    """Renames models with their tables and content types, and fields with their columns.

    It is not for keys. Django's ``RenameModel`` alters each foreign key to the model, for which SQLite copies
    the whole table that holds the key, and loses that table's triggers. Both databases follow the new name by
    themselves.
    """

    def __init__(
        self,
        models: Mapping[str, str],
        fields: Mapping[str, Mapping[str, str]],
        state_operations: Sequence[Operation] = (),
    ) -> None:
        """Take old and new names of models, and of fields by the new name of their model. The
        ``state_operations`` follow the renames."""
        self._models = {old.lower(): new.lower() for old, new in models.items()}
        self._fields = [
            (model.lower(), old, new) for model, names in fields.items() for old, new in names.items()
        ]
        renamed_models = [migrations.RenameModel(old, new) for old, new in models.items()]
        renamed_fields = [migrations.RenameField(model, old, new) for model, old, new in self._fields]
        super().__init__(*renamed_models, *renamed_fields, *state_operations)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        _rename_content_types(schema_editor, app_label, self._models.items())
        execute_together(
            schema_editor,
            [
                *_rename_tables(app_label, self._models.items()),
                *_rename_columns(app_label, self._fields),
            ],
        )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        models = [(new, old) for old, new in self._models.items()]
        fields = [(model, new, old) for model, old, new in self._fields]
        _rename_content_types(schema_editor, app_label, models)
        execute_together(
            schema_editor, [*_rename_columns(app_label, fields), *_rename_tables(app_label, models)]
        )


def execute_together(schema_editor: BaseDatabaseSchemaEditor, statements: Sequence[str]) -> None:
    """Execute all statements or none, on PostgreSQL without waiting long for a lock.

    While another transaction uses one of the tables, all locks are given back and requested again later, so
    that nobody queues for long behind this transaction or deadlocks with it.
    """
    alias, on_postgresql = schema_editor.connection.alias, schema_editor.connection.vendor == "postgresql"
    for attempt in range(1, _LOCK_ATTEMPTS + 1):
        try:
            with transaction.atomic(alias):
                if on_postgresql:
                    schema_editor.execute(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
                for statement in statements:
                    schema_editor.execute(statement, None)
        except OperationalError as error:
            if attempt == _LOCK_ATTEMPTS or not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
            time.sleep(_LOCK_MILLISECONDS / 1000)
        else:
            return


def _rename_content_types(
    schema_editor: BaseDatabaseSchemaEditor, app_label: str, models: Iterable[tuple[str, str]]
) -> None:
    """Do what Django does after its own ``RenameModel``: permissions and the admin's log follow the model."""
    for old, new in models:
        schema_editor.execute(_RENAME_CONTENT_TYPE, [new, app_label, old, app_label, new])


def _rename_tables(app_label: str, models: Iterable[tuple[str, str]]) -> list[str]:
    return [f'ALTER TABLE "{app_label}_{old}" RENAME TO "{app_label}_{new}"' for old, new in models]


def _rename_columns(app_label: str, fields: Iterable[tuple[str, str, str]]) -> list[str]:
    return [
        f'ALTER TABLE "{app_label}_{model}" RENAME COLUMN "{old}" TO "{new}"' for model, old, new in fields
    ]
