"""The proof: for each fault, green before, inject, landed, look, compare exactly, mend, green after."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import cell, places
from lab.proving import breaking, entries
from lab.proving.byte_code import keep_byte_code
from lab.proving.fault import Fault, ids_of
from lab.proving.following import shapes_of
from lab.proving.healing import by_its_estate, heal, heal_on, unlike
from lab.proving.judge import RED, Finding, glance, judge, judge_all, lab_estate, look
from lab.proving.proof import Proof
from lab.proving.script import MACHINE, rule_of
from lab.proving.telling import badly_told, too_much
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxgate.model.estate import Estate
    from voxgate.model.look import Evidence

GREEN_WITHIN = 40.0  # seconds until a mended lab must hold again: a registry forgets a worker only after three
PYTEST = 300.0
RESTARTED = {"nothing-restarts-during-the-bake", "tick-loop-is-alive", "livekit-is-healthy"}
_AT_MOST = 2  # faults on one host at once
DEPLOY_FIRST = "uv run pytest --estate lab --deploy all"


def prove(faults: Sequence[Fault], proofs: list[Proof], say: Callable[[str], None]) -> None:
    """Prove each fault, and add what came of it to ``proofs``. Raises VoxgateError where the lab does not hold to begin with,
    or cannot be mended.

    Faults that touch nothing of each other are looked at together; where that look is not exactly what they declare, fewer of
    them are.
    """
    cell.needed()
    with tempfile.TemporaryDirectory(prefix="voxgate-proving-") as folder:
        work = Path(folder)
        estate = green_first(work, say)
        groups = grouped(faults)
        say(f"all holds; {len(faults)} faults in {len(groups)} looks")
        for group in groups:
            for proof in _proved(group, estate, work, say):
                proofs.append(proof)
                _tell(proof, len(proofs), len(faults), say)
        for proof, why in unlike(proofs):
            proof.trouble = why
            say(f"FAILED  {proof.fault.name}: {why}")


def green_first(work: Path, say: Callable[[str], None]) -> Estate:
    """The lab as it must be before anything is put on it: all holds. Raises VoxgateError where it does not, deployed anew."""
    estate = lab_estate()
    left = breaking.mend_all()
    if left:
        say(f"mended what was left there: {', '.join(left)}")
    red = judge(estate, look(estate, work / "green", None))
    if red:
        say("does not hold yet: deploying everything first")
        deployed = _pytest(["--deploy", "all"], work / "first")
        if deployed["verdict"] != "done":
            raise VoxgateError("cannot be deployed", where="lab", why=str(deployed["summary"]), hint=DEPLOY_FIRST)
        keep_byte_code()
        red = until_green(estate, work)
    if red:
        first = next(iter(red))
        raise VoxgateError("does not hold before anything is put there", where=first, why=red[first].found, hint=DEPLOY_FIRST)
    return estate


def _proved(group: Sequence[Fault], estate: Estate, work: Path, say: Callable[[str], None]) -> list[Proof]:
    """Some faults together; where that is not exact, those of one host apart, and what is not exact then alone."""
    made = _prove(group, estate, work)
    if len(group) == 1 or all(proof.proved for proof in made):
        return made
    parts = grouped(group, 1)
    if len(parts) == 1:
        parts = [[fault] for fault in group]
    say(f"        not exact together, so in {len(parts)} parts: {', '.join(fault.name for fault in group)}")
    for proof in made:
        for line in filter(None, (proof.trouble, *proof.differences)):
            say(f"          {proof.fault.name}: {line}")
    return [proof for part in parts for proof in _proved(part, estate, work, say)]


def grouped(faults: Sequence[Fault], most: int = _AT_MOST) -> list[list[Fault]]:
    """Faults that can be looked at together: no judgement declared by two of them, one bake, one estate, ``most`` on a host, of
    which no script has a word of the other's: what they touch, and put back, is not the same. A deploy is alone, and so is on its
    hosts what runs on this machine or on the forge, whose history every look reads. Those that go with the fewest others come
    first: that makes a tenth fewer groups.
    """
    ids = {fault.name: frozenset(fault.declared(ids_of(fault))) for fault in faults}

    def go_together(one: Fault, other: Fault) -> bool:
        same = (one.bake, one.entry, one.keeps) == (other.bake, other.entry, other.keeps) and not (one.deploys or other.deploys)
        return same and not ids[one.name] & ids[other.name] and _leave_room(one, other)

    fits = {one.name: {other.name for other in faults if other is not one and go_together(one, other)} for one in faults}
    groups: list[list[Fault]] = []
    for fault in sorted(faults, key=lambda one: len(fits[one.name])):
        for group in groups:
            if fits[fault.name].issuperset(one.name for one in group) and _have_room(group, fault, most):
                group.append(fault)
                break
        else:
            groups.append([fault])
    return groups


def _leave_room(one: Fault, other: Fault) -> bool:
    """True if a host that both touch can be broken by both."""
    shared = one.touched & other.touched
    return not shared or not (shared & {MACHINE, "forge"} or one.words & other.words)


def _have_room(group: Sequence[Fault], fault: Fault, most: int) -> bool:
    """True if no host of ``fault`` is broken by ``most`` others already."""
    return all(sum(host in one.touched for one in group) < most for host in fault.touched)


def _prove(group: Sequence[Fault], estate: Estate, work: Path) -> list[Proof]:
    """Some faults at once, mended whatever happens. Raises VoxgateError if the lab does not hold again."""
    proofs = [Proof(fault, fault.declared(ids_of(fault))) for fault in group]
    evidence: Evidence | None = None
    seeing = entries.lab_with(group[:1])
    notes: tuple[str, ...] = ()
    try:
        _each(_inject, proofs)
        if not any(proof.trouble for proof in proofs):
            with _timed(proofs, "look"):
                if group[0].deploy:
                    seen = _deployed(proofs[0], work)
                else:
                    evidence = look(seeing, work / "look", group[0].bake)
                    seen, notes = judge_all(seeing, evidence)
            _share_out(proofs, seen)
            for proof in proofs:
                proof.unsaid = proof.fault.unsaid(notes)
                proof.told += badly_told(proof.fault, proof.findings)
                proof.hinted = shapes_of(proof.leads)
            _each(_heal, proofs)
            if evidence is not None and (group[0].entry or group[0].keeps):
                by_its_estate(proofs, seeing, work)
    finally:
        _each(_mend, proofs)
        if group[0].deploy:
            _clear(group[0], work)
    _green_again(proofs, estate, work, evidence)
    return proofs


def _green_again(proofs: Sequence[Proof], estate: Estate, work: Path, evidence: Evidence | None) -> None:
    """See that all holds again. Raises VoxgateError where it does not."""
    with _timed(proofs, "green"):
        if _is_mended(estate, evidence):
            red = {}
        elif any(proof.typed for proof in proofs):
            red = heal_on(proofs, estate, work, until_green)
        else:
            red = until_green(estate, work)
    for proof in proofs:
        if proof.typed and not proof.trouble:
            breaking.sweep(proof.fault)
    if red:
        first = next(iter(red))
        where = ", ".join(proof.fault.name for proof in proofs)
        why = f"{first}: {red[first].found}"
        raise VoxgateError("the lab does not hold after mending", where=where, why=why, hint=DEPLOY_FIRST)


def _each(do: Callable[[Proof], None], proofs: Sequence[Proof]) -> None:
    """On all hosts at once."""
    with ThreadPoolExecutor(len(proofs)) as pool:
        for done in [pool.submit(do, proof) for proof in proofs]:
            done.result()


def _inject(proof: Proof) -> None:
    with _timed([proof], "inject"):
        try:
            breaking.inject(proof.fault)
        except VoxgateError as error:
            proof.trouble = error.line


def _heal(proof: Proof) -> None:
    with _timed([proof], "mend"):
        heal(proof)


def _mend(proof: Proof) -> None:
    """Mend; a mend that fails is the fault's trouble, and whether the lab holds again is seen by the look after it."""
    with _timed([proof], "mend"):
        try:
            if proof.fault.name in breaking.broken():
                breaking.mend(proof.fault)
        except VoxgateError as error:
            proof.trouble = proof.trouble or error.line


