"""``manage.py forget``: the old name of ``erase_candidate``, kept for one version."""

from typing import Any

from assessments.management.commands import erase_candidate


class Command(erase_candidate.Command):
    help = "Deprecated: use erase_candidate. " + erase_candidate.Command.help

    def handle(self, *args: Any, **options: Any) -> None:
        self.stderr.write("“forget” is deprecated: use “erase_candidate”.")
        super().handle(*args, **options)
