"""``manage.py map_job SLUG ASHBY_JOB_ID PACKAGE``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from integrations.catalog.mapping import find_package, map_job
from integrations.management.base import PortalCommand, connection_of


class Command(PortalCommand):
    help = "Sets the package that “Package for this job” orders for a job."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("ashby_job_id")
        parser.add_argument("package", help="its UUID, its id at Justifacts, or its name")
        parser.add_argument("--strict", action="store_true", help="refuse every other package for this job")

    def execute_command(self, **options: Any) -> dict[str, Any]:
        organization = connection_of(options["slug"]).organization
        package = find_package(organization, options["package"])
        mapping = map_job(organization, options["ashby_job_id"], package, strict=options["strict"])
        return {
            "organization": organization.name,
            "job": str(mapping.job),
            "job_id": mapping.job.ashby_id,
            "package": package.label,
            "package_id": str(package.assessment_type_id),
            "strict": mapping.is_strict,
        }

    def format_lines(self, result: dict[str, Any]) -> Iterable[str]:
        only = " and refuses every other" if result["strict"] else ""
        yield f"The job “{result['job']}” gets the package “{result['package']}”{only}."
