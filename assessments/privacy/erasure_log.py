"""The journal of erasures on request, outside the database: what a restored database has forgotten.

A backup of before an erasure brings the candidate back, and knows nothing of the certificate. So each
certificate is appended to a file beside the journal of starts, encrypted as that is; it holds ids and no
candidate's data, and is kept. ``after_restore`` erases again what it names. (What the clock has erased needs
no journal: the clock finds it again by itself.)
"""

import json
import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder

from assessments import recovery_log
from assessments.models import ErasureCertificate, ErasureReason, Order
from assessments.orders.transaction import locked_order
from assessments.privacy.eligibility import why_not_erasable
from assessments.privacy.erase import erase_orders, identifiers_of, scrub_unmatched_requests
from integrations.encryption.secrets import Secret
from integrations.models import Organization

#: A process may have died between the database and the journal of starts; every run looks again for so long.
_MAY_BE_HALF_DONE = timedelta(hours=1)

logger = logging.getLogger(__name__)

_FIELDS = ("id", "organization_id", "at", "by", "candidate_digest", "counts", "orders", "kept")


def log_erasure(certificate: ErasureCertificate) -> bool:
    """Appends the certificate. A journal that cannot be written stops no erasure: False, and a line of
    log; after a restore the candidate has to be forgotten again by hand then."""
    facts = {name: getattr(certificate, name) for name in _FIELDS}
    # To the microsecond, so that the certificate that is made again is the same.
    facts["at"] = certificate.at.isoformat()
    line = Secret(json.dumps(facts, cls=DjangoJSONEncoder)).encrypted() + "\n"
    try:
        recovery_log.append(recovery_log.ERASURES, line.encode())
    except OSError as error:
        logger.error("the journal of erasures cannot be written: %s", type(error).__name__)
        return False
    return True


def repeat_erasures(now: datetime) -> int:
    """What a restored database, or a process that died, has left of erasures on request: makes the
    certificates again that are missing, and erases again what they name; how many orders. An order that is
    on the way in the books of the backup has its turn when it has ended. May be run at any time."""
    known, again = set(Organization.objects.values_list("pk", flat=True)), 0
    for entry in recovery_log.entries_of(recovery_log.ERASURES):
        if entry["organization_id"] in known:
            again += _erase_again(entry, now)
    return again


def _erase_again(entry: dict[str, Any], now: datetime) -> int:
    at = datetime.fromisoformat(entry["at"])
    if not ErasureCertificate.objects.filter(pk=entry["id"]).exists():
        ErasureCertificate.objects.create(**entry | {"at": at})
    back = Order.objects.filter(organization=entry["organization_id"], erased_at=None, pk__in=entry["orders"])
    done = sum(_once_more(pk, entry["id"], now) for pk in back.values_list("pk", flat=True))
    if done or now - at < _MAY_BE_HALF_DONE:
        recovery_log.erase(entry["orders"])
    return done


def _once_more(pk: UUID, certificate: str, now: datetime) -> bool:
    with locked_order(pk) as order:
        if order.is_erased or why_not_erasable(order):
            return False
        names = identifiers_of(order)
        because = f"The candidate's data was erased again after a restore (certificate {certificate})."
        erase_orders(order, ErasureReason.REQUEST, because, now)
    scrub_unmatched_requests(order.organization_id, names)
    return True
