"""Searching without putting what is searched for, a candidate's name or address, into a URL: from
there it would get into histories, bookmarks and logs."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from integrations.encryption.secrets import Secret, SecretUnreadable

_SEALED = "sealed:"
#: Stands inside the seal. Keys are stored under the same encryption: without this, whoever has a copy of
#: the database could have the search box read them out.
_FOR_A_SEARCH = "search:"


def sealed(text: str) -> str:
    """For a URL: only this portal reads it."""
    return _SEALED + Secret(_FOR_A_SEARCH + text).encrypted()


def opened(text: str) -> str:
    """What was sealed for a search; any other text as it stands."""
    if not text.startswith(_SEALED):
        return text
    try:
        inside = Secret(ciphertext=text.removeprefix(_SEALED)).reveal()
    except SecretUnreadable:
        return text
    return inside.removeprefix(_FOR_A_SEARCH) if inside.startswith(_FOR_A_SEARCH) else text


class PrivateSearchChangeList(ChangeList):
    @property
    def words(self) -> str:
        """What the search box shows."""
        return opened(self.query)


class PrivateSearchAdmin(ModelAdmin):
    """The search form is posted, and answered with a redirect to the same list, searched."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PrivateSearchChangeList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        # The list's other form, for actions, has no search field.
        if request.method == "POST" and SEARCH_VAR in request.POST:
            return HttpResponseRedirect(f"{request.path}?{_query_string(request.POST)}")
        return super().changelist_view(request, extra_context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, opened(search_term))


def _query_string(posted: QueryDict) -> str:
    query = posted.copy()
    query.pop("csrfmiddlewaretoken", None)
    words = query.pop(SEARCH_VAR)[-1].strip()
    if words:
        query[SEARCH_VAR] = sealed(words)
    return query.urlencode()
