"""nginx and HAProxy on a host, as they run and as they are configured. All of it as found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from voxgate.model.forms import Later, Natural, Number, Shown, Whole

SITES_AT_MOST = 200  # servers of one nginx
NAMES_AT_MOST = 100  # of one of them: the page is asked for by each
ROUTES_AT_MOST = 201  # of one of them: the probe tells 200, and that there are more


@dataclass(frozen=True, slots=True)
class RouteFact:
    """What a server of nginx does ``where`` (a location as it is written, or ``server``) with what it is asked for: it ``serves``
    a folder, ``answers`` itself with a type, ``passes`` on to an address, ``sends`` people to one, ``changes`` what it serves or
    ``runs`` code by a directive, ``tells apart`` who asks by a variable; ``more`` where there is more than is told.
    """

    where: Whole
    does: Annotated[str, Meta(pattern=r"^(serves|answers|passes|sends|changes|runs|tells apart|more)\Z")]
    to: Whole


@dataclass(frozen=True, slots=True)
class SiteFact:
    """One server of nginx: where it listens, by which names it is asked for, whether it serves files, and all that it does with
    what it is asked for, nothing where an earlier probe did not look.
    """

    listens: tuple[Whole, ...]
    names: Annotated[tuple[Whole, ...], Meta(max_length=NAMES_AT_MOST)]
    serves: bool
    routes: Annotated[tuple[RouteFact, ...], Meta(max_length=ROUTES_AT_MOST), Later()] = ()


@dataclass(frozen=True, slots=True)
class MadeOfFact:
    """What a configuration is made of. ``files`` maps each file that it reads to the sha256 of what that says, its first three
    digits where who asks may not read it himself, or ``unreadable``; ``links`` where a link leads; ``vouched`` are those that are
    as a package of the distribution brought them; ``more`` is how many files there are besides.
    """

    files: Mapping[Whole, Annotated[str, Meta(pattern=r"^([0-9a-f]{64}|[0-9a-f]{3}|unreadable)\Z")]]
    links: Mapping[Whole, Whole] = field(default_factory=dict)
    vouched: tuple[Whole, ...] = ()
    more: Natural = 0

    @property
    def own(self) -> dict[str, str]:
        """The files that no package brought so, each with what is known of what it says."""
        vouched = frozenset(self.vouched)
        return {path: digest for path, digest in self.files.items() if path not in vouched}

    def paths(self, path: str) -> tuple[str, ...]:
        """What a file may be called: by its path, and by where the link there leads."""
        return (path, self.links[path]) if path in self.links else (path,)


@dataclass(frozen=True, slots=True)
class NginxFact:
    """nginx as it runs and as it is configured. ``masters`` are the master processes' own words; ``status`` of ``nginx -T``;
    ``flaws`` the place it names; ``changed`` the newest change of any file of the configuration; ``workers`` since when;
    ``roots`` every folder that it is told to serve; ``config`` the file that it reads where it is told of no other;
    ``doubts`` what calls itself nginx and is not, and files of its configuration that others than root can change; ``made_of``
    the files that it reads, None where nobody asked it or an earlier probe did not look.
    """

    masters: tuple[Whole, ...]
    status: int
    flaws: Shown
    changed: Number
    workers: tuple[Number, ...]
    roots: tuple[Whole, ...]
    config: Whole
    sites: Annotated[tuple[SiteFact, ...], Meta(max_length=SITES_AT_MOST)]
    doubts: tuple[Shown, ...] = ()
    made_of: Annotated[MadeOfFact | None, Later()] = None


@dataclass(frozen=True, slots=True)
class ServerFact:
    """One server of HAProxy, by its own words; ``weight`` 0 also where it is for emergencies only. ``sent``: how many connections
    the probe tried there, and for how many of them the first packet had to be sent again.
    """

    backend: Whole
    name: Whole
    address: Whole
    status: Whole
    checked: bool
    weight: Natural
    sent: Annotated[tuple[Natural, Natural], Later()] = (0, 0)


@dataclass(frozen=True, slots=True)
class HaproxyFact:
    """HAProxy as it says itself; ``started`` is the newest of its processes, ``changed`` its configuration's newest change;
    ``doubts`` what calls itself so and is not, and what of its own others than root can change; ``led_to`` the backends that its
    configuration leads calls to (``*``: to any, by each call), None where an earlier probe did not look; ``made_of`` as nginx's.
    """

    running: bool
    started: Number
    changed: Number
    servers: tuple[ServerFact, ...]
    doubts: tuple[Shown, ...] = ()
    led_to: Annotated[tuple[Whole, ...] | None, Later()] = None
    made_of: Annotated[MadeOfFact | None, Later()] = None
