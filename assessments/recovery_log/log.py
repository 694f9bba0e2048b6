"""Writing and reading the recovery log.

Between the commit of a start and the answer to Ashby, everything needed to rebuild the order is written to
the log. So every order that Ashby knows can be rebuilt with its id, even if the database comes from an older
backup. Cancellations are written too, so that a restore does not revive a cancelled check; and the end of
each check once Ashby has accepted it, because Ashby refuses updates after the end and cannot be asked what it
has. All three are kept for two weeks. Erasures (``privacy/erasure_log.py``) are kept for ever; the orders
that they list are never rebuilt.

The log is a folder (``RECOVERY_LOG_DIR``) or a second PostgreSQL database (``RECOVERY_LOG_DATABASE_URL``). If
it cannot be written, the start or the cancellation goes ahead, and an error is logged.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from assessments.models import AshbyUpdate, Order
from assessments.recovery_log.files import FileStore
from assessments.recovery_log.old_files import convert_old_files, unconverted_lines
from assessments.recovery_log.store import KEPT, OF_ORDERS, Entry, Kind, Store, Unavailable
from integrations.encryption.secrets import Secret, SecretUnreadable, can_be_read, is_under_first_key

logger = logging.getLogger(__name__)

_START_FIELDS = (
    *("assessment_id", "organization_id", "package_id", "package_from_job_mapping", "application_id"),
    *("job_id", "job_name", "candidate_id", "candidate_first_name", "candidate_last_name"),
    *("candidate_email", "candidate_profile_url", "application", "job", "additional_fields", "created_at"),
)
#: What an order has besides its status once its check is complete.
COMPLETION_FIELDS = (
    *("result", "report_url", "turnaround_minutes", "justifacts_status", "status_unrecognized"),
    *("justifacts_timestamp", "justifacts_time_is_ours", "applied_messages"),
)
_END_FIELDS = (
    *("assessment_id", "organization_id", "status", "closing_reason", "cancelled_by", "completed_at"),
    *("justifacts_order_id", *COMPLETION_FIELDS),
)
_CANCELLATION_FIELDS = ("assessment_id", "organization_id", "closing_reason", "cancelled_by", "status_since")


def log_start(order: Order) -> bool:
    """Write the start. Returns whether it was written."""
    return _write(Kind.START, order.pk, {name: getattr(order, name) for name in _START_FIELDS})


def log_cancellation(order: Order) -> bool:
    """Write the cancellation by Ashby or by staff. Returns whether it was written."""
    values = {name: getattr(order, name) for name in _CANCELLATION_FIELDS}
    return _write(Kind.CANCELLATION, order.pk, values)


def log_end(update: AshbyUpdate) -> bool:
    """Write the end of an order, with the update that Ashby has accepted. It replaces the entry of an earlier
    end on the same day, as of the result before it changed. Returns whether it was written."""
    order = update.order
    values = {name: getattr(order, name) for name in _END_FIELDS}
    accepted = {name: getattr(update, name) for name in ("payload", "summary", "delivered_at")}
    is_written = _write(Kind.END, order.pk, values | accepted, replaces=True)
    if Order.objects.filter(pk=order.pk, erased_at__isnull=False).exists():
        # It was erased, with its entries, between the delivery and this entry.
        erase([str(order.pk)])
    return is_written


def log_erasure(key: object, values: dict[str, Any]) -> bool:
    """Write the erasure certificate with this id. Returns whether it was written."""
    return _write(Kind.ERASURE, key, values)


def entries(
    kind: Kind,
    since: datetime | None = None,
    choose: Callable[[Collection[str]], Collection[str]] = lambda keys: keys,
) -> Iterator[dict[str, Any]]:
    """The entries of this kind from the day of ``since`` on, oldest day first: field values of the model,
    with ISO 8601 times. ``choose`` gets some hundred keys at a time and returns those that are wanted; only
    their entries are decrypted. An unreadable entry is logged and skipped. Raises ``Unavailable``."""
    found = _store().read(kind, since.date() if since else date.min)
    while batch := list(islice(found, settings.BATCH_SIZES["recovery_log"])):
        wanted = set(choose([entry.key for entry in batch]))
        for entry in batch:
            if entry.key in wanted and (values := _values(entry)) is not None:
                yield values


def _values(entry: Entry) -> dict[str, Any] | None:
    try:
        values: dict[str, Any] = json.loads(Secret(ciphertext=entry.content).reveal())
    except (SecretUnreadable, ValueError):
        logger.warning("cannot read the %s %s in the recovery log", entry.kind, entry.key)
        return None
    return values


def erase(assessment_ids: Collection[str]) -> int:
    """Delete the entries of these orders. Returns how many there were; if the log is unavailable, logs an
    error and returns 0, and a later run deletes them."""
    try:
        return _store().delete(OF_ORDERS, assessment_ids) if assessment_ids else 0
    except Unavailable as error:
        logger.error("cannot erase entries of the recovery log: %s", error)
        return 0


def reencrypt() -> int:
    """Encrypt every entry with the first key. Returns how many used another key. Raises ``Unavailable``."""
    count = 0
    for entry, secret in _under_another_key():
        if can_be_read(secret):
            _store().replace(entry, Secret(secret.reveal()).encrypted())
            count += 1
    return count


def count_pending() -> int:
    """How many entries the first key alone cannot decrypt. Raises ``Unavailable``."""
    return sum(1 for _ in _under_another_key()) + unconverted_lines(Path(settings.RECOVERY_LOG_DIR))


def _under_another_key() -> Iterator[tuple[Entry, Secret]]:
    for kind in Kind:
        for entry in _store().read(kind, date.min):
            secret = Secret(ciphertext=entry.content)
            if not is_under_first_key(secret):
                yield entry, secret


def tidy(now: datetime) -> None:
    """Delete the entries about orders that are older than ``KEPT``, and convert files of an earlier
    version. Logs an error if the log is unavailable."""
    try:
        convert_old_files(Path(settings.RECOVERY_LOG_DIR), _store())
        _store().delete_before(OF_ORDERS, (now - KEPT).date())
    except Unavailable as error:
        logger.error("cannot tidy the recovery log: %s", error)


def is_writable() -> bool:
    """Whether the next start can be written."""
    try:
        _store().check()
    except Unavailable:
        return False
    return True


def _write(kind: Kind, key: object, values: dict[str, Any], *, replaces: bool = False) -> bool:
    content = Secret(json.dumps(values, cls=DjangoJSONEncoder)).encrypted()
    today = datetime.now(UTC).date()
    try:
        entry = Entry(kind, str(key), today, content)
        _store().write(entry)
        if replaces:
            _store().replace(entry, content)
    except Unavailable as error:
        logger.error("cannot write the %s %s to the recovery log: %s", kind, key, error)
        return False
    _tidy_daily(today)
    return True


@lru_cache(maxsize=1)
def _tidy_daily(day: date) -> None:
    """A host that writes files also deletes them, once a day: no other host may see its folder."""
    tidy(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _store() -> Store:
    return _open_store(settings.RECOVERY_LOG_DATABASE_URL, str(settings.RECOVERY_LOG_DIR))


@lru_cache(maxsize=2)
def _open_store(url: str, folder: str) -> Store:
    """One store for each process. The settings are arguments, because tests change them."""
    store: Store
    if url:
        # Most portals have a folder, and psycopg takes a tenth of a second to import.
        from assessments.recovery_log.database import DatabaseStore

        store = DatabaseStore(url)
    else:
        store = FileStore(Path(folder))
    try:
        convert_old_files(Path(folder), store)
    except Unavailable as error:
        logger.error("cannot convert older files of the recovery log: %s", error)
    return store
