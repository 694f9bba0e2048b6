"""Streams CSV files of any length without delaying Ashby's calls. Every export uses this module.

A download holds one thread of its web process until the reader has taken the last row, which can take hours
on a slow line. Each process therefore serves a bounded number of downloads, so that threads are always free
for Ashby's calls. Each batch of rows is one short query: no transaction, snapshot or cursor stays open.
"""

import csv
import io
import logging
import re
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
from integrations.text import INVISIBLE, JOINERS
from integrations.web.keyset import Position

logger = logging.getLogger(__name__)

#: Downloads in one web process, which has 8 threads (``--blocking-threads`` in the Procfile).
AT_ONCE = 4
AT_ONCE_FOR_ONE_PERSON = 2
LONGEST_SECONDS = 4 * 60 * 60
_RETRY_SECONDS = 10

_downloads = Bulkhead(AT_ONCE)
_downloads_of_one = Bulkhead(AT_ONCE_FOR_ONE_PERSON)
#: The downloads of a process take turns, and each turn ends with a pause of its own length. So they use at
#: most half a core, and a call from Ashby competes with at most one of them.
_turn = threading.Lock()

#: Characters with which a spreadsheet begins a formula, also in full width.
_FORMULA = r"[=+\-@|%＝＋－＠]"
#: Characters that may precede it without being visible.
_UNSEEN = rf"[\s{INVISIBLE}{JOINERS}\"']*"
_AT_THE_BEGINNING = re.compile(rf"{_UNSEEN}{_FORMULA}|[\t\r\n]")
# In locales with a decimal comma, a spreadsheet splits lines at semicolons or tabs, so a formula can begin
# inside a cell.
_INSIDE = re.compile(rf"([;\t\r\n]{_UNSEEN})(?={_FORMULA})")
# Month names that Excel and LibreOffice recognize in common languages: "SEP-1" is a date.
_MONTH = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mrz|mai|okt|dez|ene|abr|ago|dic|"
    "fév|fev|avr|jui|aoû|déc|gen|mag|giu|lug|set|ott|out"
)
_LIKE_A_VALUE = re.compile(
    rf"[\d\s.,:/+\-%()$€£¥]*\d[\d\s.,:/+\-%()$€£¥]*"  # 00123, 1-2, 3/4, 1.5.26, 12:30, 10%
    rf"|\s*[\d.,\s]+[ed]\s*[+-]?\d+\s*"  # 1E5
    rf"|\d[\d:.]*\s+[ap]\.?(?:m\.?)?"  # 5 PM
    rf"|[\d\s.,/\-]*(?:{_MONTH})[^\W\d_]*[\d\s.,/\-]*\d[\d\s.,/\-]*|\d[\d\s.,/\-]*(?:{_MONTH})[^\W\d_]*\.?"
    rf"|true|false",
    re.IGNORECASE,
)


class CSVDownload(StreamingHttpResponse):
    """A streamed file. ``count``: its number of rows, or of the first portion if it ``has_more``.
    ``organizations``: the ids of the organizations in the file, if there may be several; the audit log gets
    an entry for each."""

    count: int
    has_more: bool
    organizations: Sequence[int] = ()


def csv_download(
    request: HttpRequest,
    name: str,
    columns: Sequence[str],
    found: QuerySet[Any],
    source: QuerySet[Any],
    cells: Callable[[Any], list[str]],
) -> HttpResponseBase:
    """Return the rows of ``found``, in its order, as the file ``name-DATE.csv``.

    The keys of the first ``BATCH_SIZES["csv_keys"]`` rows are read now, and those of further rows in portions
    of as many. ``source`` reads each row later, so the file also contains rows that have stopped matching the
    filter. ``cells`` returns a row's texts; formulas in them are escaped here. If too many downloads are
    running, the response is 429 with a page that reloads itself.
    """
    slots = ExitStack()
    limits = (_downloads_of_one.slot(request.user.pk), _downloads.slot(None))
    if not all(slots.enter_context(limit) for limit in limits):
        slots.close()
        return _try_later(request)
    rows = _Rows(columns, found, source, cells, slots)
    response = CSVDownload(rows, content_type="text/csv; charset=utf-8")
    response.count, response.has_more = len(rows.first_keys), rows.has_more
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.csv"'
    response["Cache-Control"] = "no-store"
    return response


