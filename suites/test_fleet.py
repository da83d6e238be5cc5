"""Fleet: every worker the estate says is up, all are of one release, and the sums are right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.advice import quoted
from voxgate.model.counting import counted
from voxgate.model.estate import Available
from voxgate.model.evidence import known
from voxgate.plugin import invariant, say, say_all, say_each
from voxgate.plugin.facts_read import once
from voxgate.survey.answers import read_page
from voxgate.survey.commands import deploy_again, deploy_first, listening, remove_whole, restart, why
from voxgate.survey.questions import question_of
from voxgate.survey.records import wrong_entries

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from voxgate.model.estate import Estate, PlacedUnit, Placement
    from voxgate.model.look import Evidence, Look
    from voxgate.survey.answers import Page


TOLD = 20  # workers that are named one by one
SLACK = 1  # calls that may begin or end between asking a worker and asking for the sum, where some do


def page_of(unit: PlacedUnit, look: Look, schema: str | None = None) -> Page:
    """What a worker answers on /health."""
    health = unit.service.health
    if health is None:
        raise Blind("nobody says where it answers", where=unit.id, hint="health of the fleet in services.toml")
    return read_page(look, question_of(unit, health), schema)


def fleet(estate: Estate) -> tuple[PlacedUnit, ...]:
    """Every worker of the estate."""
    return tuple(unit for unit in estate.placed_units if unit.service.name == "fleet")


@invariant(per="unit", services=("fleet",), faults=("worker-stopped", "worker-health-lies"), severity="blocker")
def test_all_workers_are_up(unit: PlacedUnit, evidence: Evidence) -> None:
    """One worker is one call slot. A worker that is down, or that answers in another's name, is a call that nobody takes."""
    page = page_of(unit, evidence.second, unit.service.health.schema if unit.service.health else None)
    wrong = [(f"{page.place} {page.problem}", why(unit.unit))] if page.problem else []
    if not wrong and page.document.get("service") != unit.service.repository:
        what = f"{page.place} is answered by {page.document.get('service')}, not by {unit.service.repository}"
        wrong.append((what, listening(page.answer.port)))
    worker = "" if page.problem else str(page.document["worker"])
    if worker and worker.rpartition("/")[2] != str(unit.number):
        what = f"{page.place} is answered by worker {worker}, not by number {unit.number}"
        wrong.append((what, f"two units share a port: `systemctl cat {unit.unit}`; {listening(page.answer.port)}"))
    assert not wrong, say_each("", wrong)


@invariant(per="estate", services=("fleet",), faults=("worker-copied-id",))
def test_each_worker_has_its_own_id(estate: Estate, evidence: Evidence) -> None:
    """Workers register by their id: two with one id are counted once, and one of them gets no calls."""
    seen: dict[str, str] = {}
    found, twice = [], set[str]()
    for unit in fleet(estate):
        page = page_of(unit, evidence.second)
        worker = page.document.get("worker")
        if isinstance(worker, str) and seen.setdefault(worker, unit.id) != unit.id:
            found.append(f"{unit.id} and {seen[worker]} both call themselves {worker}")
            twice |= {unit.id, seen[worker]}
    both = [unit for unit in fleet(estate) if unit.id in twice]
    do = _restarted(both) if seen else f"on each fleet host: {why('voxcore@*')}"
    assert seen and not found, say_all("", found or ["no worker of the fleet says who it is"], do)


