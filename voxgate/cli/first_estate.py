"""``voxgate draft --host ROLE=ADDRESS ..``: a first estate file, from nothing but addresses, by what is found on the hosts.

One look by the barest estate finds what the rest follows from: workers, checkouts, stores, containers. What cannot be found is
guessed, and says so. By an estate of that it looks once more, and what the rules do not know is drafted as for any estate. Where
a host has no probe yet, it is asked without root, and tells less: enough for the script that installs one (``voxgate enrol``).
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from voxgate.cli.draft import Draft, looked, tell_left, without_secrets
from voxgate.cli.first_look import first_look
from voxgate.cli.first_services import moved, repositories
from voxgate.cli.init import example_of
from voxgate.contracts import estate_file
from voxgate.contracts.estates import load_estate, services_of
from voxgate.errors import EstateError
from voxgate.model.counting import counted
from voxgate.model.entry import Entry, Value, toml_key
from voxgate.model.estate import Estate, Host, repository_of
from voxgate.model.evidence import ContainerFact, HostEvidence, Missing, known
from voxgate.model.look import Look
from voxgate.model.service import Role, Service
from voxgate.model.verdict import Verdict
from voxgate.redaction.cutting import Redactor
from voxgate.report.terminal.stream import CutStream
from voxgate.survey.findings import by_id, holder_of
from voxgate.survey.origin import said_of_all

STORES = {6379: "redis", 27017: "mongodb", 9000: "s3"}
"""The ports by which stores are told, where a host of role data has them: each is a guess for a person to read."""

_GUESSED = "guessed: "
_APART = frozenset({"databases", "hosts", "services", "stores"})
"""Tables of the estate with a table for each thing."""
_ROLES = "+".join(role.value for role in Role)
_SERVER, _SIP = "livekit/livekit-server", "livekit/sip"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person gave: the estate's name, its hosts as ``role=address`` (``api+sip=10.0.0.5``), how one logs in."""

    name: str
    hosts: tuple[str, ...]
    user: str = "deploy"
    known_hosts: str = "~/.ssh/known_hosts"
    ssh_config: str = ""
    identity: str = ""


def first_estate(asked: Asked, folder: Path, say: CutStream, redactor: Redactor) -> int:
    """Look at the hosts, and write ``NAME.toml`` into ``folder``, also in the place of the example that ``voxgate init`` made. It
    ends with 0, or with 1 where something was found that no entry is for, or a host is not ready. Raises EstateError for what
    cannot be meant, and where that file is there already.
    """
    path = folder / f"{asked.name}.toml"
    if path.exists() and path.read_text("utf-8", "replace") != example_of(asked.name):
        hint = f"take another name, or move that file away; voxgate draft --estate {asked.name} --write adds to it as it is"
        raise EstateError("there is such an estate already", where=str(path), hint=hint)
    bare = tuple(_bare(asked, services_of(folder)))
    with tempfile.TemporaryDirectory(prefix="voxgate-draft-") as work:
        estate_file.lay_beside(folder, Path(work))
        estate = _loaded(Path(work), asked.name, bare)
        say.write(f"looking at {counted(len(asked.hosts), 'host')}: what is there\n")
        seen, bare_hosts = first_look(estate)
        if elsewhere := _accepted(
            Path(work), asked.name, tuple(moved(estate, seen)), bare, say
        ):  # what lies there is told to who knows of it
            bare = (*bare, *elsewhere)
            estate = _loaded(Path(work), asked.name, bare)
            seen, bare_hosts = first_look(estate)
        told = without_secrets((*_found(estate, seen), *repositories(estate, seen)), redactor, say)
        entries = _joined(_accepted(Path(work), asked.name, told, bare, say), bare)
        found = Draft((), ())
        if not bare_hosts:
            say.write("looking again: what its rules do not know\n")
            estate = _loaded(Path(work), asked.name, entries)
            found = looked(estate, say)
            found = replace(found, entries=without_secrets(found.entries, redactor, say))
    folder.mkdir(parents=True, exist_ok=True)
    made = _text(asked, entries, found)
    estate_file.replace(path, made)
    are = counted(len(found.entries), "thing that is there is", "things that are there are")
    guesses = counted(made.count(f"# {_GUESSED}"), "guess, which says so", "guesses, which say so")
    say.write(f"{path} is made: {are} in it, and {guesses}. Read each line\n")
    if bare_hosts:
        which = f"no probe of ours is on {', '.join(bare_hosts)} yet"
        which += ", or root has not named these folders to it" if elsewhere else ""
        say.write(f"{which}. Make each host ready, then look what else is there:\n")
        for name in bare_hosts:
            address = estate.host(name).address
            say.write(f"  uv run voxgate enrol {name} --estate {asked.name} | ssh YOU@{address} sudo bash\n")
        say.write(f"  uv run voxgate draft --estate {asked.name} --write\n")
    tell_left(found, say)
    return 1 if bare_hosts or any(one.verdict is Verdict.VIOLATED for one in found.left) else 0


