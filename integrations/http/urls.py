"""Validates URLs that come from outside: a staging base URL, a chat webhook, the URL of a report.

Forms, calls and links all parse a URL with the same function. Libraries disagree about odd URLs: for
``https://inside\\@outside/`` urllib reads the host ``outside``, and requests connects to ``inside``. So a URL
that is not plain is refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: Justifacts' own reports are at this domain, whatever the staging base URL is.
REPORTS_OF_JUSTIFACTS = "justifacts.com"

_NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# Without re.ASCII, IGNORECASE lets "k" match the Kelvin sign (U+212A).
_HOST = re.compile(_NAME, re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(
    rf"(https?)://({_NAME}|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?(?:[/?#].*)?", re.IGNORECASE | re.ASCII
)
#: Host names that are never public. (RFC 6761, RFC 6762, RFC 8375, and ICANN's ``internal``)
_INSIDE = re.compile(r"(?:.*\.)?(?:localhost|local|localdomain|internal|intranet|lan|home|corp|home\.arpa)")
#: Browsers and resolvers read a host whose last label is a number as an IPv4 address, in any of its forms.
_ENDS_IN_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
#: ::a.b.c.d, a deprecated way to write an IPv4 address as an IPv6 address.
_IPV4_COMPATIBLE = ip_network("::/96")


@dataclass(frozen=True)
class ParsedURL:
    """A plain URL. ``host`` is in lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def is_excepted(self) -> bool:
        """Whether the operator allows it to be private or plain http (``OUTBOUND_ALLOWED_HOSTS``)."""
        exceptions = {entry.lower() for entry in settings.OUTBOUND_ALLOWED_HOSTS}
        return bool({self.host, f"{self.host}:{self.port}"} & exceptions)


def parse_url(text: str) -> ParsedURL | None:
    """Parses a URL; None if it is not plain http or https: with a user name or a password, a backslash, a
    blank or an invisible character, a host that is not ASCII or ends in a dot, or a bad port."""
    if "\\" in text or " " in text or not text.isprintable():
        return None
    found = _PLAIN.fullmatch(text)
    if found is None:
        return None
    scheme, host = found[1].lower(), found[2].strip("[]").lower()
    port = int(found[3] or (443 if scheme == "https" else 80))
    return ParsedURL(scheme, host, port) if 0 < port < 65536 and _is_host(host) else None


def _is_host(host: str) -> bool:
    if ":" not in host:
        return len(host) <= 253
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an IP address is public, by IANA's registries. An IPv4-mapped IPv6 address is public if its
    IPv4 address is; other IPv6 forms of IPv4 addresses (6to4, NAT64) are not public."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    # Every model of a URL imports this module, and requests takes a tenth of a second to import.
    from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES

    if any(address in blocked for blocked in EXTRA_BLOCKED_NET_RANGES):
        return False
    if isinstance(address, IPv6Address) and (
        address.is_site_local or address in _IPV4_COMPATIBLE or address.sixtofour or address.teredo
    ):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def validate_outbound_url(value: str) -> None:
    """Refuses in a form what ``http.py`` would refuse to call, as far as the text shows it: host names are
    resolved with each call. Raises ``ValidationError``, which never repeats the URL, because that of a
    webhook is a secret."""
    address = parse_url(value)
    if address is None:
        raise ValidationError(
            _(
                "Enter the complete URL, starting with https://. It must not contain a user name, "
                "a password, spaces or a backslash. Write an internationalized host name in its "
                "xn-- form."
            )
        )
    if "#" in value:
        raise ValidationError(_("The URL must not contain a user name, a password or #."))
    if address.is_excepted:
        return
    if address.scheme != "https":
        raise ValidationError(
            _("The URL must start with https://, so that nobody can read the data in transit.")
        )
    if leads_inside(address.host):
        raise ValidationError(
            _("This URL points to a private network. Enter one that is reachable from the internet.")
        )


def leads_inside(host: str) -> bool:
    """Whether a host is private, as far as its text shows it. An IP address that is not in its usual form is
    refused."""
    if ":" in host or _ENDS_IN_A_NUMBER.fullmatch(host):
        try:
            return not is_public(ip_address(host))
        except ValueError:
            return True
    return "." not in host or _INSIDE.fullmatch(host) is not None


def hosts_in(text: str) -> list[str]:
    """The host names in a text, one a line, in lower case."""
    return [line.strip().lower() for line in text.splitlines() if line.strip()]


def validate_report_hosts(value: str) -> None:
    """Raises ``ValidationError`` for a line that is not the name of a public server, or for too many
    lines."""
    hosts = hosts_in(value)
    if len(hosts) > 20:
        raise ValidationError(_("Enter at most 20 host names."))
    for host in hosts:
        if not _HOST.fullmatch(host) or leads_inside(host) or _ENDS_IN_A_NUMBER.fullmatch(host):
            raise ValidationError(
                _(
                    "“%(line)s” is not a host name. Enter names such as reports.example.com, one per "
                    "line, without https://, path or *."
                ),
                params={"line": host[:100]},
            )


def link_refusal(text: str, hosts: Iterable[str]) -> str | Promise:
    """Empty if a report's URL may become a link: https, at one of ``hosts`` or at Justifacts itself.
    Otherwise a sentence that says why it is shown as text only."""
    address = parse_url(text)
    if address is None:
        return _("Not shown as a link, because it is not a valid web address.")
    if address.scheme != "https" and not address.is_excepted:
        return _("Not shown as a link, because it does not start with https://.")
    of_justifacts = f".{address.host}".endswith(f".{REPORTS_OF_JUSTIFACTS}")
    if not of_justifacts and address.host not in hosts:
        return _(
            "Not shown as a link, because this organization's reports are not expected at that "
            "host. An admin of the organization can add the host on the connection's page."
        )
    return ""