def _share_out(proofs: list[Proof], seen: dict[str, Finding]) -> None:
    """Give each fault what it declared of what was seen; what none declared is everybody's."""
    declared = {one for proof in proofs for one in proof.declared}
    for proof in proofs:
        proof.seen = {one: finding for one, finding in seen.items() if one in proof.declared or one not in declared}
        # What happens within a deploy is over with it.
        if not proof.fault.deploy and not breaking.has_landed(proof.fault):
            proof.trouble = "was gone when the look was over"


def _is_mended(estate: Estate, evidence: Evidence | None) -> bool:
    """Whether one more survey shows that all holds again. What a mend restarted shows as restarted then: that is left to the
    next look, which counts both of its surveys.
    """
    return evidence is not None and all(rule_of(one) in RESTARTED for one in judge(estate, glance(estate, evidence)))


def until_green(estate: Estate, work: Path) -> dict[str, Finding]:
    """Look until everything holds; what does not when the time is over."""
    until = time.monotonic() + GREEN_WITHIN
    while True:
        red = judge(estate, look(estate, work / "green", None))
        if not red or time.monotonic() > until:
            return red


def whole_look(reports: Path) -> str:
    """The real thing at the end: `pytest --estate lab` in a process of its own; why it does not hold, empty if it does."""
    return _why_not(_pytest([], reports))


