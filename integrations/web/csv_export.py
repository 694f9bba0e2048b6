"""CSV files of any length, streamed to people without keeping Ashby waiting. Every export uses this.

A download holds one thread of its web process until the reader has taken the last row, which can take hours
on a slow line. Each process therefore serves a bounded number of downloads, so that threads are always free
for Ashby's calls. Each batch of rows is one short query: no transaction, snapshot or cursor stays open.
"""

import csv
import io
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.bulkhead import Bulkhead

from .csv_cells import escape_csv_cell

logger = logging.getLogger(__name__)

#: In one web process, which has 8 threads (``--blocking-threads`` in the Procfile).
AT_ONCE = 4
AT_ONCE_FOR_ONE_PERSON = 2
LONGEST_SECONDS = 4 * 60 * 60
_RETRY_SECONDS = 10

_downloads = Bulkhead(AT_ONCE)
_downloads_of_one = Bulkhead(AT_ONCE_FOR_ONE_PERSON)
#: The downloads of a process take turns, and each turn is followed by a pause as long as itself: they use at
#: most half of one core, and a call from Ashby competes with one of them at most.
_turn = threading.Lock()


class CSVDownload(StreamingHttpResponse):
    """The file. ``count`` is its number of rows. ``organizations``: the ids of those whose rows it holds,
    if they may be several; the audit log gets an entry for each."""

    count: int
    organizations: Sequence[int] = ()


def csv_download(
    request: HttpRequest,
    name: str,
    columns: Sequence[str],
    found: QuerySet[Any],
    source: QuerySet[Any],
    cells: Callable[[Any], list[str]],
) -> HttpResponseBase:
    """The rows of ``found``, in its order, as the file ``name-DATE.csv``.

    The file holds the rows that are found now, each once, as ``source`` reads it when its turn comes: a row
    that no longer fits the filter by then is still in. ``cells`` returns a row's texts; a text that a
    spreadsheet would take for a formula is escaped here. Where too many downloads are running, the answer is
    429 with a page that tries again by itself.
    """
    places = ExitStack()
    if not (
        places.enter_context(_downloads_of_one.slot(request.user.pk))
        and places.enter_context(_downloads.slot(None))
    ):
        places.close()
        return _try_later(request)
    rows = _Rows(columns, found, source, cells, places)
    answer = CSVDownload(rows, content_type="text/csv; charset=utf-8")
    answer.count = len(rows)
    answer["Content-Disposition"] = f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer


class _Rows:
    """The file's text, batch by batch."""

    def __init__(
        self,
        columns: Sequence[str],
        found: QuerySet[Any],
        source: QuerySet[Any],
        cells: Callable[[Any], list[str]],
        places: ExitStack,
    ) -> None:
        # Also when nobody closes the response, such as after an error in a middleware.
        self.close = weakref.finalize(self, places.close)
        self._columns, self._source, self._cells = columns, source, cells
        self._keys = list(found.values_list("pk", flat=True))
        self._until = time.monotonic() + LONGEST_SECONDS
        self._incomplete = _("This file is incomplete: the download was interrupted here. Please repeat it.")

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        # A mark by which spreadsheets know that the letters are UTF-8.
        yield "\ufeff" + _line(self._columns)
        size = settings.BATCH_SIZES["csv"]
        for start in range(0, len(self._keys), size):
            text = self._read(self._keys[start : start + size])
            if text is None:
                # The web server ends an answer that fails as if it were whole.
                yield _line([self._incomplete])
                return
            yield text

    def _read(self, keys: list[Any]) -> str | None:
        """The lines of these rows; None where the download has to end."""
        if time.monotonic() > self._until:
            return None
        with _turn:
            began = time.monotonic()
            try:
                rows = self._source.in_bulk(keys)
            except DatabaseError as error:
                logger.error("a CSV download broke off: %s", type(error).__name__)
                return None
            text = "".join(_line(self._cells(rows[key])) for key in keys if key in rows)
            time.sleep(time.monotonic() - began)
            return text


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(map(escape_csv_cell, cells))
    return text.getvalue()


def _try_later(request: HttpRequest) -> HttpResponseBase:
    context = admin.site.each_context(request) | {"title": _("Too many downloads are running")}
    headers = {"Retry-After": str(_RETRY_SECONDS), "Refresh": str(_RETRY_SECONDS)}
    return TemplateResponse(request, "admin/download_later.html", context, status=429, headers=headers)
