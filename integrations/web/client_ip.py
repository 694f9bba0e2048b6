"""The address of a client, behind the operator's proxies."""

import ipaddress
from collections.abc import Mapping

from django.conf import settings


def client_address(meta: Mapping[str, object]) -> str:
    """Return the client's address; for IPv6 its /64 network, because a household has one.

    Each proxy appends the address that it received the request from to X-Forwarded-For. A client can forge
    all entries except the last ``TRUSTED_PROXY_HOPS``.
    """
    address = str(meta.get("REMOTE_ADDR") or "")
    if hops := settings.TRUSTED_PROXY_HOPS:
        forwarded = [part.strip() for part in str(meta.get("HTTP_X_FORWARDED_FOR") or "").split(",")]
        address = forwarded[-hops] if len(forwarded) >= hops and forwarded[-hops] else address
    try:
        ip = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        # A Unix socket, or an address with a port.
        return address[:100]
    if ip.version == 6 and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip.ipv4_mapped if ip.version == 6 else ip)
