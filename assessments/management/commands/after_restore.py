"""``manage.py after_restore``: the old name of ``recover_after_restore``, kept for one version."""

from typing import Any

from assessments.management.commands import recover_after_restore


class Command(recover_after_restore.Command):
    help = "Deprecated: use recover_after_restore. " + recover_after_restore.Command.help

    def handle(self, *args: Any, **options: Any) -> None:
        self.stderr.write("“after_restore” is deprecated: use “recover_after_restore”.")
        super().handle(*args, **options)
