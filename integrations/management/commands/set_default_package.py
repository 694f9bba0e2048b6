"""``manage.py set_default_package SLUG PACKAGE``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management import CommandError

from integrations.catalog.mapping import find_package, set_default_package
from integrations.management.base import PortalCommand, connection_of


class Command(PortalCommand):
    help = "Sets the package that “Package for this job” orders for jobs without a mapping."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("package", nargs="?", help="its UUID, its id at Justifacts, or its name")
        parser.add_argument("--none", action="store_true", help="remove the default package")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        if bool(options["package"]) == options["none"]:
            raise CommandError("Name a package, or give --none.")
        organization = connection_of(options["slug"]).organization
        package = find_package(organization, options["package"]) if options["package"] else None
        set_default_package(organization, package)
        return {"organization": organization.name, "package": package.label if package else None}

    def format_lines(self, result: dict[str, Any]) -> Iterable[str]:
        package = f"“{result['package']}”" if result["package"] else "no package"
        yield f"Jobs of {result['organization']} without a mapping get {package}."
