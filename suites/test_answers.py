"""Answers: whose they are. A page is worth what the process is that gave it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.advice import quoted
from voxgate.model.evidence import known
from voxgate.model.service import Role
from voxgate.plugin import invariant, say_each
from voxgate.survey.answers import read_page
from voxgate.survey.commands import NGINX_RELOADED, edit_where, listening, look_again, restart
from voxgate.survey.questions import ends_of, question_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.model.estate import Estate, PlacedUnit
    from voxgate.model.evidence import HostEvidence
    from voxgate.model.look import Evidence
    from voxgate.model.surroundings import EndFact, TurnFact
    from voxgate.survey.answers import Page

OK = 200
_RULE = re.compile(r"[a-z0-9]+ [A-Za-z_][\w./]* [A-Za-z_][\w./]* handle [0-9]+", re.ASCII)
EARLY = 2.0  # seconds by which a process may say that it began before the kernel says so: the one counts ticks since the boot


@invariant(
    per="unit",
    guards="evidence",
    faults=("answers-from-elsewhere", "answers-kept-by-nginx", "answers-led-elsewhere-for-others"),
    severity="blocker",
    threats=("answers",),
)
def test_answers_come_from_the_unit(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """Whoever answers at a unit's port can say that he is the unit: the right commit, the right process. So the host itself is
    asked who has the other end of a connection to that port, made there as the gate makes its own; what comes over it is what the
    gate was told; and the page began with the process. Where nginx stands before it, a connection to the unit comes of a question
    to nginx. No rule of the host's packet filters, or of its balancer, leads the port elsewhere, for whomever. Not seen: what
    nginx answers itself where people come by https or by a name; a web server that asks the unit and passes on another page; what
    is led elsewhere on another host; filters in other networks of the host.
    """
    look, where, name = evidence.second, unit.host.name, unit.unit
    host = look.host(where)
    fact = known(host.ends)
    wanted = {(row[1], row[3]) for row in ends_of(unit, estate)}
    mine = [one for one in fact.ends if one.unit == name and (one.port, one.through) in wanted]
    if len(mine) != len(wanted):
        raise Blind("the host was not asked who answers", where=f"{where} {name}", hint=look_again(estate))
    wrong: list[tuple[str, str]] = []
    page: Page | None = None
    if unit.service.health is not None:
        page = read_page(look, question_of(unit, unit.service.health), None)
        wrong += _not_of_the_process(unit, page, host)
    for end in mine:
        if end.through:
            wrong += _kept(unit, end)
        else:
            wrong += _elsewhere(unit, end, evidence, page if page and page.answer.port == end.port else None)
    wrong += [row for turn in fact.turns for row in _turned(unit, estate, turn, [end.through or end.port for end in mine])]
    assert not wrong, say_each(where, wrong)


def _not_of_the_process(unit: PlacedUnit, page: Page, host: HostEvidence) -> Iterator[tuple[str, str]]:
    """Whether a page says that it began at another time than the unit's process, as the kernel has it."""
    said = page.document.get("started_at")
    pid = page.document.get("pid")
    main = next((one for one in known(host.processes) if one.unit == unit.unit and one.pid == pid), None)
    if main is None or not isinstance(said, str):
        return  # that it is answered by another is said where the process is judged
    try:
        began = datetime.fromisoformat(said).timestamp()
    except ValueError:
        return  # so says its schema
    since = main.started
    if not since - EARLY <= began <= since + unit.service.start_deadline:
        away = f"{abs(began - since):.0f} s {'after' if began > since else 'before'}"
        what = f"{page.place} says that process {pid} began {away} the kernel started it"
        yield what, f"{listening(page.answer.port)}; {restart(unit.unit)}"


def _kept(unit: PlacedUnit, end: EndFact) -> Iterator[tuple[str, str]]:
    """Whether a web server answers itself what is the unit's to answer."""
    if end.outcome == "answered" and end.status == OK and not end.reached:
        what = (
            f"GET :{end.through} is answered, and no connection to {unit.unit} at :{end.port} comes of it: nginx answers itself"
        )
        path = unit.service.proxied_health.path if unit.service.proxied_health else "/"
        yield what, f"{edit_where(f'-rl -e {quoted(path)}', '/etc/nginx')}, then {NGINX_RELOADED}"


def _elsewhere(unit: PlacedUnit, end: EndFact, evidence: Evidence, page: Page | None) -> Iterator[tuple[str, str]]:
    """Whether the other end of a connection is another's than the unit's, or another answer came over it than to the gate."""
    place, heard = f"GET :{end.port} on {unit.host.name}", page is not None and not page.answer.trouble
    strange = [holder for holder in end.holders if holder[1] != unit.unit]
    if strange:  # whoever it is may be silent, too, when he sees who asks
        who = ", ".join(f"process {pid}{f' of {name}' if name else ''}" for pid, name in strange)
        yield f"{place} is answered by {who}, not by {unit.unit}", listening(end.port)
    elif not end.status:
        if page is not None and heard and not _is_restarted(unit, evidence):
            said = f"{page.place} was answered to the gate, and root's own question on the host was not ({end.outcome})"
            yield said, listening(end.port)
        # that nobody answers is said by others
    elif not end.holders:
        what = f"{place} is answered by nobody on this host: the other end of the connection is elsewhere"
        yield what, f"{listening(end.port)}; rules of nftables and routes may lead there, too"
    elif page is not None and heard and page.answer.status == OK != end.status:
        yield f"{page.place} answers 200 to the gate, and {end.status} on the host itself", listening(end.port)


def _is_restarted(unit: PlacedUnit, evidence: Evidence) -> bool:
    """True where systemd started the unit anew between the looks, or ever did by itself: then it may be away for a moment."""
    first, second = (known(look.host(unit.host.name).units).get(unit.unit) for look in (evidence.first, evidence.second))
    if first is None or second is None:
        return False
    invocations = {one.properties.get("InvocationID") for one in (first, second)}
    return len(invocations) > 1 or second.properties.get("NRestarts", "0") != "0"


def _turned(unit: PlacedUnit, estate: Estate, turn: TurnFact, ports: list[int]) -> Iterator[tuple[str, str]]:
    """Whether a rule leads one of these ports elsewhere; where calls are shared out, also those of the workers."""
    called: set[int] = set(ports)
    if Role.API in unit.host.roles:
        called |= {
            one.port_of(one.service.health) for one in estate.placed_units if one.service.is_template and one.service.health
        }
    led = sorted(port for port in called if any(first <= port <= last for first, last in turn.ports))
    if led:
        what = f"{turn.where} leads {', '.join(f':{port}' for port in led[:5])} elsewhere ({turn.does})"
        # nft reads its words as a text of its own: a name of another form could end the command, and begin one.
        do = f"`nft delete rule {turn.where}`" if _RULE.fullmatch(turn.where) else "take that rule out: `nft -a list ruleset`"
        yield what, f"{do}; who put it there puts it back: look for it in /etc/nftables.conf, and in what else makes rules"
