"""Makes work due for every organization: ``python -m benchmarks.inside due.backlog COUNT``.

``COUNT`` orders to poll, each with an update for Ashby, and a tenth as many orders to place. Everything has
been due since some time within the last day. Prints the package of another organization, which has nothing
due.
"""

import sys
import uuid
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from assessments.models import AshbyUpdate, Order
from benchmarks.stack import ASHBY_KEY, VERIFICATION_KEY
from integrations.connections.connect import connect
from integrations.models import Connection, Package

_SINCE = "now() - random() * interval '1 day'"
_ORDER = {
    "organization_id": "o.organization_id",
    "package_id": "o.package_id",
    "next_attempt_at": _SINCE,
    **dict.fromkeys(("created_at", "status_since"), "now()"),
    **dict.fromkeys(("lease_token", "leased_until", "stalled_since", "stall_threshold"), "NULL"),
    **dict.fromkeys(("stall_reason", "attention_topic", "attention_reason"), "''"),
    "needs_attention": "false",
    "last_timestamp": "0",
    "last_sequence": "1",
}
_POLLED = {"status": "'received'", "next_call": "'poll'", "justifacts_order_id": "'DUE-' || n"}
_PLACED = {
    "status": "'accepted'",
    "next_call": "'place'",
    "placed_at": "NULL",
    "may_have_been_sent": "false",
    "cleared_for_placement": "true",
    "last_sequence": "0",
    **dict.fromkeys(("justifacts_order_id", "justifacts_status"), "''"),
}
_UPDATE = {
    "order_id": "o.assessment_id",
    "organization_id": "o.organization_id",
    "next_attempt_at": _SINCE,
    "created_at": "now()",
    "state": "'waiting'",
    "last_error": "''",
    **dict.fromkeys(("sequence", "timestamp"), "1"),
    "attempt_count": "0",
    **dict.fromkeys(("delivered_at", "failing_since", "lease_token", "leased_until"), "NULL"),
}


def main() -> None:
    count = int(sys.argv[2])
    now = timezone.now()
    # Nothing else is due.
    Order.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=now.replace(year=now.year + 1))
    AshbyUpdate.objects.filter(state="waiting").update(next_attempt_at=now.replace(year=now.year + 1))
    Connection.objects.update(
        paused_at=None, pause_reason="", ashby_blocked_until=None, justifacts_blocked_until=None
    )
    Connection.objects.update(staging_base_url=settings.JUSTIFACTS_BASE_URL)
    # A count of organizations follows where fewer than all have work.
    limit = sys.argv[3] if len(sys.argv) > 3 else "NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE owners AS SELECT row_number() OVER () - 1 AS place, * FROM ("  # nosec B608 # noqa: S608 - a number
            "SELECT c.organization_id, min(p.id) AS package_id FROM integrations_connection c "
            "JOIN integrations_package p USING (organization_id) GROUP BY 1 ORDER BY 1 "
            f"LIMIT {limit}) found"
        )
        template = Order.objects.filter(status="received", next_call="poll", updates__isnull=False)[0]
        _insert(cursor, Order, _ORDER | _POLLED | _key("poll"), template.pk, count)
        _insert(cursor, Order, _ORDER | _PLACED | _key("place"), template.pk, count // 10)
        update = template.updates.all()[0]
        _insert_updates(cursor, update.pk)
        for table in (Order, AshbyUpdate):
            cursor.execute(f"VACUUM ANALYZE {table._meta.db_table}")
    print(_other_organization())


def _key(kind: str) -> dict[str, str]:
    text = f"'{kind}-' || n"
    return {"assessment_id": f"md5({text})::uuid", "application_id": text}


def _insert(cursor: Any, model: Any, values: dict[str, str], template: uuid.UUID, count: int) -> None:
    columns = [field.column for field in model._meta.concrete_fields]
    selected = ", ".join(values.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    cursor.execute(
        f"INSERT INTO {model._meta.db_table} ({names}) SELECT {selected} "  # nosec B608 # noqa: S608 - names of our own
        f"FROM {model._meta.db_table} t, generate_series(1, {count}) n "
        "JOIN owners o ON o.place = n %% (SELECT count(*) FROM owners) WHERE t.assessment_id = %s",
        [template],
    )


def _insert_updates(cursor: Any, template: int) -> None:
    table = AshbyUpdate._meta.db_table
    columns = [field.column for field in AshbyUpdate._meta.concrete_fields if field.column != "id"]
    selected = ", ".join(_UPDATE.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    cursor.execute(
        f"INSERT INTO {table} ({names}) SELECT {selected} FROM {table} t, assessments_order o "  # nosec B608 # noqa: S608 - names of our own
        "WHERE t.id = %s AND o.application_id LIKE 'poll-%%'",
        [template],
    )


def _other_organization() -> uuid.UUID:
    other = connect(
        "Bench",
        slug="bench",
        verification_key=VERIFICATION_KEY,
        ashby_key=ASHBY_KEY,
        staging_base_url=settings.JUSTIFACTS_BASE_URL,
    ).organization
    package, _ = Package.objects.get_or_create(
        organization=other,
        justifacts_id="PKG-1",
        defaults={"assessment_type_id": uuid.uuid4(), "name": "Basic", "is_default": True},
    )
    return package.assessment_type_id
