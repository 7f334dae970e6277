"""Which IP addresses belong to the public internet."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The only IPv6 addresses that IANA has given out for single hosts of the public internet."""
NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
PROTOCOL_ASSIGNMENTS = IPv4Network("192.0.0.0/24")
"""RFC 6890: not all of it is private to every Python; some clouds have their metadata there."""


def is_public(text: str) -> bool:
    """Tell whether an IP address is that of a single host of the public internet.

    An IPv6 address that stands for an IPv4 one (mapped, NAT64, 6to4) is what that one is.
    """
    try:
        address = _meant(ip_address(text))
    except ValueError:
        return False
    is_given_out = (
        address in GLOBAL_UNICAST
        if isinstance(address, IPv6Address)
        else address not in PROTOCOL_ASSIGNMENTS
    )
    return is_given_out and address.is_global and not address.is_multicast


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address
