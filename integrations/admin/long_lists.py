"""Lists of tables that grow without end: no page of theirs counts, sorts or skips all rows.

At most ``BATCH_SIZES["counted"]`` rows are counted. If there are more, the list says so, and links lead from
each page to the rows before and after it, however deep it is.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, ChangeList
from django.core.paginator import EmptyPage, Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.functional import cached_property

from integrations.admin.base import TenantModelAdmin
from integrations.web.keyset import Position


class CappedPaginator(Paginator):
    """Counts at most ``most`` rows. A page behind them exists if it has rows."""

    object_list: Any

    @property
    def most(self) -> int:
        """More than a page: the admin reads all rows of a list that fits on one."""
        return max(self.counted(), self.per_page + 1)

    def counted(self) -> int:
        return int(settings.BATCH_SIZES["counted"])

    @cached_property
    def is_capped(self) -> bool:
        return self._found > self.most

    @property
    def count_text(self) -> str:
        return str(number_format(self.count, force_grouping=True))

    @cached_property
    def count(self) -> int:
        return min(self._found, self.most)

    @cached_property
    def _found(self) -> int:
        # Without the order: the database would sort what is only counted.
        return int(self.object_list.order_by()[: self.most + 1].count())

    def validate_number(self, number: Any) -> int:
        try:
            return super().validate_number(number)
        except EmptyPage:
            if int(number) < 1 or not self.is_capped:
                raise
            return int(number)

    def page(self, number: Any) -> Page:
        """The keys first, and then only the rows with them: to skip earlier rows with all that the list
        joins to them takes long."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        keys = list(self.object_list.values_list("pk", flat=True)[first : first + self.per_page])
        if not keys and number > 1:
            raise EmptyPage("That page contains no results")
        rows = self.object_list.order_by().in_bulk(keys)
        return Page([rows[key] for key in keys if key in rows], number, self)


class LongChangeList(ChangeList):
    """The parameter ``p`` is the number of a page, or a ``Position``."""

    is_at_position = False
    #: Positions before and after the rows of this page, if there are more rows.
    previous_page: Position | None = None
    next_page: Position | None = None

    def get_ordering_field(self, field_name: Any) -> Any:
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """By one column, and rows that are equal in it as in the whole list: more combinations would need
        more indexes."""
        if chosen := self.params.get(ORDER_VAR):
            self.params[ORDER_VAR] = chosen.split(".")[0]
        ordering: list[Any] = super().get_ordering(request, queryset)
        default: Any = self.model_admin.get_ordering(request) or self.lookup_opts.ordering
        usual: list[str] = [*default, "-pk"]
        if ordering[0].removeprefix("-") in {name.removeprefix("-") for name in usual}:
            return ordering
        return [ordering[0], *(map(_reversed, usual) if ordering[0].startswith("-") else usual)]

    def get_results(self, request: HttpRequest) -> None:
        position, ordering = Position.parse(request.GET.get(PAGE_VAR, "")), list(self.queryset.query.order_by)
        if position:
            try:
                self.queryset = position.select(self.queryset, ordering)
            except ValueError as error:
                raise IncorrectLookupParameters from error
        super().get_results(request)
        self.result_list = rows = list(self.result_list)
        if position and not position.is_after:
            rows.reverse()
        self.is_at_position = position is not None
        if rows and (position or self.paginator.is_capped):
            has_more = self.multi_page
            if has_more or (position and not position.is_after):
                self.next_page = Position.of(rows[-1], ordering, is_after=True)
            if position and (has_more or position.is_after):
                self.previous_page = Position.of(rows[0], ordering, is_after=False)


def _reversed(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


class LongListAdmin(TenantModelAdmin):
    """The list can be sorted only by the columns in ``sortable_by``, which need an index."""

    paginator = CappedPaginator
    show_full_result_count = False
    sortable_by: ClassVar[list[str]] = []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LongChangeList
