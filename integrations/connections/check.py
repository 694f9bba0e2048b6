"""The connection test: calls both endpoints and reports what has to be fixed."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.ashby.client import KeyInfo
from integrations.connections.clients import ashby_client, justifacts_client
from integrations.connections.endpoints import Endpoint
from integrations.connections.health import problem_fields
from integrations.connections.pauses import resume
from integrations.http.errors import CallFailed, Unauthorized
from integrations.models import Connection


@dataclass(frozen=True)
class Finding:
    """One line of a connection test. ``state``: ``ok``, ``advice`` (works, could be better), ``problem``."""

    side: str
    state: str
    text: str

    @property
    def ok(self) -> bool:
        return self.state != "problem"


def check(connection: Connection) -> list[Finding]:
    """Call both endpoints now; report for each whether it works and what to fix. A working Ashby key resumes
    paused deliveries."""
    return [*check_ashby(connection), check_justifacts(connection)]


def check_ashby(connection: Connection) -> list[Finding]:
    """Report whether Ashby accepts the selected key and lets it write candidates, possibly with advice.
    Resumes paused deliveries if so."""
    now = timezone.now()
    try:
        info = _key_info(connection)
    except CallFailed as error:
        return [_record(connection, Endpoint.ASHBY, "problem", error.message, now)]
    resume(connection.organization)
    text = _("The key “%(key)s” works and may update candidates.") % {"key": info.title}
    return [_record(connection, Endpoint.ASHBY, "ok", text, now), *_advice(info)]


def check_justifacts(connection: Connection) -> Finding:
    """Report whether Justifacts accepts the verification key and returns its packages."""
    now = timezone.now()
    try:
        text = _list_packages(connection)
    except CallFailed as error:
        return _record(connection, Endpoint.JUSTIFACTS, "problem", error.message, now)
    return _record(connection, Endpoint.JUSTIFACTS, "ok", text, now)


def _record(connection: Connection, endpoint: Endpoint, state: str, text: str, now: datetime) -> Finding:
    finding = Finding(endpoint.label, state, text)
    changes = {"checked_at": now, **problem_fields(endpoint, "" if finding.ok else text, now)}
    if finding.ok:
        changes[endpoint.columns.last_success_at] = now
    Connection.objects.filter(pk=connection.pk).update(**changes)
    return finding


def _key_info(connection: Connection) -> KeyInfo:
    try:
        info = replace(ashby_client(connection), others=()).key_info()
    except Unauthorized as error:
        if error.answer.status is None:
            raise  # No call was made: there is no key to use.
        text = _(
            "Ashby refused the key (%(why)s). In Ashby, open Admin > Integrations > API Keys, "
            "create a key for Justifacts with Read All and Write All, then select it here."
        )
        raise Unauthorized(text % {"why": error.message}) from None
    if not info.may_update_candidates:
        text = _(
            "The key “%(key)s” may not write candidates, so Ashby would refuse every update. "
            "In Ashby, open Admin > Integrations > API Keys and give the key Write All."
        )
        raise Unauthorized(text % {"key": info.title})
    return info


def _advice(info: KeyInfo) -> list[Finding]:
    """A key with more scopes than the portal needs is an avoidable risk."""
    if not info.unneeded_scopes:
        return []
    shown = info.unneeded_scopes[:5] + (["…"] if len(info.unneeded_scopes) > 5 else [])
    text = _(
        "The key has far more scopes than the portal needs (%(scopes)s). It needs "
        "candidates:write, jobs:read and apiKeys:read. An Ashby admin can create a key "
        "with only these scopes, then select it here."
    )
    return [Finding("Ashby", "advice", text % {"scopes": ", ".join(shown)})]


def _list_packages(connection: Connection) -> str:
    try:
        packages = replace(justifacts_client(connection), others=()).packages()
    except Unauthorized as error:
        text = _("Justifacts refused the verification key (%(why)s). Enter the key from Justifacts' e-mail.")
        raise Unauthorized(text % {"why": error.message}) from None
    text = ngettext(
        "The verification key works; Justifacts offers %(count)d package.",
        "The verification key works; Justifacts offers %(count)d packages.",
        len(packages.entries),
    )
    return f"{text % {'count': len(packages.entries)}} {packages.problem}".rstrip()
