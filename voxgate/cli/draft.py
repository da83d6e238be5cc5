"""``voxgate draft``: look, and write for a person what the estate may say of all that is unknown on its hosts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from voxgate.contracts import estate_file
from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import names as schema_names
from voxgate.deploy.looking import look_at
from voxgate.errors import EstateError
from voxgate.model.counting import counted
from voxgate.model.entry import Entry, Value, is_plain, toml
from voxgate.model.estate import Estate
from voxgate.model.evidence import HostEvidence
from voxgate.model.invariant import Expected, expected
from voxgate.model.look import Evidence, Look
from voxgate.model.verdict import Judgement, Verdict
from voxgate.model.waiver import Waiver
from voxgate.model.where import EVERYWHERE
from voxgate.plugin import without_pytest
from voxgate.plugin.invariants import PARTED
from voxgate.redaction.cutting import Redactor
from voxgate.report.terminal.stream import CutStream
from voxgate.survey.brought import ask_each
from voxgate.survey.origin import origin_of
from voxgate.survey.saving import load
from voxgate.transport.ssh.connections import Connections

MONTH = 30
"""Days after which a waiver ends that a draft writes."""


@dataclass(frozen=True, slots=True)
class Draft:
    """``entries`` are what the estate may say, each with what was found and which rule asks; ``left`` does not hold, and no entry
    is for it. ``waivers`` are for those of it that a person may accept in writing, without who and why.
    """

    entries: tuple[Entry, ...]
    left: tuple[Judgement, ...]
    waivers: tuple[Waiver, ...] = ()


def draft(estate: Estate, saved: Path | None, *, write: bool, out: CutStream, say: CutStream, redactor: Redactor) -> int:
    """Look (or take the look saved in ``saved``), and print the entries for everything unknown as TOML; with ``write`` they are
    put into the estate's file. What no entry is for is told on ``say``. It ends with 0, or with 1 where that is something.
    """
    found = drafted(estate, load(saved)) if saved else looked(estate, say)
    found = replace(found, entries=without_secrets(found.entries, redactor, say))
    refused: list[tuple[Entry, EstateError]] = []
    if not found.entries:
        say.write(f"nothing is unknown that hosts/{estate.name}.toml could say\n")
    elif write:
        path = Path(estate.source)
        good, refused = estate_file.accepted(path, found.entries)
        estate_file.replace(path, estate_file.with_entries(path.read_text("utf-8"), good, path.name))
        tables = ", ".join(dict.fromkeys(one.table for one in good))
        are = counted(len(good), "entry is", "entries are")
        say.write(f"{are} in {path} now, in {tables}: read each, and take out what you do not want to be there\n")
        for one, why in refused:
            say.write(f"not written, as no estate may say it: {one.table} {one.line}: {why.line}\n")
    else:
        out.write(estate_file.with_entries("", found.entries, "draft"))
        say.write(f"{counted(len(found.entries), 'entry', 'entries')}; --write puts that into hosts/{estate.name}.toml\n")
    tell_left(found, say)
    return 1 if found.left or refused else 0


def tell_left(found: Draft, say: CutStream) -> None:
    """What no entry is for, each cause once: first what is wrong, then what could not be seen."""
    wrong = [one for one in found.left if one.verdict is Verdict.VIOLATED]
    blind = [one for one in found.left if one.verdict is not Verdict.VIOLATED]
    later = "this could not be seen yet: do what it says, and draft again"
    for some, said in ((wrong, "no entry is for this: mend it"), (blind, later)):
        if some:
            say.write(f"{said}\n")
        for first, *more in _by_finding(some):
            beside = f", and {len(more)} more" if more else ""
            say.write(f"  {first.id}{beside}: {first.found}\n" + (f"    → {first.advice}\n" if first.advice else ""))
    if found.waivers:
        say.write(
            "what cannot be mended today may be accepted in writing (docs/ESTATES.md, Waivers), with your reason and your name:\n"
        )
    for one in found.waivers:
        rows = {"rule": one.rule, "subject": one.subject, "found": one.found, "reason": "", "by": ""}
        lines = [f"{key} = {toml(value)}\n" for key, value in rows.items() if value or key in {"reason", "by"}]
        say.write("".join(["\n[[waived]]\n", *lines, f"until = {one.until}\n"]))


def _by_finding(judged: Iterable[Judgement]) -> list[list[Judgement]]:
    """What says the same, in the order in which it was judged."""
    groups: dict[tuple[str, str], list[Judgement]] = {}
    for one in judged:
        groups.setdefault((one.found, one.advice), []).append(one)
    return list(groups.values())


def drafted(estate: Estate, evidence: Evidence, connections: Connections | None = None) -> Draft:
    """What the estate may say of what is there. What is the same on all hosts, or on all of a role, is said once. With
    ``connections`` the hosts are asked, too, who brought it and since when.
    """
    rows: list[tuple[Entry, Judgement]] = []
    left: list[Judgement] = []
    answered: list[tuple[Expected, Judgement]] = []
    for one in expected(read_catalogue(), estate, schema_names(), deploying=frozenset()):
        if one.invariant.suite == "test_contracts.py":
            continue
        judged = without_pytest.judge(one, estate, evidence)
        if judged is None or judged.verdict.is_green:  # what is waived has its words
            continue
        if judged.entries:
            rows += [(single, judged) for entry in judged.entries for single in _singles(entry)]
            answered.append((one, judged))
        else:
            left.append(judged)
    once = said_once(_told(rows, estate, evidence.second, connections), estate)
    left += _beside(answered, estate, once, evidence)
    waivers = tuple(_waivers(left, estate, evidence.second.day))[: estate.waived_most - len(estate.waived)]
    return Draft(tuple(once), tuple(left), waivers)


def _waivers(left: Iterable[Judgement], estate: Estate, day: date) -> Iterator[Waiver]:
    """For each thing that was found and may be waived, one that ends a month after ``day``, or as soon as it must. None where a
    ``*`` stands in what was found, which whoever named it may have put there: in a waiver it would stand for other things too.
    """
    rules = {one.name: one for one in read_catalogue()}
    until = day + timedelta(days=min(MONTH, estate.waived_days))
    for one in left:
        if one.verdict is Verdict.VIOLATED and rules[one.invariant].waivable and one.service != "dialler":
            subject = one.id.partition("[")[2].removesuffix("]")
            for finding in one.found.removeprefix(f"{one.host}: ").split(PARTED):
                if "*" not in finding:
                    yield Waiver(one.invariant, subject, finding, "", "", until)


def _told(rows: Sequence[tuple[Entry, Judgement]], estate: Estate, look: Look, connections: Connections | None) -> list[Entry]:
    """Each entry with its comment: what the entry does not say itself, whose it is and since when, which rule asks."""
    names = {host.name for host in estate.hosts}
    hosts = {name: host for name, host in look.hosts.items() if isinstance(host, HostEvidence)}
    placed = [
        (entry.place[1] if len(entry.place) > 1 and entry.place[1] in names else judged.host or "", entry)
        for entry, judged in rows
    ]
    brought = ask_each(placed, hosts, connections) if connections is not None else [""] * len(rows)
    found = []
    for (entry, judged), (name, _), files in zip(rows, placed, brought, strict=True):
        seen = origin_of(entry, hosts[name]) if name in hosts and entry.place[1:2] == (name,) else ""
        parts = (files, seen if not files or entry.place[0] in {"programs", "clients"} else "", judged.invariant)
        found.append(replace(entry, origin="; ".join(filter(None, parts))))
    return found


def _beside(
    answered: Iterable[tuple[Expected, Judgement]], estate: Estate, entries: Iterable[Entry], evidence: Evidence
) -> Iterator[Judgement]:
    """What a rule with entries found beside them: of the same look, by an estate with all of them, it does not hold yet. What is
    blind then, or found only then, is asked by the next look.
    """
    with _written(estate, entries) as written:
        for one, before in answered if written else ():
            judged = without_pytest.judge(one, written, evidence) if written else None
            if judged is not None and judged.verdict is Verdict.VIOLATED and _parts(judged) & _parts(before):
                yield judged


@contextmanager
def _written(estate: Estate, entries: Iterable[Entry]) -> Iterator[Estate | None]:
    """An estate as its file would be with these entries; None where no estate may say one of them, as is told where it is
    written.
    """
    source = Path(estate.source)
    with tempfile.TemporaryDirectory(prefix="voxgate-draft-") as folder:
        path = Path(folder) / source.name
        path.write_text(estate_file.with_entries(source.read_text("utf-8"), entries, source.name), "utf-8")
        estate_file.lay_beside(source.parent, path.parent)
        try:
            written = load_estate(str(path))
        except EstateError:
            written = None
        yield written


def _parts(judged: Judgement) -> set[str]:
    """The things that were found, one by one."""
    return set(judged.found.removeprefix(f"{judged.host}: ").split(PARTED))


def said_once(entries: Iterable[Entry], estate: Estate) -> list[Entry]:
    """The same, one thing an entry; where each host of the estate, or of a role with more than one host, has it, that is said in
    place of the hosts.
    """
    hosts = {host.name: host for host in estate.hosts}
    apart = [single for entry in entries for single in _singles(entry)]
    things: dict[tuple[tuple[str, ...], str], dict[str, Entry]] = {}
    found: list[Entry] = []
    for entry in apart:
        if len(entry.place) > 1 and entry.place[1] in hosts:
            key = ((entry.place[0], *entry.place[2:]), repr(entry.value))
            things.setdefault(key, {}).setdefault(entry.place[1], entry)
        else:
            found.append(entry)
    for by_host in things.values():
        found += _by_place(by_host, estate)
    order = {table: number for number, table in enumerate(dict.fromkeys(entry.place[0] for entry in apart))}
    return sorted(found, key=lambda one: (order[one.place[0]], one.place[1:2]))


def _by_place(by_host: dict[str, Entry], estate: Estate) -> list[Entry]:
    """One thing, by the places where it is."""
    groups = {EVERYWHERE: {host.name for host in estate.hosts}}
    groups |= {role: {host.name for host in estate.hosts_with(role)} for host in estate.hosts for role in sorted(host.roles)}
    found, left = [], dict(by_host)
    for name, members in groups.items():
        if len(members) > 1 and members <= left.keys():
            first = left[min(members)]
            found.append(replace(first, place=(first.place[0], name, *first.place[2:])))
            left = {host: entry for host, entry in left.items() if host not in members}
    return found + list(left.values())


def _singles(entry: Entry) -> list[Entry]:
    """An entry of several things as several of one."""
    return [replace(entry, value=one) for one in _leaves(entry.value)]


def _leaves(value: Value) -> Sequence[Value]:
    match value:
        case tuple():
            return [(one,) for one in value]
        case dict():
            return [{key: one} for key, inner in value.items() for one in _leaves(inner)]
    return [value]


def looked(estate: Estate, say: CutStream) -> Draft:
    """What a look now tells, and its hosts when they are asked more of what is unknown on them. Where people see the console by
    an address of its own, it is asked there by a second look.
    """
    evidence = look_once(estate, say)
    with Connections(estate) as connections:
        found = drafted(estate, evidence, connections)
    if not any(one.place == ("console", "url") for one in found.entries):
        return found
    say.write("looking again: at the console as people see it\n")
    with _written(estate, found.entries) as again:
        if again is None:
            return found
        evidence = look_once(again, say)
        with Connections(again) as connections:
            more = drafted(again, evidence, connections)
    return replace(more, entries=(*found.entries, *more.entries))


def look_once(estate: Estate, say: CutStream) -> Evidence:
    """One look, of which nothing is kept."""
    with tempfile.TemporaryDirectory(prefix="voxgate-draft-") as folder:
        return look_at(estate, Path(folder), tell=lambda text: say.write(f"{text}\n"))


def without_secrets(entries: Iterable[Entry], redactor: Redactor, say: CutStream) -> tuple[Entry, ...]:
    """What may stand in a file that goes to git: what was found is told without secrets, and an entry that holds what looks like
    one (the command of a container, the address of a repository) is told and left to a person. So is one that may mean more
    than it shows.
    """
    good = []
    for one in entries:
        if not is_plain(one):
            say.write(f"not written, as it may mean more than it shows: {one.table} {redactor.cut(one.line)}\n")
        elif redactor.cut(one.line) == one.line:
            good.append(replace(one, about=redactor.cut(one.about), origin=redactor.cut(one.origin)))
        else:
            say.write(f"not written, as it holds what looks like a secret: {one.table} {redactor.cut(one.line)}\n")
    return tuple(good)