def _deployed(proof: Proof, work: Path) -> dict[str, Finding]:
    """Deploy as the fault asks, in a pytest of its own; what did not hold before the way back. What it told is judged too."""
    fault = proof.fault
    standing = [word for one in fault.standing for word in ("--standing", one)]
    reason = ["--reason", "a fault that is proved"] if standing else []
    ended = _gate(work / "deploy", "--deploy", fault.deploy, *standing, *reason, "suites")
    document = _verdict_of(ended, work / "deploy")
    proof.told = list(too_much(ended.stdout.splitlines()))
    return {one["id"]: Finding(one["verdict"], one.get("found", "")) for one in document["invariants"] if one["verdict"] in RED}


def _clear(fault: Fault, work: Path) -> None:
    """A deploy whose way back failed holds its service until a person clears it: here whoever mended the fault does."""
    service = fault.deploy.partition("=")[0]
    # Refused where nothing is held.
    _gate(work / "clear", "--clear", service, "--reason", f"the fault {fault.name} is mended")


def _gate(reports: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The gate on the lab, in a process of its own. It makes no page, and writes nothing where somebody's own runs are."""
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--estate", "lab", "--html", "never"]
    argv += ["--reports", str(reports), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=PYTEST, check=False, cwd=places.ROOT)


def _pytest(more: list[str], reports: Path) -> dict[str, Any]:
    """One run of the gate on the lab, as its verdict.json says it."""
    return _verdict_of(_gate(reports, *more, "suites"), reports)


def _verdict_of(done: subprocess.CompletedProcess[str], reports: Path) -> dict[str, Any]:
    """What a run left. Raises VoxgateError where it left nothing."""
    try:
        document: dict[str, Any] = json.loads((reports / "latest" / "verdict.json").read_text("utf-8"))
    except OSError:
        said = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise VoxgateError("pytest gave no verdict", where="lab", why=" ".join(said)) from None
    return document


def _why_not(document: dict[str, Any]) -> str:
    red = [one for one in document["invariants"] if one["verdict"] in RED]
    if red:
        return f"{red[0]['id']}: {red[0].get('found', '')}"
    return "" if document["verdict"] == "holds" else str(document["summary"])


class _timed:  # noqa: N801 - reads as a word
    """Write down how long a part of some proofs takes, each its share."""

    def __init__(self, proofs: Sequence[Proof], part: str) -> None:
        self._proofs, self._part = proofs, part

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        for proof in self._proofs:
            proof.seconds[self._part] = round((time.monotonic() - self._began) / len(self._proofs), 2)


def _tell(proof: Proof, number: int, of: int, say: Callable[[str], None]) -> None:
    took = sum(proof.seconds.values())
    count = f"{len(proof.declared)} declared, {len(proof.seen)} seen"
    say(f"{number:3}/{of} {'proved ' if proof.proved else 'FAILED '} {proof.fault.name:34} {took:5.1f} s  {count}")
    for line in [proof.trouble, *proof.differences]:
        if line:
            say(f"           {line}")


def stamp() -> str:
    """Now, as reports say it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
