"""Web addresses that somebody else wrote: a staging base URL, a chat's webhook, a report's address.

They are read once and in one way, for the form, for the call and for the link. Libraries disagree about
odd ones: of ``https://inside\\@outside/`` urllib says that it leads outside, and requests calls inside.
So whatever is not plain is no address here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES

#: Justifacts' own reports are under this name, whatever the staging base URL is.
REPORTS_OF_JUSTIFACTS = "justifacts.com"

_NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# Without re.ASCII, small letters match the sign of Kelvin (U+212A) too.
_HOST = re.compile(_NAME, re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(
    rf"(https?)://({_NAME}|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?(?:[/?#].*)?", re.IGNORECASE | re.ASCII
)
#: Names that no public server has. (RFC 6761, RFC 6762, RFC 8375, and ICANN's ``internal``)
_INSIDE = re.compile(r"(?:.*\.)?(?:localhost|local|localdomain|internal|intranet|lan|home|corp|home\.arpa)")
#: How browsers and resolvers know an IPv4 address in any of its forms: by a last part that is a number.
_ENDS_IN_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
#: ::a.b.c.d, an old way to write an IPv4 address as an IPv6 one.
_IPV4_COMPATIBLE = ip_network("::/96")


@dataclass(frozen=True)
class ParsedURL:
    """A plain web address. ``host`` is in small letters, an IPv6 address without its brackets."""

    scheme: str
    host: str
    port: int

    @property
    def is_excepted(self) -> bool:
        """Whether the operator lets it be inside, or plain http (``OUTBOUND_ALLOWED_HOSTS``)."""
        exceptions = {entry.lower() for entry in settings.OUTBOUND_ALLOWED_HOSTS}
        return bool({self.host, f"{self.host}:{self.port}"} & exceptions)


def parse_url(text: str) -> ParsedURL | None:
    """None for what is no plain web address: another scheme, a user name or a password, a backslash,
    blanks, signs that nobody sees, a host that is not written in ASCII or ends in a dot, a bad port."""
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
    """Whether an address is one of the internet's, by what IANA's registries say of it. An IPv6 address
    that stands for an IPv4 one (mapped, 6to4, NAT64) is judged as that one, or is not public."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if any(address in blocked for blocked in EXTRA_BLOCKED_NET_RANGES):
        return False
    if isinstance(address, IPv6Address) and (
        address.is_site_local or address in _IPV4_COMPATIBLE or address.sixtofour or address.teredo
    ):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def validate_outbound_url(value: str) -> None:
    """Says at the form already what would be refused at the call (``http.py``), as far as the text itself
    tells: where a name leads is looked up with each call. Raises ``ValidationError``, which never repeats
    the address: a webhook's is a secret."""
    address = parse_url(value)
    if address is None:
        raise ValidationError(
            _(
                "Enter the whole address, starting with https://. It may hold no user name, no password, no "
                "blanks and no backslash; a name with special letters is written in its xn-- form."
            )
        )
    if "#" in value:
        raise ValidationError(_("The address may hold no user name, no password and no #."))
    if address.is_excepted:
        return
    if address.scheme != "https":
        raise ValidationError(
            _("The address has to start with https://, so that nobody on the way can read what is sent.")
        )
    if _leads_inside(address.host):
        raise ValidationError(
            _("This address leads into a private network. Enter one that is reached from the internet.")
        )


def _leads_inside(host: str) -> bool:
    """As far as the host itself tells. An address in any other than its usual form is none to call."""
    if ":" in host or _ENDS_IN_A_NUMBER.fullmatch(host):
        try:
            return not is_public(ip_address(host))
        except ValueError:
            return True
    return "." not in host or _INSIDE.fullmatch(host) is not None


def hosts_in(text: str) -> list[str]:
    """The names in a text, of which each stands on a line of its own."""
    return [line.strip().lower() for line in text.splitlines() if line.strip()]


def validate_report_hosts(value: str) -> None:
    """Raises ``ValidationError`` for a line that is no name of a public server."""
    hosts = hosts_in(value)
    if len(hosts) > 20:
        raise ValidationError(_("Enter at most 20 names."))
    for host in hosts:
        if not _HOST.fullmatch(host) or _leads_inside(host) or _ENDS_IN_A_NUMBER.fullmatch(host):
            raise ValidationError(
                _(
                    "“%(line)s” is not a server's name. Enter names such as reports.example.com, one a line: "
                    "no https://, no path, no *."
                ),
                params={"line": host[:100]},
            )


def link_refusal(text: str, hosts: Iterable[str]) -> str | Promise:
    """Empty where the text may become a link: https, and of one of the hosts or of Justifacts itself. Else
    a sentence that says why it is shown as text only."""
    address = parse_url(text)
    if address is None:
        return _("This is no link, because it is not a plain web address.")
    if address.scheme != "https" and not address.is_excepted:
        return _("This is no link, because it does not start with https://.")
    of_justifacts = f".{address.host}".endswith(f".{REPORTS_OF_JUSTIFACTS}")
    if not of_justifacts and address.host not in hosts:
        return _(
            "This is no link, because reports of this organization are not expected at that server. An admin "
            "of the organization can add it on the connection's page."
        )
    return ""