def _accepted(folder: Path, name: str, found: Sequence[Entry], bare: Sequence[Entry], say: CutStream) -> tuple[Entry, ...]:
    """What of it an estate may say, beside what is guessed: what one host says keeps nothing out that others do. What belongs to
    one thing (a store, a host, the containers) comes together or not at all.
    """
    with suppress(EstateError):
        _loaded(folder, name, _joined(found, bare))
        return tuple(found)
    things: dict[tuple[str, ...], list[Entry]] = {}
    for one in found:
        things.setdefault(one.place[: 2 if one.place[0] in _APART else 1], []).append(one)
    good: list[Entry] = []
    for place, rows in things.items():
        try:
            _loaded(folder, name, _joined((*good, *rows), bare))
            good += rows
        except EstateError as error:
            say.write(f"not written, as no estate may say it: [{'.'.join(map(toml_key, place))}]: {error.line}\n")
    return tuple(good)


def _joined(found: Sequence[Entry], bare: Sequence[Entry]) -> tuple[Entry, ...]:
    """What was found, and what is guessed where nothing was: no database beside those of diallers, no console where none is."""
    services = next((one.value for one in found if one.place == ("estate", "services")), ("console",))
    named = any(one.place[0] == "databases" for one in found)
    left = [one for one in bare if not (named and one.place[0] == "databases")]
    return (
        *found,
        *(one for one in left if one.place[0] != "console" or (isinstance(services, tuple) and "console" in services)),
    )


def _text(asked: Asked, entries: Sequence[Entry], found: Draft) -> str:
    head = "#:schema ../schemas/estate.schema.json\n"
    head += f"# {asked.name}: drafted from its hosts by `voxgate draft`. What is in it may be there: take out what may not.\n"
    rows, common = said_of_all(found.entries)
    if rows:
        said = f"; where no day is said it is so since {common}" if common else ""
        head += f"# Beside each thing: its file, or the package where one brought it{said}; and last the rule that asks.\n"
    return estate_file.with_entries(f"{head}\n", (*entries, *rows), f"{asked.name}.toml")


def _loaded(folder: Path, name: str, entries: Iterable[Entry]) -> Estate:
    path = folder / f"{name}.toml"
    path.write_text(estate_file.with_entries("", entries, path.name), "utf-8")
    return load_estate(str(path))


def _bare(asked: Asked, services: Sequence[Service]) -> Iterator[Entry]:
    """The barest estate: hosts by role, one worker on each fleet host, and nothing else. The order is that of the file. Of the
    services it has those that have a host.
    """
    hosts = _hosts(asked)
    by_role = {role: [name for name, _, roles in hosts if role in roles] for role in Role}
    yield Entry(("estate", "name"), asked.name)
    yield Entry(("estate", "user"), asked.user)
    yield Entry(("estate", "repositories"), "git@bitbucket.org:WORKSPACE", f"{_GUESSED}no checkout was found to tell")
    yield Entry(("estate", "known_hosts"), asked.known_hosts)
    for key, value in (("ssh_config", asked.ssh_config), ("identity", asked.identity)):
        if value:
            yield Entry(("estate", key), value)
    here = tuple(one.name for one in services if by_role[one.role])
    if len(here) < len(services):
        lacking = ", ".join(role.value for role in dict.fromkeys(one.role for one in services if not by_role[one.role]))
        yield Entry(("estate", "services"), here, f"{_GUESSED}no host of role {lacking} was given")
    for name, address, roles in hosts:
        yield Entry(("hosts", name, "address"), address)
        yield Entry(("hosts", name, "roles"), tuple(roles))
        if Role.FLEET in roles:
            yield Entry(("hosts", name, "workers"), 1, f"{_GUESSED}no worker was seen")
    diallers = by_role[Role.SIP] if "dialler" in here else []
    yield from _databases_of([(f"vox{n if n > 1 else ''}", name) for n, name in enumerate(diallers, 1)], by_role[Role.DATA])
    if "dialler" not in here:
        yield Entry(("databases",), {})
    seen_from = next((name for name, _, roles in hosts if Role.API not in roles), None)
    if seen_from and "console" in here:
        about = f"{_GUESSED}asks for the page as people do, from another host than the page's"
        yield Entry(("console", "seen_from"), seen_from, about)
    yield Entry(("containers", "project"), "livekit", f"{_GUESSED}no container was seen")
    yield Entry(("containers", "images"), ())
    for word in ("stores", "listeners", "boot", "keys"):
        yield Entry((word,), {})


