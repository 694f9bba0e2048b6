"""The detection of stalled orders after all open orders have become stalled: ``python -m benchmarks.inside
due.watch``. Prints JSON: the milliseconds of the longest of the first runs, how many orders they flagged, and
how long they took together."""

import json
import time
from datetime import timedelta

from django.utils import timezone

from assessments.models import Order
from assessments.stalled.detect import detect_stalled
from assessments.statuses import ENDED

_RUNS = 10


def main() -> None:
    is_open = Order.objects.exclude(status__in=ENDED)
    is_open.update(
        status_since=timezone.now() - timedelta(days=60),
        stalled_since=None,
        stall_reason="",
        stall_threshold=None,
    )
    milliseconds = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        detect_stalled(timezone.now())
        milliseconds.append((time.perf_counter() - began) * 1000)
    flagged = Order.objects.exclude(stalled_since=None).count()
    left = is_open.filter(stalled_since=None).count()
    print(json.dumps({"ms": max(milliseconds), "flagged": flagged, "left": left, "total": sum(milliseconds)}))
