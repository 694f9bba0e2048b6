"""The self-test: calls the portal at its public URL as Ashby will.

It makes four calls, which order nothing: the list of packages; the list with a wrong key; the list at the URL
with two slashes, which Ashby builds from a base URL that ends in a slash; and the custom fields.
"""

import secrets
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from integrations.connections.check import Finding
from integrations.connections.clients import justifacts_client
from integrations.http import client
from integrations.http.errors import Answer, CallFailed, NotSent, Unauthorized
from integrations.models import Connection

#: Marks calls of the self-test, so that they do not count as Ashby's first call.
HEADER = "X-Portal-Self-Test"
_signer = signing.TimestampSigner(salt="self-test")


def is_self_test(header: str | None) -> bool:
    """Whether the value of ``HEADER`` was made by a self-test within the last minute."""
    try:
        return bool(header) and bool(_signer.unsign(str(header), max_age=60))
    except signing.BadSignature:
        return False


def play_ashby(connection: Connection) -> Iterator[Finding]:
    """Yield a finding for each call as it ends. If the portal cannot be reached, there is only one."""
    if not connection.verification_key:
        yield _finding("problem", _("Not tested: there is no verification key yet. Enter it in step 2."))
        return
    try:
        key = justifacts_client(connection).key
        count = len(_results(key, "/assessment.list", "results"))
    except CallFailed as error:
        yield _finding("problem", _unreachable(error))
        return
    values = {"address": connection.ashby_base_url, "count": count}
    if count:
        yield _finding("ok", _("Ashby finds %(count)d assessment types at %(address)s.") % values)
    else:
        text = _("The portal responds at %(address)s but has no packages yet. Fetch them in step 5.")
        yield _finding("advice", text % values)
    yield _wrong_key()
    yield _double_slash(key)
    yield _custom_fields(key)


def _finding(state: str, text: str) -> Finding:
    return Finding("Portal", state, text)


def _wrong_key() -> Finding:
    try:
        _call(secrets.token_urlsafe(24), "/assessment.list")
    except Unauthorized:
        return _finding("ok", _("A wrong key is refused."))
    except CallFailed as error:
        return _finding("problem", _unreachable(error))
    text = _(
        "A wrong key was accepted, so something in front of the portal is responding in its place. An "
        "operator has to check the proxy."
    )
    return _finding("problem", text)


def _double_slash(key: str) -> Finding:
    try:
        _results(key, "//assessment.list", "results")
    except CallFailed as error:
        text = _(
            "The URL with two slashes, which Ashby builds from a base URL that ends in a slash, does not "
            "work: %(why)s An operator has to check the proxy."
        )
        return _finding("problem", text % {"why": error.sentence})
    return _finding("ok", _("The URL works with one slash and with two."))


def _custom_fields(key: str) -> Finding:
    try:
        count = len(_results(key, "/assessment.customField.list", "fields"))
    except CallFailed as error:
        return _finding("problem", _unreachable(error))
    return _finding("ok", _("Custom fields: %(count)d.") % {"count": count})


def _results(key: str, path: str, name: str) -> list[Any]:
    found = _call(key, path).body.get(name)
    return found if isinstance(found, list) else []


def _call(key: str, path: str) -> Answer:
    url, headers = f"{settings.PORTAL_BASE_URL}/ashby{path}", {HEADER: _signer.sign("ashby")}
    return client.post(client.OutboundCall(url, {}, headers, to_ourselves=True), key=key)


def _unreachable(error: CallFailed) -> str:
    if isinstance(error, Unauthorized):
        text = _(
            "The portal refused the verification key as Ashby sends it: %(why)s If the connection is "
            "enabled, an operator has to check the proxy: it must forward the Authorization header."
        )
    elif isinstance(error, NotSent):
        text = _(
            "The portal could not be reached at its public URL %(address)s: %(why)s Ashby will not reach it "
            "either. An operator has to fix the URL (PORTAL_BASE_URL), its DNS name or its certificate."
        )
    else:
        text = _(
            "At its public URL %(address)s the portal did not respond as Ashby expects: %(why)s An operator "
            "has to check the proxy in front of the portal."
        )
    return text % {"address": settings.PORTAL_BASE_URL, "why": error.sentence}