def _databases_of(diallers: Sequence[tuple[str, str]], data: Sequence[str]) -> Iterator[Entry]:
    """The databases by name, and the host of each one's dialler. Each has a URI of its own: one for two would be one database."""
    for name, host in diallers:
        yield Entry(("databases", name, "dialler"), host, f"{_GUESSED}that the database is called {name} on its server")
        reached = f"as {data[0]} reaches it" if data else "as the gate reaches it"
        uri = f"mongodb://127.0.0.1:27017/{name}, {reached}, with USER:PASSWORD@ of who may ask for its clients (clusterMonitor)"
        variable = "VOXGATE_MONGODB_URI" + (f"_{re.sub('[^A-Z0-9]', '_', name.upper())}" if len(diallers) > 1 else "")
        yield Entry(("databases", name, "uri_env"), variable, uri)
        if data:
            yield Entry(("databases", name, "via"), data[0])


def _hosts(asked: Asked) -> list[tuple[str, str, list[str]]]:
    """Name, address and roles of each. Raises EstateError for what is no ``role=address``."""
    counted: Counter[str] = Counter()
    found = []
    for word in asked.hosts:
        roles, equals, address = word.partition("=")
        names = roles.split("+")
        unknown = [name for name in names if name not in list(Role)]
        if unknown or not equals or not address:
            hint = "ROLE=ADDRESS, as api=10.0.0.5 or, for one with several roles, api+sip=10.0.0.5"
            raise EstateError("is no host", where=f"--host {word}", why=f"roles are {_ROLES.replace('+', ', ')}", hint=hint)
        counted[names[0]] += 1
        found.append((f"{names[0]}-{counted[names[0]]}", address, names))
    return found


def _found(estate: Estate, seen: Look) -> Iterator[Entry]:
    """What the first look tells of the estate. It stands before what is guessed, and so in its place."""
    origins = [origin for host in estate.hosts for origin in _origins(seen.host(host.name))]
    if origins:
        (base, _), *_ = Counter(origins).most_common(1)
        yield Entry(("estate", "name"), estate.name)
        yield Entry(("estate", "repositories"), base, "as the checkouts have it")
        workspace = re.fullmatch(r"(?:ssh://)?git@bitbucket\.org[:/]([\w-]+)", base)
        if workspace:
            yield Entry(("estate", "commits"), f"https://bitbucket.org/{workspace[1]}")
    yield from _services(estate, seen)
    fleet = next((one.unit for one in estate.services if one.name == "fleet"), None)
    workers = re.compile(_template(fleet))
    for host in estate.hosts:
        yield Entry(("hosts", host.name, "address"), host.address)
        yield Entry(("hosts", host.name, "roles"), tuple(sorted(host.roles)))
        units = {one.unit for one in known(seen.host(host.name).processes)}
        numbers = {int(found[1]) for unit in units if (found := workers.fullmatch(unit))}
        if numbers and Role.FLEET in host.roles:
            yield Entry(("hosts", host.name, "workers"), max(numbers), "workers that run")
    yield from _databases(estate, seen)
    yield from _containers(estate, seen)
    for host in estate.hosts_with(Role.DATA):
        yield from _stores(host, seen.host(host.name))
    if not estate.hosts_with(Role.DATA):
        yield from _stores_outside(estate, seen)


def _services(estate: Estate, seen: Look) -> Iterator[Entry]:
    """Which services there are, where some are checked out and of others there is not even a folder."""
    there = {
        name
        for host in estate.hosts
        for name, one in seen.host(host.name).checkouts.items()
        if not (isinstance(one, Missing) and one.kind == "missing")
    }
    names = tuple(service.name for service in estate.services if service.name in there)
    if names and len(names) < len(estate.services):
        lacking = ", ".join(one.folder for one in estate.services if one.name not in there)
        yield Entry(("estate", "services"), names, f"{_GUESSED}no host has {lacking}")


