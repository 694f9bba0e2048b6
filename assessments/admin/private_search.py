"""Search without the search term in the URL.

The term is a candidate's name or e-mail address, and URLs end up in histories, bookmarks and logs. The
search form is therefore posted, and the redirect's URL holds the term encrypted.
"""

from django.contrib.admin.views.main import SEARCH_VAR
from django.http import QueryDict

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


def sealed_query(posted: QueryDict) -> str:
    """The query string of the filtered list, from the search form."""
    query = posted.copy()
    query.pop("csrfmiddlewaretoken", None)
    text = query.pop(SEARCH_VAR)[-1].strip()
    if text:
        query[SEARCH_VAR] = sealed(text)
    return query.urlencode()