@invariant(per="estate", guards="releases", services=("fleet",), faults=("worker-on-old-code",), severity="blocker")
def test_fleet_runs_one_release(estate: Estate, evidence: Evidence) -> None:
    """Two releases side by side answer the same caller in two ways. All workers of all hosts: one commit, one lock."""
    service = estate.service("fleet")
    release = evidence.remote(service.name).release
    assert release is not None, say("no release of the fleet ever passed the gate", deploy_first(estate))
    # Blind if one host was not seen: the others cannot speak for it.
    hosts = {host.name: evidence.second.host(host.name) for host in estate.hosts_of(service)}
    commits = {unit.id: str(page_of(unit, evidence.second).document.get("commit", "nothing")) for unit in fleet(estate)}
    other = {where: commit for where, commit in commits.items() if commit != release.commit}
    wrong = []
    if other:
        told = ", ".join(f"{where} reports {commit[:12]}" for where, commit in sorted(other.items())[:TOLD])
        more = f", and {len(other) - TOLD} more" if len(other) > TOLD else ""
        are = counted(len(commits), "worker is", "workers are")
        what = f"{len(other)} of {are} not on {release}: {told}{more}"
        named = [unit for unit in fleet(estate) if unit.id in other]
        wrong.append((what, f"{_restarted(named)}; if it stays, {deploy_again(service, estate, evidence)}"))
    locks = {name: known(host.venvs[service.name]).lock_sha256 for name, host in hosts.items()}
    packages = {name: known(host.packages[service.name]).records for name, host in hosts.items()}
    for what, marks in (("locks", locks), ("packages", packages)):
        if len(set(marks.values())) > 1:
            told = ", ".join(f"{host} {mark[:12]}" for host, mark in marks.items())
            gone = remove_whole(next(one for one in estate.placements if one.service == service), ".venv")
            do = f"where it differs {gone}, then at once {deploy_again(service, estate, evidence)}"
            wrong.append((f"the fleet hosts have different {what}: {told}", do))
    assert not wrong, say_each("", wrong)


