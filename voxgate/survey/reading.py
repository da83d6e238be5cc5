"""From the probe's document to evidence, strictly: what is not of the promised form is a Missing, never a guess.

Nothing here raises for what a host says: a wrong type makes that one fact unparsable; every other fact is still read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from voxgate.model.evidence import (
    HostEvidence,
    Missing,
    ProcessFact,
    SocketFact,
    UnitFact,
)
from voxgate.probe.built import digest, placed
from voxgate.survey import reading_around as around
from voxgate.survey import reading_services as services
from voxgate.survey.fields import (
    PAIR,
    WrongFormError,
    address,
    addresses,
    at_most,
    flag,
    get,
    get_or,
    items,
    members,
    named,
    natural,
    number,
    port,
    text,
    texts,
    whole,
    whole_by_whole,
    whole_or_none,
    wholes,
)
from voxgate.survey.hints import hint_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MEND = "uv run voxgate probe | ssh YOU@HOST sudo install -o root -g root -m 0755 /dev/stdin /usr/local/sbin/voxgate-probe"
ADDRESSES_AT_MOST = 200  # of a host: its site's page is asked for by each
FOR_PEOPLE = frozenset({"ExecStart"})  # the one property of a unit that no rule reads: what is cut of it is missed by none
KINDS = frozenset({"denied", "missing", "timeout", "unparsable", "failed", "unreachable"})

T = TypeVar("T")


def host_evidence(name: str, document: object) -> HostEvidence:
    """Everything that the document of host ``name`` says; each fact that it does not say properly is a Missing."""
    told = document if isinstance(document, dict) else {}
    facts = _Facts(name, told)
    sockets = facts.section("sockets", _sockets)
    return HostEvidence(
        name=name,
        boot_id=facts.of_host("boot_id", whole),
        time=facts.of_host("time", number),
        uptime=facts.of_host("uptime", number),
        units=facts.section("units", lambda row: {key: _unit(key, value) for key, value in named(row).items()}),
        processes=facts.section("processes", lambda rows: _processes(rows, told.get("probe"))),
        listeners=sockets if isinstance(sockets, Missing) else sockets.listeners,
        datagrams=sockets if isinstance(sockets, Missing) else sockets.datagrams,
        connections=sockets if isinstance(sockets, Missing) else sockets.connections,
        ephemeral=sockets if isinstance(sockets, Missing) else sockets.ephemeral,
        apart=sockets if isinstance(sockets, Missing) else sockets.apart,
        addresses=sockets if isinstance(sockets, Missing) else sockets.addresses,
        checkouts=facts.of_services("checkouts", services.checkout),
        venvs=facts.of_services("venvs", services.venv),
        env_files=facts.of_services("env_files", services.env_file),
        dists=facts.of_services("dists", services.dist),
        engines=facts.section("engines", around.engines),
        packages=facts.of_services("packages", around.packages),
        leaks=facts.of_services("leaks", around.leaks),
        runtimes=facts.of_services("runtimes", around.runtimes),
        stores=facts.of_services("stores", around.stores),
        copies=facts.section("copies", around.copies),
        jobs=facts.section("jobs", around.jobs),
        javascript=facts.section("javascript", lambda rows: tuple(natural(pid) for pid in items(rows))),
        boot=facts.section("boot", around.boot),
        nginx=facts.section("nginx", around.nginx),
        haproxy=facts.section("haproxy", around.haproxy),
        room=facts.section("room", around.room),
        clock=facts.section("clock", around.clock),
        sudo=facts.section("sudo", around.sudo),
        keys=facts.section("keys", around.keys),
        asked=facts.turn(),
        answered=facts.of_gate("answered"),
        took=facts.of_probe("seconds"),
        signed_by=facts.noted("signed_by"),
        noise=facts.noted("noise"),
        probe=facts.sha256,
        document=told,
    )


class _Facts:
    """One document, fact by fact."""

    def __init__(self, host: str, document: Mapping[str, object]) -> None:
        """Nothing is trusted yet."""
        self._host = host
        self._head = document.get("host")
        self._sections = document.get("sections")
        self._gate = document.get("gate")
        self._probe = probe = document.get("probe")
        self._is_root = isinstance(probe, dict) and probe.get("uid") == 0
        self.sha256 = str(probe.get("sha256", "")) if isinstance(probe, dict) else ""
        self._is_ours = self.sha256 == digest()
        lost = self._gate.get("lost") if isinstance(self._gate, dict) else None
        self._lost: Mapping[str, object] = lost if isinstance(lost, dict) else {}

    def of_host(self, key: str, read: Callable[[object], T]) -> T | Missing:
        """One of the host's own facts."""
        value = self._head.get(key) if isinstance(self._head, dict) else None
        if value is None:
            return self._missing("missing", f"{key}: the probe could not read it")
        return self._read(key, value, read)

    def of_gate(self, key: str) -> float | Missing:
        """One of the times that the gate noted when it asked."""
        return self._number(self._gate, key, "the gate did not note it")

    def turn(self) -> float | Missing:
        """When the probe had its turn, on the gate's clock: once it was asked for, and had waited for others."""
        asked, waited = self.of_gate("asked"), self._number(self._probe, "waited", "")
        return asked if isinstance(asked, Missing) or isinstance(waited, Missing) else asked + waited

    def noted(self, key: str) -> str:
        """Words that the gate noted when it asked, empty where there are none."""
        value = self._gate.get(key) if isinstance(self._gate, dict) else None
        return value if isinstance(value, str) else ""

    def of_probe(self, key: str) -> float | Missing:
        """A number that the probe says of itself."""
        return self._number(self._probe, key, "the probe did not say it")

    def _number(self, row: object, key: str, why: str) -> float | Missing:
        """A number of the document's edge."""
        value = row.get(key) if isinstance(row, dict) else None
        return self._missing("missing", f"{key}: {why}") if value is None else self._read(key, value, number)

    def section(self, name: str, read: Callable[[object], T]) -> T | Missing:
        """A section that is one fact."""
        if name in self._lost:
            return Missing("unparsable", f"{name} {self._lost[name]}", self._host, "" if self._is_ours else MEND)
        section = self._sections.get(name) if isinstance(self._sections, dict) else None
        return self._outcome(name, section, read)

    def of_services(self, name: str, read: Callable[[Mapping[str, Any]], T]) -> dict[str, T | Missing]:
        """A section with one fact for each service; no service where the section is of another form."""
        section = self.section(name, members)
        if isinstance(section, Missing):
            return {}
        return {
            service: self._outcome(f"{name} of {service}", outcome, lambda value: read(members(value)))
            for service, outcome in section.items()
        }

    def _outcome(self, what: str, outcome: object, read: Callable[[object], T]) -> T | Missing:
        """What ``{"value": ...}`` or ``{"error": {"kind", "text"}}`` says."""
        if isinstance(outcome, dict) and "value" in outcome and "error" not in outcome:
            return self._read(what, outcome["value"], read)
        error = outcome.get("error") if isinstance(outcome, dict) and "value" not in outcome else None
        try:
            kind, said = get(error, "kind", text), get(error, "text", text)
        except WrongFormError:
            return self._missing("unparsable", f"{what}: neither a value nor an error")
        return self._missing(kind if kind in KINDS else "failed", f"{what}: {placed(said) if self._is_ours else said}")

    def _read(self, what: str, value: object, read: Callable[[object], T]) -> T | Missing:
        """The value, read; Missing if it is of another form."""
        try:
            return read(value)
        except WrongFormError as error:
            return self._missing("unparsable", f"{what}: {error}")

    def _missing(self, kind: str, why: str) -> Missing:
        """Why a fact is not there, and what would mend it."""
        as_root = kind == "denied" and not self._is_root
        return Missing(kind, why, self._host, f"the probe ran without root's rights: {MEND}" if as_root else hint_for(why))


