"""The rules of an estate file that no schema can see: hosts, databases and services that mean one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from voxgate.contracts.agents import why_no_agent
from voxgate.errors import EstateError
from voxgate.model.clients import is_in, network_of
from voxgate.model.database import Database
from voxgate.model.estate import Estate
from voxgate.model.nearest import nearest
from voxgate.model.service import Role
from voxgate.model.where import EVERYWHERE, Names, is_called

PEOPLES = ("/home/", "/tmp/", "/var/tmp/", "/dev/")  # noqa: S108 - refused there, not used


def judge_estate(estate: Estate, file: str) -> None:
    """Raises EstateError for what no schema can see: what the parts mean together."""
    if file != f"{estate.name}.toml":
        raise EstateError(f"calls itself {estate.name!r}", where=f"{file} [estate]", hint="name = the file's name")
    _judge_hosts(estate, file)
    _judge_databases(estate, file)
    _judge_places("estate.changes", dict.fromkeys(estate.changes), estate, file)
    _judge_places("listeners", estate.listeners or {}, estate, file)
    _judge_places("boot", estate.boot, estate, file)
    _judge_places("jobs", estate.jobs, estate, file)
    for word, table in (("keys", estate.keys or {}), ("sudo", estate.sudo), ("sshd", estate.sshd)):
        _judge_places(word, table, estate, file)
    _judge_places("units", estate.units, estate, file)
    _judge_places("environment", estate.environment, estate, file)
    _judge_places("preload", estate.preload, estate, file)
    _judge_libraries(estate, file)
    _judge_places("programs", estate.programs, estate, file)
    _judge_programs(estate, file)
    _judge_places("agents", estate.agents, estate, file)
    _judge_agents(estate, file)
    _judge_reach("boot", estate.boot, estate, file)
    _judge_clients(estate, f"{file} [clients]")
    _judge_reach("jobs", {place: [one.where for one in jobs] for place, jobs in estate.jobs.items()}, estate, file)
    for store in (one for one in estate.stores if not one.addresses):
        _must_be_a_host("host", store.host, estate, f"{file} [stores.{store.name}]")
    if estate.seen_from is not None:
        _must_be_a_host("seen_from", estate.seen_from, estate, f"{file} [console]")
    if estate.called_from is not None:
        _must_be_a_host("called_from", estate.called_from, estate, f"{file} [fleet]")
    _judge_front(estate, f"{file} [console]")
    for service in estate.services:
        if not estate.hosts_of(service):
            place = "[databases]" if service.name == "dialler" else "[hosts]"
            what = f"no host for the {service.name}"
            hint = "say which host is its database's dialler" if service.name == "dialler" else f"role {service.role}"
            others = ", ".join(f'"{one.name}"' for one in estate.services if one != service)
            hint += f"; or, if this environment has none: [estate] services = [{others}]" if others else ""
            raise EstateError(what, where=f"{file} {place}", hint=hint)
    for database in estate.databases:
        if not any(service.name == "dialler" for service in estate.services):
            where = f"{file} [databases.{database.name}]"
            raise EstateError("a database's dialler, and no service is the dialler", where=where, hint="leave out [databases]")


def _judge_front(estate: Estate, where: str) -> None:
    """What is said of the console's address goes with one; who asks for it is known; its own name is nobody else's; and what a
    service keeps is for nobody who asks.
    """
    for root in (one.rstrip("/") for one in estate.web_roots):
        kept = (
            one.folder for one in estate.services if f"{one.folder}/".startswith(f"{root}/") or root.startswith(f"{one.folder}/")
        )
        if folder := next(kept, None):
            raise EstateError(f"web_roots names {root}", where=where, why=f"{folder} is a service's: its .env is for nobody")
    front = estate.front
    if front is None:
        return
    if estate.seen_from is None:
        raise EstateError("url needs seen_from", where=where, hint="seen_from = the host that asks for it as people do")
    if not front.tls:
        said = (key for key, value in (("ca", front.ca), ("plain", front.plain), ("at", front.at)) if value is not None)
        if key := next(said, None):
            raise EstateError(f"{key} goes with an https url", where=where, why=f"url is {front.url}")
    if front.name in {one.lower() for one in estate.others}:
        raise EstateError(f"others names {front.name}", where=where, why="that is the console's own name, by url")


def _must_be_a_host(key: str, name: str, estate: Estate, where: str) -> None:
    """``key = name`` names a host of the estate."""
    known = sorted(host.name for host in estate.hosts)
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near!r}?" if near else f"hosts: {', '.join(known)}"
        raise EstateError(f"{key} = {name!r} is no host of this estate", where=where, hint=hint)


def _judge_places(word: str, table: Mapping[str, object], estate: Estate, file: str) -> None:
    """Each key of a table by place is ``all``, a role, a host of the estate, or a name with ``*`` that hosts have."""
    known = [EVERYWHERE, *map(str, Role), *sorted(host.name for host in estate.hosts)]
    for key in table:
        if key not in known and not any(is_called(host, key) for host in estate.hosts):
            near = nearest(key, known)
            hint = f"did you mean {near!r}?" if near else f"keys here: {', '.join(dict.fromkeys(known))}"
            raise EstateError(f"{key!r} is no role and no host of this estate", where=f"{file} [{word}]", hint=hint)


def _judge_reach(word: str, table: Mapping[str, Iterable[str]], estate: Estate, file: str) -> None:
    """No entry with ``*`` reaches the services' own units: what they are called is nobody's to be."""
    own = {unit.unit for unit in estate.placed_units}
    for key, entries in table.items():
        for entry in (one for one in entries if "*" in one):
            if taken := min((unit for unit in own if unit in Names((entry,))), default=None):
                what = f"{entry!r} also means {taken}, a unit of the services"
                raise EstateError(what, where=f"{file} [{word}.{key}]", hint="write more of its name before the *")


def _judge_clients(estate: Estate, where: str) -> None:
    """Each entry says who it is by more than the client's own word, and none is called as a service or the gate is."""
    places = {key: rows for key, rows in estate.clients.items() if network_of(key) is None}
    known = [EVERYWHERE, *map(str, Role), *sorted(host.name for host in estate.hosts)]
    for key in places:
        if key not in known and not any(is_called(host, key) for host in estate.hosts):
            near = nearest(key, known)
            hint = f"did you mean {near!r}?" if near else f"keys here: {', '.join(dict.fromkeys(known))}, or an address"
            raise EstateError(f"{key!r} is no role, no host and no address", where=where, hint=hint)
    own = [one.app_name or one.repository for one in estate.services]
    for key, rows in estate.clients.items():
        network = network_of(key)
        if network is not None:
            _judge_network(key, network.prefixlen, network.version, estate, where)
        for row in rows:
            if network is None and not (row.unit or row.account):
                why = "what a client on a host calls itself is its own word"
                hint = 'say its unit or its account: { unit = "mongodb_exporter.service" }'
                raise EstateError(f"{key}: an entry without unit and account", where=where, why=why, hint=hint)
            if network is not None and (row.unit or row.account or row.program or (row.name is None and not row.user)):
                why = "of a client at an address the database alone tells"
                hint = f'say what it is called there: "{key}" = [{{ name = "MongoDB Compass", user = "alice" }}]'
                raise EstateError(f"{key}: an entry has name or user here, and nothing else", where=where, why=why, hint=hint)
            if taken := next((name for name in own if row.name and name in Names((row.name,))), None):
                raise EstateError(f"{key}: {row.name!r} is how {taken} calls itself", where=where, hint="nobody else may")