def _databases(estate: Estate, seen: Look) -> Iterator[Entry]:
    """Of a dialler's unit that is a template each instance dials on the database of its name, and answers on its own port."""
    service = next((one for one in estate.services if one.name == "dialler" and one.is_template), None)
    if service is None:
        return
    ports: dict[tuple[str, str], list[int]] = {}
    for host in estate.hosts_of(service):
        facts = seen.host(host.name)
        sockets = () if isinstance(facts.listeners, Missing) else facts.listeners
        for unit, pid in sorted({one.unit: one.pid for one in known(facts.processes) if service.owns_unit(one.unit)}.items()):
            name = unit.removesuffix(".service").partition("@")[2]
            ports[name, host.name] = sorted(one.port for one in sockets if pid in one.pids)
    yield from _databases_of(list(ports), [host.name for host in estate.hosts_with(Role.DATA)])
    yield from (Entry(("databases", name, "port"), found[0]) for (name, _), found in ports.items() if found)


def _stores_outside(estate: Estate, seen: Look) -> Iterator[Entry]:
    """Where no host is for the stores: the addresses that a service is connected to, where its settings write them so. Of a name
    that a setting has the hash alone is known here: that store is left to a person.
    """
    for placement in estate.placements:
        facts = seen.host(placement.host.name).stores.get(placement.service.name)
        for one in () if facts is None or isinstance(facts, Missing) else facts:
            store = placement.service.stores.get(one.setting)
            for address, port in dict.fromkeys((*one.held, *one.places)) if store else ():
                if store and hashlib.sha256(f"{address}:{port}".encode()).hexdigest() in one.names:
                    yield Entry(("stores", store, "address"), address, f"as {one.setting} of the {placement.service.name} has it")
                    yield Entry(("stores", store, "port"), port)


def _origins(host: HostEvidence) -> Iterator[str]:
    """Where the checkouts of a host come from, without the repository's own name."""
    for checkout in host.checkouts.values():
        if not isinstance(checkout, Missing) and checkout.origin.endswith(".git") and "/" in checkout.origin:
            yield checkout.origin.rpartition("/")[0]


def _template(unit: str | None) -> str:
    """``voxcore@.service`` as an expression whose group is the instance's number."""
    before, _, after = (unit or "").partition("@")
    return f"{re.escape(before)}@([0-9]{{1,3}}){re.escape(after)}"


def _stores(host: Host, seen: HostEvidence) -> Iterator[Entry]:
    if isinstance(seen.listeners, Missing):
        return
    processes = {one.pid: one for one in known(seen.processes)}
    for socket in seen.listeners:
        holders = {holder_of(processes[pid], {}) for pid in socket.pids if pid in processes}
        units = sorted(one for one in holders if one.endswith(".service"))
        if socket.port in STORES and units:
            name = STORES[socket.port]
            yield Entry(("stores", name, "host"), host.name, f"{_GUESSED}by its port")
            yield Entry(("stores", name, "unit"), units[0])
            yield Entry(("stores", name, "port"), socket.port)


def _containers(estate: Estate, seen: Look) -> Iterator[Entry]:
    """What runs in containers on the SIP hosts: livekit's, as it is."""
    ours: dict[str, ContainerFact] = {}
    for host in estate.hosts_with(Role.SIP):
        engines = seen.host(host.name).engines
        for one in () if isinstance(engines, Missing) else engines.containers:
            if repository_of(one.image) in {_SERVER, _SIP}:
                ours.setdefault(repository_of(one.image), one)
    if not ours:
        return
    yield Entry(("containers", "project"), next(iter(ours.values())).project, "as the containers say")
    yield Entry(("containers", "images"), tuple(one.image for one in ours.values()))
    for image, endpoint in ((_SERVER, 7880), (_SIP, 8080)):
        ports = _ports_of(image, estate, seen)
        if image in ours and ports:
            answer: Value = {"port": endpoint if endpoint in ports else min(ports), "path": "/"}
            place = ("containers", "health") if image == _SERVER else ("containers", "answers", image)
            yield Entry(place, answer, f"{_GUESSED}where it answers whoever asks how it is")
    made = {image: one.made for image, one in ours.items() if one.made is not None}
    mounts = tuple(mount for one in made.values() for mount in one.mounts)
    rights = tuple(right for one in made.values() for right in one.rights)
    yield Entry(("containers", "mounts"), mounts)
    yield Entry(("containers", "rights"), rights)
    for image, fact in made.items():
        if not fact.as_image:
            yield Entry(("containers", "commands", image), fact.command)


def _ports_of(image: str, estate: Estate, seen: Look) -> set[int]:
    """The TCP ports that an image's containers listen on."""
    found = set()
    for host in estate.hosts_with(Role.SIP):
        facts = seen.host(host.name)
        if isinstance(facts.listeners, Missing) or isinstance(facts.engines, Missing):
            continue
        containers = by_id(facts.engines.containers)
        held = {one.pid for one in known(facts.processes) if holder_of(one, containers) == image}
        found |= {socket.port for socket in facts.listeners if held & set(socket.pids)}
    return found