class _Rows:
    """Iterates over the text of the file in batches."""

    def __init__(
        self,
        columns: Sequence[str],
        found: QuerySet[Any],
        source: QuerySet[Any],
        cells: Callable[[Any], list[str]],
        slots: ExitStack,
    ) -> None:
        # Also frees the slots if nobody closes the response, such as after an error in a middleware.
        self.close = weakref.finalize(self, slots.close)
        self._columns, self._source, self._cells = columns, source, cells
        self._found = found
        self._order: list[Any] = list(found.query.order_by)
        self._is_complete = False
        self._last: Position | None = None
        self.first_keys = self._next_keys()
        self._until = time.monotonic() + LONGEST_SECONDS
        self._incomplete = _("This file is incomplete: the download was interrupted here. Please repeat it.")

    @property
    def has_more(self) -> bool:
        """Whether there may be rows behind the last keys that were read."""
        return self._last is not None

    def _next_keys(self) -> list[Any]:
        found = self._last.select(self._found, self._order) if self._last else self._found
        columns = [name.removeprefix("-") for name in self._order]
        size = settings.BATCH_SIZES["csv_keys"]
        read = list(found.values_list(*columns)[:size])
        self._last = Position(is_after=True, values=read[-1]) if len(read) == size else None
        return [values[-1] for values in read]

    def __iter__(self) -> Iterator[str]:
        # The byte order mark, by which spreadsheets recognize UTF-8.
        yield "\ufeff" + _line(self._columns)
        batches = self._batches()
        while (text := self._read(batches)) is not None:
            yield text
        if not self._is_complete:
            # After an exception the web server would close the response as if it were complete.
            yield _line([self._incomplete])

    def _batches(self) -> Iterator[list[Any]]:
        keys, size = self.first_keys, settings.BATCH_SIZES["csv"]
        while keys:
            yield from (keys[start : start + size] for start in range(0, len(keys), size))
            keys = self._next_keys() if self.has_more else []

    def _read(self, batches: Iterator[list[Any]]) -> str | None:
        """The lines of the next batch, or ``None`` after the last one or if the download has to end."""
        if time.monotonic() > self._until:
            return None
        with _turn:
            started = time.monotonic()
            try:
                keys = next(batches, None)
                if keys is None:
                    self._is_complete = True
                    return None
                rows = self._source.in_bulk(keys)
            except DatabaseError as error:
                logger.error("CSV download interrupted: %s", type(error).__name__)
                return None
            text = "".join(_line(self._cells(rows[key])) for key in keys if key in rows)
            time.sleep(time.monotonic() - started)
            return text


def escape_csv_cell(value: str) -> str:
    """Return the value with an apostrophe wherever a spreadsheet would begin a formula. [OWASP, "CSV
    Injection"]"""
    marked = f"'{value}" if _AT_THE_BEGINNING.match(value) else value
    return _INSIDE.sub(r"\1'", marked)


def identifier(value: str) -> str:
    """Return an ID, with a leading apostrophe if a spreadsheet would read it as a number or a date and change
    it: drop leading zeros, round it to 15 digits, or write 1E5 as 100000. Programs that read the file remove
    an apostrophe at the beginning of a cell, as for ``escape_csv_cell``."""
    return f"'{value}" if _LIKE_A_VALUE.fullmatch(value) and escape_csv_cell(value) == value else value


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(map(escape_csv_cell, cells))
    return text.getvalue()


def _try_later(request: HttpRequest) -> HttpResponseBase:
    context = admin.site.each_context(request) | {"title": _("Too many downloads are running")}
    headers = {"Retry-After": str(_RETRY_SECONDS), "Refresh": str(_RETRY_SECONDS)}
    return TemplateResponse(request, "admin/download_later.html", context, status=429, headers=headers)
