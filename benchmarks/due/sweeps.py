"""What a sweep costs: ``python -m benchmarks.inside due.sweeps``.

Prints JSON: the median milliseconds of finding the due work, the processor time of this process for it, how
many orders it enqueues, and the most rows of orders and updates that its statements read according to
``EXPLAIN ANALYZE``.
"""

import json
import statistics
import time

from django.utils import timezone

from assessments.models import AshbyUpdate, Order
from assessments.workers.due import due_work
from tests.fixtures.statements import rows_read

_SWEEPS = 9
_TABLES = [model._meta.db_table for model in (Order, AshbyUpdate)]


def main() -> None:
    due_work(timezone.now())
    milliseconds, read, enqueued = [], [], 0
    processor = time.process_time()
    for _ in range(_SWEEPS):
        began = time.perf_counter()
        found = due_work(timezone.now())
        milliseconds.append((time.perf_counter() - began) * 1000)
        enqueued = max(enqueued, len(found.calls) + len(found.deliveries) + sum(map(len, found.polls)))
    processor = (time.process_time() - processor) * 1000 / _SWEEPS
    for _ in range(3):
        read.append(rows_read(lambda: due_work(timezone.now()), _TABLES))
    figures = {
        "ms": statistics.median(milliseconds),
        "cpu": processor,
        "rows": max(read),
        "enqueued": enqueued,
    }
    print(json.dumps(figures))