@invariant(
    per="placement",
    guards="people",
    services=("fleet",),
    faults=("fleet-dead-worker-registered", "fleet-strangers-add-up"),
    severity="blocker",
)
def test_capacity_adds_up(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """Whoever routes calls believes the aggregate. It must be the sum over live workers, and what is free must be what is
    not taken.
    """
    service = estate.service("fleet")
    endpoint = service.aggregate_health
    assert endpoint is not None
    question = question_of(placement.placed_units[0], endpoint)
    page = read_page(evidence.second, question, endpoint.schema)
    assert not page.problem, say(f"{page.place} {page.problem}", f"{why('voxcore@*')}; does the registry answer?")
    workers = once(evidence, "the workers", lambda seen: _Workers.of(estate, seen))
    wrong = [*_slots(page, workers, estate), *_calls_in(page, workers, estate)]
    assert not wrong, say_each("", wrong)


@invariant(
    per="placement",
    guards="people",
    services=("fleet",),
    faults=("fleet-entry-never-runs-out", "fleet-entry-calls-as-text", "fleet-entry-commit-cut-short"),
    severity="blocker",
)
def test_registry_entries_keep_the_contract(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """All workers read each other's entries in Redis, and calls are led by them. Each entry of a worker is of the form that they
    can read, is about that worker, and runs out soon after its worker is gone. It is asked as the workers ask, by their own
    REDIS_URL, for `vox:workers:` and the host's name as its kernel has it; of TLS (rediss), of what another server of a
    cluster has and of a Redis that is not reached nothing is judged here.
    """
    wrong = wrong_entries(placement, estate, evidence)
    assert not wrong, say_each("", wrong)


def _restarted(units: Sequence[PlacedUnit]) -> str:
    """Restart these workers, on each host its own."""
    hosts = dict.fromkeys(unit.host.name for unit in units)
    return "; ".join(f"on {host}: {restart(*(unit.unit for unit in units if unit.host.name == host))}" for host in hosts)


def _registered(estate: Estate, dead: Collection[str], lost: Sequence[PlacedUnit]) -> str:
    """What to do where the registry has the ``dead``, or has not the ``lost``: a worker says itself anew when it starts."""
    store = next((one for one in estate.stores if one.name == "redis" and not one.addresses), None)
    do = [f"not registered: {_restarted(lost)}"] if lost else []
    if dead and store is not None:
        scans = ", ".join(f"`redis-cli --scan --pattern {quoted(f'*{_plain(one)}')}`" for one in sorted(dead)[:TOLD])
        do.append(f"dead, and still registered; on {store.host}: {scans} finds it, `redis-cli del KEY` takes it out")
    return "; ".join(do) or "what does the registry of the fleet say? a dead worker is still in it, or a live one is not"


def _plain(name: str) -> str:
    """A worker's name as redis finds that one alone: what would stand for other names stands for itself."""
    return re.sub(r"([][*?\\^])", r"\\\1", name)


@dataclass(frozen=True, slots=True)
class _Workers:
    """What all workers say of themselves: of those that are live their ids; the calls that are ``taken``, of both looks in the
    order of the fleet, empty of a look in which one could not be asked.
    """

    live: tuple[tuple[str, PlacedUnit], ...]
    down: tuple[PlacedUnit, ...]
    slots: int
    taken: tuple[tuple[int, ...], tuple[int, ...]]

    def __str__(self) -> str:
        """What is noted where another host's sum was compared with the same workers before."""
        return f"{counted(len(self.live), 'live worker')}, worker_max {self.slots}, worker_calls {sum(self.taken[1])}"

    @classmethod
    def of(cls, estate: Estate, evidence: Evidence) -> _Workers:
        """From each worker's own page."""
        health = estate.service("fleet").health
        pages = [(page_of(unit, evidence.second, health.schema if health else None), unit) for unit in fleet(estate)]
        return cls(
            tuple((page.document["worker"], unit) for page, unit in pages if not page.problem),
            tuple(unit for page, unit in pages if page.problem),
            sum(page.document["worker_max"] for page, _ in pages if not page.problem),
            (_taken(estate, evidence.first), _taken(estate, evidence.second)),
        )


def _slots(page: Page, workers: _Workers, estate: Estate) -> list[tuple[str, str]]:
    """What the aggregate says wrongly of the workers that there are, and what to do about each."""
    said, slots = page.document, workers.slots
    named, ids = set(said.get("workers", ())), {name for name, _ in workers.live}
    lost = [unit for name, unit in workers.live if name not in named]
    registered = _registered(estate, named - ids, lost if "workers" in said else ())
    wrong = []
    if said["worker_max"] != slots:
        have = counted(len(workers.live), "live worker has", "live workers have")
        what = f"{page.place} says worker_max {said['worker_max']}, the {have} {slots}"
        wrong.append((what, registered))
    if "workers" in said and named != ids:
        wrong.append((f"{page.place} counts other workers than live: {', '.join(sorted(named ^ ids))}", registered))
    if said["worker_max"] < estate.workers:
        what = f"{page.place} says worker_max {said['worker_max']}, the estate has {counted(estate.workers, 'worker')}"
        wrong.append((what, _restarted(workers.down) or "a worker has fewer slots than the estate says, or is not registered"))
    return wrong


def _calls_in(page: Page, workers: _Workers, estate: Estate) -> list[tuple[str, str]]:
    """The same of the calls that are taken, and of what is free."""
    said, wrong, taken = page.document, [], [row for row in workers.taken if row]
    least, most = (sum(pick(each) for each in zip(*taken, strict=True)) for pick in (min, max))
    busy = SLACK if least != most or len(taken) == 1 else 0
    if not least - busy <= said["worker_calls"] <= most + busy:
        around = f"its workers said {' and '.join(str(sum(row)) for row in taken)} around it"
        wrong.append((f"{page.place} says worker_calls {said['worker_calls']}, {around}", _registered(estate, (), ())))
    free = said["worker_max"] - said["worker_calls"]
    available = said["fleet_available"]
    if estate.available is Available.SLOTS:
        agrees = isinstance(available, int) and not isinstance(available, bool) and available == free
        wanted = str(free)
    else:
        agrees, wanted = available is (free > 0), str(free > 0).lower()
    if not agrees:
        of = f"{said['worker_calls']} of {said['worker_max']} taken"
        what = f"{page.place} says fleet_available {available}, {of}: it is {wanted}"
        wrong.append(
            (what, f"a fault of the release: `make rollback ESTATE={quoted(estate.name)} SERVICE=fleet` puts the last one back")
        )
    return wrong


def _taken(estate: Estate, look: Look) -> tuple[int, ...]:
    """All workers' calls in one look."""
    try:
        return tuple(_calls(page_of(unit, look).document) for unit in fleet(estate))
    except Blind:
        return ()


def _calls(document: object) -> int:
    """A worker's calls, 0 where it says none."""
    calls = document.get("worker_calls") if hasattr(document, "get") else None
    return calls if isinstance(calls, int) else 0
