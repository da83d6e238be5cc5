"""How people reach the console, as the estate says it."""

from __future__ import annotations

from dataclasses import dataclass

HTTP, HTTPS = 80, 443
DAYS = 14  # a certificate of ninety days is renewed thirty days before its end


@dataclass(frozen=True, slots=True)
class Front:
    """The address that people type: ``https://<name>:<port>``, or http where not ``tls``.

    ``ca`` is a file on the gate with the authorities that vouch for it, None for those of the gate's system; its certificate must
    be good for ``days`` more. ``plain`` is the port on which the hosts are asked by http, where TLS ends before them. ``at`` is
    where the name is found from outside, where that is not the hosts themselves: a balancer's address or name.
    """

    name: str
    port: int
    tls: bool
    ca: str | None = None
    days: int = DAYS
    plain: int | None = None
    at: str | None = None

    @property
    def url(self) -> str:
        """As people type it."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @property
    def authority(self) -> str:
        """As a browser names it in a request: the port only where it is not the usual one."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == (HTTPS if self.tls else HTTP) else f"{name}:{self.port}"

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What a request for it says, be it the browser's or that of what ends its TLS."""
        told = (("X-Forwarded-Proto", "https"),) if self.tls and self.plain is not None else ()
        return (("Host", self.authority), *told)

    @property
    def served_by_tls(self) -> bool:
        """True where the hosts themselves show the certificate."""
        return self.tls and self.plain is None

    @property
    def own_port(self) -> int:
        """The port on which the hosts answer for it."""
        return self.port if self.plain is None else self.plain
