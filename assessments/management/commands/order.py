"""``manage.py order UUID``"""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from assessments.management.base import order_of
from assessments.services.explain import as_json
from integrations.management.base import PortalCommand


class Command(PortalCommand):
    help = "Shows one order: where it stands, its timeline, its updates and their attempts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("uuid")

    def act(self, **options: Any) -> dict[str, Any]:
        return as_json(order_of(options["uuid"]))

    def lines(self, found: dict[str, Any]) -> Iterable[str]:
        yield f"{found['assessment_id']}  {found['organization']}  {found['package']}  {found['status']}"
        yield found["where_it_stands"]
        yield ""
        for event in found["events"]:
            yield f"{event['at'][:19]}  {event['source']:<10}  {event['summary']}"
        yield ""
        for update in found["updates"]:
            trouble = f"  {update['last_error']}" if update["last_error"] else ""
            yield f"update {update['sequence']}  {update['state']:<9}  {update['summary']}{trouble}"
            for attempt in update["attempts"]:
                yield (
                    f"    {attempt['at'][:19]}  {attempt['outcome']}  HTTP {attempt['http_status'] or '-'}  "
                    f"{attempt['milliseconds']} ms  {attempt['request_id'] or ''}".rstrip()
                )