def _unit(name: str, row: object) -> UnitFact:
    return UnitFact(
        name,
        get(row, "properties", lambda value: {**whole_by_whole(_judged(value)), **_words(value)}),
        get(row, "links", wholes),
        get(row, "files", whole_by_whole),
        get(row, "changed", number),
        get(row, "vouched", wholes),
        get_or(row, "package", whole, ""),
    )


def _judged(properties: object) -> dict[str, Any]:
    return {key: value for key, value in members(properties).items() if key not in FOR_PEOPLE}


def _words(properties: object) -> dict[str, str]:
    return {key: text(value) for key, value in members(properties).items() if key in FOR_PEOPLE}


def _processes(rows: object, probe: object) -> tuple[ProcessFact, ...]:
    """All processes. The probe itself must be among them: a list without it hides something."""
    found = tuple(_process(each) for each in items(rows))
    if get(probe, "pid", natural) not in {process.pid for process in found}:
        msg = "the probe does not find itself"
        raise WrongFormError(msg)
    return found


def _process(row: object) -> ProcessFact:
    return ProcessFact(
        pid=get(row, "pid", natural),
        ppid=get(row, "ppid", natural),
        uid=get(row, "uid", natural),
        user=get(row, "user", whole),
        started=get(row, "started", number),
        command=get(row, "command", whole),
        argv=get(row, "argv", texts),
        cgroup=get(row, "cgroup", whole),
        unit=get(row, "unit", whole),
        container=get(row, "container", whole),
        exe=get(row, "exe", whole_or_none),
        cwd=get(row, "cwd", whole_or_none),
        state=get(row, "state", whole),
        runs=get(row, "runs", wholes),
    )


@dataclass(frozen=True, slots=True)
class _Sockets:
    """One section, several facts."""

    listeners: tuple[SocketFact, ...]
    datagrams: tuple[SocketFact, ...]
    connections: tuple[SocketFact, ...]
    ephemeral: tuple[int, int]
    apart: tuple[int, ...]
    addresses: tuple[str, ...]


def _sockets(row: object) -> _Sockets:
    return _Sockets(
        listeners=tuple(_socket(each, connected=False) for each in get(row, "listeners", items)),
        datagrams=tuple(_socket(each, connected=False) for each in get(row, "datagrams", items)),
        connections=tuple(_socket(each, connected=True) for each in get(row, "connections", items)),
        ephemeral=get(row, "ephemeral", _range),
        apart=get(row, "apart", lambda value: tuple(natural(pid) for pid in items(value))),
        addresses=at_most(ADDRESSES_AT_MOST, get(row, "addresses", addresses)),
    )


def _range(value: object) -> tuple[int, int]:
    found = [port(each) for each in items(value)]
    if len(found) != PAIR:
        raise WrongFormError("the first and the last port wanted")
    return found[0], found[1]


def _socket(row: object, *, connected: bool) -> SocketFact:
    return SocketFact(
        address=get(row, "address", address),
        port=get(row, "port", port),
        remote_address=get(row, "remote_address", address) if connected else None,
        remote_port=get(row, "remote_port", port) if connected else None,
        pids=get(row, "pids", lambda value: tuple(natural(pid) for pid in items(value))),
        apart=get(row, "apart", flag),
    )
