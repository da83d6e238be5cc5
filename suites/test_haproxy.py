"""HAProxy: it knows every worker, checks it, and leads calls to it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from voxgate.model.evidence import known
from voxgate.model.service import Role
from voxgate.plugin import invariant, say_each
from voxgate.survey.balancing import HAPROXY, calls_at_workers, calls_through, place_of, workers_at
from voxgate.survey.commands import HAPROXY_RELOADED, end_liars, listening, why

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voxgate.model.answers import Answer
    from voxgate.model.estate import Estate, Host, PlacedUnit
    from voxgate.model.look import Evidence, Question
    from voxgate.model.web_servers import HaproxyFact, ServerFact

TOLD = 20  # workers that are named one by one
LOST = 4  # of so many connections more than one that begins late is no accident
NOT_FOUND, BUSY = 404, 409


def _start_haproxy(estate: Estate) -> str:
    """Start it where the estate has it."""
    return "; ".join(f"on {host.name}: `systemctl start haproxy`" for host in estate.hosts_with(Role.API))


@invariant(
    per="estate",
    services=("fleet",),
    roles=("api",),
    faults=(
        "haproxy-server-unchecked",
        "haproxy-server-missing",
        "haproxy-leads-elsewhere",
        "haproxy-called-so",
        "haproxy-not-there",
        "haproxy-refuses-calls",
        "haproxy-by-loopback-alone",
        "worker-resets-calls",
        "worker-loses-packets",
    ),
    severity="blocker",
    threats=("served",),
)
def test_haproxy_sees_all_workers(estate: Estate, evidence: Evidence) -> None:
    """A worker that HAProxy does not know gets no calls; one that it does not check gets them while it is dead. By HAProxy's
    own words every worker of the estate is a server, checked and UP, in each backend that has one of them, and nothing else is
    there. A backend with none of them is something else's. And a call comes through: each worker, asked for one from the host
    of HAProxy where that finds it (calls in services.toml), refuses it as it says nothing, and HAProxy hands such refusals on,
    to whoever asks from where calls come (called_from in [fleet]), as often as it is asked; and what is sent to a worker gets
    there, by the kernel's own count. Not seen: what becomes of a call that says more; what is lost behind the first packet.
    """
    for host in estate.hosts_of(estate.service("fleet")):
        evidence.second.host(host.name)  # blind if one was not seen: that HAProxy misses its workers says little then
    runs, wrong = False, list[tuple[str, str]]()
    for host in estate.hosts_with(Role.API):
        found = known(evidence.second.host(host.name).haproxy)
        anew = HAPROXY_RELOADED.replace("reload", "restart")
        liars = end_liars(found.doubts, "where others can change a file: chown root and chmod go-w")
        do = f"on {host.name}: {liars}; on {host.name}: {anew}"  # once: it names all of them
        wrong += [(f"{host.name}: {doubt}", do) for doubt in found.doubts]
        if not found.running:
            if any(one.who == HAPROXY for one in estate.listeners_on(host)):
                wrong.append(
                    (f"{host.name}: no HAProxy runs, and the estate says it does", f"on {host.name}: `systemctl start haproxy`")
                )
            continue
        runs = True
        if found.started <= found.changed:
            what = f"{host.name}: HAProxy's configuration is {found.changed - found.started:.1f} s newer than its process"
            wrong.append((what, f"on {host.name}: {HAPROXY_RELOADED}"))
        if not found.doubts:
            workers = workers_at(estate, evidence.second, host)
            rows = [(f"{host.name}: HAProxy{what}", do) for what, do in _balanced(found, workers, host)]
            # A worker that is down takes no calls either.
            wrong += rows or list(_called(estate, evidence, found, workers, host))
    if not runs and not wrong:
        wrong.append(("no HAProxy runs on any API host: nobody gives calls to the fleet", _start_haproxy(estate)))
    assert not wrong, say_each("", wrong)


def _balanced(found: HaproxyFact, workers: Mapping[tuple[str, int], PlacedUnit], host: Host) -> Iterator[tuple[str, str]]:
    """What is wrong with the backends of one HAProxy that carry workers, and what to do about it."""
    backends: dict[str, dict[ServerFact, PlacedUnit | None]] = {}
    for server in found.servers:
        backends.setdefault(server.backend, {})[server] = workers.get(place_of(server))
    ours = {name: rows for name, rows in backends.items() if any(rows.values())}
    for name, rows in (ours or {"": {}}).items():
        for server, unit in rows.items():
            for what, do in _unfit(server, unit, host):
                yield f"'s server {server.backend}/{server.name} ({server.address}) {what}", do
        if name and found.led_to is not None and not {name, "*"} & set(found.led_to):
            yield f" leads nothing to backend {name}", _edited("a frontend that listens must name it (default_backend)", host)
        there = {unit.id for unit in rows.values() if unit}
        by_id = sorted(workers.items(), key=lambda one: one[-1].id)
        lost = {unit.id: (unit, port) for (_, port), unit in by_id if unit.id not in there}
        if lost:
            lines = ", ".join(f'"{_line_for(unit, port, rows)}"' for unit, port in list(lost.values())[:TOLD])
            more = f" and {len(lost) - TOLD} more" if len(lost) > TOLD else ""
            place = f"backend {name}" if name else "the backend of the workers"
            do = f"add {lines}{more} to {place}, with what the lines of the others say"
            yield f" {f'backend {name} ' if name else ''}has no server for {', '.join(lost)}", _edited(do, host)


def _called(
    estate: Estate, evidence: Evidence, found: HaproxyFact, workers: Mapping[tuple[str, int], PlacedUnit], host: Host
) -> Iterator[tuple[str, str]]:
    """What comes of a call that says nothing, at each worker and through HAProxy: it is refused. Nothing where the estate does
    not say from where it may be asked.
    """
    if estate.called_from is None:
        return
    refusals = set[int]()
    for server, question in calls_at_workers(found, workers, host).items():
        answer, unit = evidence.second.answer(question), workers[place_of(server)]
        if what := _no_refusal(answer):
            on = f"on {unit.host.name}: {listening(unit.port_of(unit.service.health))}" if unit.service.health else ""
            place = f"POST :{question.port}{question.path} of {unit.id}, asked by {host.name} at {question.address}, "
            yield place + what, f"{on}; on {unit.host.name}: {why(unit.unit)}; a firewall? `iptables -S`"
        else:
            refusals.add(answer.status)
    asked: tuple[Question, ...] = calls_through(estate, host) if refusals else ()
    answers = [evidence.second.answer(question) for question in asked]
    rows = Counter(_no_refusal(one) or f"answers {one.status}, and no worker does" for one in answers if _is_not(one, refusals))
    for what, count in sorted(rows.items()):
        by = f"asked by {asked[0].host} at {asked[0].address}"
        place = f"{host.name}: POST :{asked[0].port}{asked[0].path} through HAProxy, {by}, "
        more = f" ({count} of {len(asked)} times)"
        yield place + what + more, _edited("what takes calls must lead them to the workers, for whoever may call", host)


def _is_not(answer: Answer, refusals: set[int]) -> bool:
    """True for what is not as the workers answer; one of them may have a call by now."""
    return bool(answer.trouble) or answer.status not in {*refusals, BUSY}


def _no_refusal(answer: Answer) -> str:
    """Why an answer is none of a worker that was asked for a call that says nothing; empty where it is."""
    if answer.trouble:
        return f"gave no answer: {answer.trouble}"
    if answer.status // 100 == 2:
        return f"answers {answer.status} to a call that says nothing: it may have begun one"
    if answer.status // 100 != 4 or answer.status == NOT_FOUND:
        return f"answers {answer.status}"
    return ""


def _line_for(unit: PlacedUnit, port: int, rows: Mapping[ServerFact, PlacedUnit | None]) -> str:
    """The line of HAProxy's configuration that is missing, by the address at which others of the same host are reached."""
    beside = (server.address.rpartition(":")[0] for server, other in rows.items() if other and other.host == unit.host)
    address = unit.host.address
    place = next(beside, f"[{address}]" if ":" in address else address)
    return f"server {unit.host.name}-{unit.number} {place}:{port} check"


def _unfit(server: ServerFact, unit: PlacedUnit | None, host: Host) -> Iterator[tuple[str, str]]:
    """Why a server among the workers gets no calls, or calls that it should not get."""
    if unit is None:
        yield "is no worker of this estate", _edited("take it out", host)
        return
    if not server.checked or server.status == "no check":
        yield "is not checked", _edited("add the word check to its line", host)
    elif server.status != "UP":
        yield (
            f"is {server.status}",
            f"does {unit.id} answer /health? on {unit.host.name}: `systemctl status --no-pager {unit.unit}`",
        )
    tried, again = server.sent
    if again >= max(2, tried / LOST) and (again < tried or server.status == "UP"):
        what = f"does not get all that is sent to it: of {tried} connections {again} needed their first packet twice"
        yield what, f"packets are lost on the way: on {unit.host.name}: `iptables -S`; a cable, a switch, a bridge?"
    if not server.weight:
        yield "has weight 0 or is a backup: it gets no calls", _edited("give it its weight", host)


def _edited(what: str, host: Host) -> str:
    """What to change in HAProxy's configuration, and with which commands."""
    return f"{what}: on {host.name}: `sudoedit /etc/haproxy/haproxy.cfg`, then {HAPROXY_RELOADED}"