def _judge_network(key: str, length: int, version: int, estate: Estate, where: str) -> None:
    """A network is one that somebody has, and no host of the estate is in it: what is there is seen by its processes."""
    least = {4: 16, 6: 48}[version]
    if length < least:
        raise EstateError(f"{key} is too large a network", where=where, hint=f"at least /{least}: who works on the database?")
    inside = next((host.name for host in estate.hosts if is_in(host.address, key)), None)
    if inside or is_in("127.0.0.1", key) or is_in("::1", key):
        what = f"{key} is an address of {inside or 'every host'}"
        raise EstateError(what, where=where, hint=f"name the host, and the unit: {inside or 'data'} = [...]")


def _judge_libraries(estate: Estate, file: str) -> None:
    """No library of an agent's lies in the folder of a service: what is there is the release's."""
    for place, entries in estate.preload.items():
        for entry in entries:
            inside = next((service.folder for service in estate.services if entry.startswith(f"{service.folder}/")), None)
            if inside or entry.startswith(PEOPLES):
                why = f"{inside} is a service's" if inside else "that is where people put what is theirs"
                raise EstateError(f"{entry} is no agent's library", where=f"{file} [preload.{place}]", why=why)


def _judge_programs(estate: Estate, file: str) -> None:
    """No program of the services' own units, and none that lies where people put what is theirs."""
    _judge_reach("programs", estate.programs, estate, file)
    own = {unit.unit for unit in estate.placed_units}
    for place, entries in estate.programs.items():
        for entry in entries:
            if entry in own or entry.startswith((*PEOPLES, *(f"{service.folder}/" for service in estate.services))):
                why = "a service runs its own code there" if entry in own else "a program that stays is installed elsewhere"
                raise EstateError(f"{entry} is nobody else's program", where=f"{file} [programs.{place}]", why=why)


