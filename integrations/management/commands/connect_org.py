"""``JUSTIFACTS_KEY=... ASHBY_KEY=... manage.py connect_org NAME [--slug S] [--base-url URL]``"""

import os
from argparse import ArgumentParser
from typing import Any

from integrations.connections.connect import connect
from integrations.management.base import PortalCommand


class Command(PortalCommand):
    help = (
        "Creates or updates an organization. Its secrets are read from the environment variables "
        "JUSTIFACTS_KEY and ASHBY_KEY, never from the command line, where every user of the machine "
        "could read them; one that is not set stays as it is. Prints JSON: ashby_base_url is what the "
        "organization's admin pastes into Ashby's field “Staging Base URL”."
    )
    always_json = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", help="the employer's name")
        parser.add_argument("--slug", default="", help="the short name that other commands take")
        about = "Justifacts' staging base URL for this organization"
        parser.add_argument("--base-url", default="", help=about)

    def execute_command(self, **options: Any) -> dict[str, str]:
        connection = connect(
            options["name"],
            slug=options["slug"],
            verification_key=os.environ.get("JUSTIFACTS_KEY", ""),
            ashby_key=os.environ.get("ASHBY_KEY", ""),
            staging_base_url=options["base_url"],
            who="the command line",
        )
        return {
            "organization": connection.organization.name,
            "slug": connection.organization.slug,
            "ashby_base_url": connection.ashby_base_url,
        }
