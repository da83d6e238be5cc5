"""Who may work on the databases besides the services: the words of an estate for database clients that are no diallers."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from voxgate.model.where import Names


@dataclass(frozen=True, slots=True)
class ClientWord:
    """One entry of ``[clients]``: a client is allowed if all fits that stands here. Of a client on a host of the estate ``unit``
    (or the image of a container), ``account`` and ``program`` are what root's probe found out of the process that has its end
    open. ``user`` is whom the database knows it as; ``name`` is its own word, and so only narrows what else stands here (empty:
    it has none). ``*`` as in ``Names``.
    """

    unit: str = ""
    account: str = ""
    program: str = ""
    name: str | None = None
    user: str = ""

    def calls(self, name: str, user: str) -> bool:
        """True if it may be called so, and is known to the database so."""
        return (self.name is None or name == self.name or name in Names((self.name,))) and self.user in {"", user}


def network_of(key: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The address, or the network in CIDR form, that a key of ``[clients]`` is; None for a key that is a place."""
    try:
        return ipaddress.ip_network(key)
    except ValueError:
        return None


def is_in(address: str, key: str) -> bool:
    """True if an address is in the network that a key names."""
    network = network_of(key)
    try:
        return network is not None and ipaddress.ip_address(address) in network
    except ValueError:
        return False
