"""Search without the search term in the URL.

The term is a candidate's name or e-mail address, and URLs end up in histories, bookmarks and logs. The
search form is therefore posted, and the redirect's URL holds the term encrypted.
"""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from integrations.encryption.secrets import Secret, SecretUnreadable

_SEALED = "sealed:"
#: Part of the encrypted text. API keys are encrypted with the same key: without this prefix, anyone with a
#: copy of the database could let the search box decrypt them.
_PURPOSE = "search:"


def sealed(text: str) -> str:
    """The search term, encrypted for a URL."""
    return _SEALED + Secret(_PURPOSE + text).encrypted()


def opened(text: str) -> str:
    """The search term that ``sealed`` encrypted; any other text unchanged."""
    if not text.startswith(_SEALED):
        return text
    try:
        revealed = Secret(ciphertext=text.removeprefix(_SEALED)).reveal()
    except SecretUnreadable:
        return text
    return revealed.removeprefix(_PURPOSE) if revealed.startswith(_PURPOSE) else text


class PrivateSearchChangeList(ChangeList):
    @property
    def search_text(self) -> str:
        """The decrypted search term, for the search box."""
        return opened(self.query)


class PrivateSearchAdmin(ModelAdmin):
    """Answers the posted search form with a redirect to the filtered list."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PrivateSearchChangeList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        # The form for actions is posted here too; it has no search field.
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
    text = query.pop(SEARCH_VAR)[-1].strip()
    if text:
        query[SEARCH_VAR] = sealed(text)
    return query.urlencode()
