"""Who calls: the address of the other end, seen through the proxies that the operator has named."""

import ipaddress
from collections.abc import Mapping

from django.conf import settings


def client_address(meta: Mapping[str, object]) -> str:
    """The caller's address; of an IPv6 one its network (/64), as one household has that many.

    Each proxy adds whom it has heard to the right of X-Forwarded-For, so that only the last
    ``TRUSTED_PROXY_HOPS`` entries are not the caller's own words.
    """
    address = str(meta.get("REMOTE_ADDR") or "")
    if hops := settings.TRUSTED_PROXY_HOPS:
        heard = [part.strip() for part in str(meta.get("HTTP_X_FORWARDED_FOR") or "").split(",")]
        address = heard[-hops] if len(heard) >= hops and heard[-hops] else address
    return _network(address)


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        # A unix socket, or a proxy that adds the port: as it stands.
        return address[:100]
    if ip.version == 6 and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip.ipv4_mapped if ip.version == 6 else ip)
