"""Operations that both apps' migrations use."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class RenameModelAndTable(migrations.RenameModel):
    """``RenameModel`` that renames the table and nothing else.

    Django's own operation also alters each foreign key to the model, for which SQLite copies the whole table
    that holds the key, and loses that table's triggers. Both databases follow the new name by themselves.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        new = to_state.apps.get_model(app_label, self.new_name)
        if self.allow_migrate_model(schema_editor.connection.alias, new):
            old = from_state.apps.get_model(app_label, self.old_name)
            schema_editor.alter_db_table(new, old._meta.db_table, new._meta.db_table)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self.new_name, self.old_name = self.old_name, self.new_name
        try:
            self.database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            self.new_name, self.old_name = self.old_name, self.new_name