def _judge_agents(estate: Estate, file: str) -> None:
    """No agent is one of the services, or livekit, by its image or project, and none has a folder of theirs."""
    for place, agents in estate.agents.items():
        for agent in agents:
            (image,) = agent.images
            if no_agent := why_no_agent(image, agent.project, agent.mounts, estate):
                raise EstateError(**no_agent, where=f"{file} [agents.{place}]")


def _judge_hosts(estate: Estate, file: str) -> None:
    """Each address once; workers where the fleet is and nowhere else."""
    counted = Counter((host.address, host.port) for host in estate.hosts)
    for host in estate.hosts:
        where = f"{file} [hosts.{host.name}]"
        if counted[host.address, host.port] > 1:
            twins = [other.name for other in estate.hosts if (other.address, other.port) == (host.address, host.port)]
            why = f"{' and '.join(twins)} have {host.address}"
            raise EstateError("the same address stands twice", where=where, why=why)
        if (Role.FLEET in host.roles) != (host.workers > 0):
            what = "a fleet host needs workers" if Role.FLEET in host.roles else "only a fleet host has workers"
            raise EstateError(what, where=where, hint='workers = 3 and roles = ["fleet"] go together')


def _place(uri: str | None) -> str | None:
    """Which database a URI means, whatever its options: scheme, hosts in any order, name."""
    if uri is None:
        return None
    scheme, _, rest = uri.partition("://")
    hosts, _, name = rest.partition("?")[0].partition("/")
    return f"{scheme}://{','.join(sorted(hosts.lower().split(',')))}/{name}"


def _judge_way(database: Database, estate: Estate, where: str) -> None:
    """How a database is asked, and by which addresses it sees the estate, can be meant."""
    for address in database.seen_as:
        own = next((host.name for host in estate.hosts if is_in(host.address, address)), None)
        if network_of(address) is None or "/" in address or own or is_in("127.0.0.1", address) or is_in("::1", address):
            why = f"it is {own}'s own" if own else "an address of a gateway before the server is meant"
            raise EstateError(f"seen_as {address}", where=where, why=why)
    if database.via is not None and (database.uri or "").startswith("mongodb+srv:"):
        hint = "leave out via: the gate asks it from where it runs"
        raise EstateError("a mongodb+srv address cannot be asked through a host", where=where, hint=hint)


def _judge_databases(estate: Estate, file: str) -> None:
    """Each database has one dialler, each dialler one database, and it stands on a SIP host."""
    owners: dict[str, str] = {}
    ports: dict[tuple[str, int | None], str] = {}
    templated = any(service.name == "dialler" and service.is_template for service in estate.services)
    places: dict[tuple[str | None, ...], str] = {}
    for database in estate.databases:
        where = f"{file} [databases.{database.name}]"
        twin = places.setdefault((_place(database.uri), database.uri_env, database.via), database.name)
        if twin != database.name:
            why = f"{twin} and {database.name} have the same address: two diallers would dial on it"
            raise EstateError("the same database stands twice", where=where, why=why)
        for key, name in (("dialler", database.dialler), ("via", database.via)):
            if name is not None:
                _must_be_a_host(key, name, estate, where)
        _judge_way(database, estate, where)
        if Role.SIP not in estate.host(database.dialler).roles:
            what = f"its dialler {database.dialler} is not a SIP host"
            raise EstateError(what, where=where, hint='the dialler stands where roles has "sip"')
        if database.dialler in owners and not templated:
            why = f"it already dials on {owners[database.dialler]}: one dialler works for one database"
            hint = 'unit = "voxdialler@.service" in services.toml makes one for each, and port = .. here says where it answers'
            raise EstateError(f"{database.dialler} cannot dial on two databases", where=where, why=why, hint=hint)
        owners[database.dialler] = database.name
        usual = next((one.health.port for one in estate.services if one.name == "dialler" and one.health is not None), None)
        twin = ports.setdefault((database.dialler, database.port or usual), database.name)
        if twin != database.name:
            what = f"the diallers of {twin} and {database.name} answer on one port of {database.dialler}"
            raise EstateError(what, where=where, hint="port = 8091: one for each database")
