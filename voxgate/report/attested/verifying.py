"""An attested run, verified without any connection: by whom it is signed, that nothing of its folder is another, and that its
verdict follows from its evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from voxgate.contracts.envelope import LIMIT, Envelope, canonical, decode
from voxgate.contracts.json_strict import loads
from voxgate.contracts.ledger_copy import LIMIT as LISTED
from voxgate.contracts.ledger_copy import NAME, read_copy
from voxgate.contracts.ledger_lines import flaws, lines_of
from voxgate.contracts.manifest import digests_of, read_file, read_text, sha256
from voxgate.contracts.statement import NAMESPACE, Attested, Resource, read_statement, statement
from voxgate.deploy.deciding.decision import Judged, judge_run
from voxgate.errors import VoxgateError, visible
from voxgate.model.counting import counted
from voxgate.model.run_facts import How
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict
from voxgate.report.attested.attesting import ATTESTATION, BESIDE, MANIFEST, SIGNATURE
from voxgate.report.verdict import verdict_file
from voxgate.transport.ssh.keygen import LONGEST, must_be_by_the_same, verify

_SHOWN = 3
_GREEN = frozenset({RunVerdict.DONE, RunVerdict.HOLDS, RunVerdict.PARTIAL})
_CONNECTS = "::"
"""In the id of a team's own check, which may have asked a host: what it saw is no part of the evidence."""

Judge = Callable[[Path], RunOutcome]
"""Judges a saved look anew: a folder in, what it comes to out."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was verified: ``why`` is what is wrong with it, ``said`` what was seen where nothing is."""

    what: str
    said: str = ""
    why: str = ""

    @property
    def line(self) -> str:
        """One line."""
        return visible(f"{'WRONG' if self.why else 'good':<6} {self.what:<10} {self.why or self.said}")


@dataclass(frozen=True, slots=True)
class Verifier:
    """By what a run is verified: who may sign (a file, None where it does not matter), what it would be judged with here, the ids
    that must be judged and a team's own checks, who judges a look anew, and a ledger as a host has it now, if one was brought.
    """

    signers: Path | None
    configuration: Callable[[RunOutcome], Sequence[Resource]]
    expected: Callable[[RunOutcome], tuple[Collection[str], Collection[str]]]
    judge: Judge
    ledger: Path | None = None

    def checks(self, folder: Path) -> Iterator[Check]:
        """All of them, in order. Where the files are not those that were attested, nothing is judged by them."""
        try:
            body = read_file(folder / ATTESTATION, LIMIT)
            envelope = decode(body, ATTESTATION)
            said = read_statement(envelope.payload, ATTESTATION)
        except VoxgateError as error:
            yield Check("attested", why=error.line)
            return
        yield Check("attested", f"run {said.run} on {said.estate}: {said.verdict}, {said.ended:%Y-%m-%d %H:%M:%S} UTC")
        yield _signature(folder, body, envelope, self.signers)
        files, digests = _files(folder)
        yield files
        if files.why:
            return
        try:
            outcome = verdict_file.read(folder / "verdict.json")
        except VoxgateError as error:
            yield Check("verdict", why=error.line)
            return
        yield _statement(envelope, outcome, digests, said)
        yield from self._configuration(said, outcome)
        yield from _ledgers(folder, outcome, sha256(body), digests, self.ledger)
        yield _guarded("rules", lambda: _rules(outcome, *self.expected(outcome)))
        for name, why in (("evidence", "judged again"), ("before", "before it"), ("rollback", "way back")):
            look = _look(folder, name)
            if look is not None and (name == "evidence" or _has(outcome, name)):
                yield self._judged(outcome, name, look, why)
            elif _must(outcome, name):
                yield Check(why, why=f"there is no {look.name if look else name} by which it could be judged")

    def _judged(self, outcome: RunOutcome, name: str, look: Path, what: str) -> Check:
        """That a look comes to what was judged of it."""
        return _guarded(what, lambda: _again(outcome, name, self.judge(look), what))

    def _configuration(self, said: Attested, outcome: RunOutcome) -> Iterator[Check]:
        """That it was judged with what is here, too."""
        try:
            here = list(self.configuration(outcome))
        except VoxgateError as error:
            yield Check("judged by", why=error.line)
            return
        other = [str(one.get("name", "?")) for one in said.configuration if one not in here]
        other += [str(one["name"]) for one in here if one not in said.configuration and str(one["name"]) not in other]
        if other or list(said.configuration) != here:
            named = ", ".join(other) or "in another order"
            yield Check("judged by", why=f"other here than when it was judged: {named}; verify it with what it was judged with")
        else:
            yield Check("judged by", ", ".join(str(one["name"]) for one in here))


def _guarded(what: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except VoxgateError as error:
        return Check(what, why=error.line)


def _signature(folder: Path, body: bytes, envelope: Envelope, signers: Path | None) -> Check:
    """Who signed it."""
    if not (folder / SIGNATURE).exists() and not (folder / SIGNATURE).is_symlink():
        if signers is not None or envelope.signature:
            return Check("signature", why="it is not signed")
        return Check("signature", "not signed: anybody may have written all of it")
    try:
        signature = read_file(folder / SIGNATURE, LONGEST)
        signer = verify(body, signature, NAMESPACE, signers, SIGNATURE)
        if envelope.signature:
            must_be_by_the_same(signature, envelope.signature, envelope.signed, ATTESTATION)
            if envelope.key != signer.key:
                return Check("signature", why=f"the envelope names another key than {signer.key}")
    except VoxgateError as error:
        return Check("signature", why=error.line)
    return Check(
        "signature", f"by {signer.name}, {signer.key}" if signer.name else f"by {signer.key}; whose that is, --signers says"
    )


def _files(folder: Path) -> tuple[Check, dict[str, str]]:
    """That all files are there, no others, and each as it was; with the digests."""
    try:
        listed = read_file(folder / MANIFEST, LISTED)
        then, now = read_text(listed, MANIFEST), digests_of(folder, without=BESIDE)
    except VoxgateError as error:
        return Check("files", why=error.line), {}
    wrong = [
        *(f"{name} is missing" for name in then if name not in now),
        *(f"{name} was added" for name in now if name not in then),
        *(f"{name} is another" for name in now if then.get(name, now[name]) != now[name]),
    ]
    if wrong:
        more = f", and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        return Check("files", why=", ".join(wrong[:_SHOWN]) + more), {}
    return Check("files", f"{len(now)}, each as it was"), {**now, MANIFEST: sha256(listed)}


def _statement(envelope: Envelope, outcome: RunOutcome, digests: Mapping[str, str], said: Attested) -> Check:
    """That the statement is what the folder says: made anew it is the same, byte by byte."""
    anew = canonical(statement(outcome, digests, list(said.configuration)))
    if anew == envelope.payload:
        return Check("statement", "says what the folder does")
    then, now = (_by_name(body) for body in (envelope.payload, anew))
    other = [name for name in {**then, **now} if then.get(name) != now.get(name)] or ["something"]
    return Check("statement", why=f"it says something else than the folder: {', '.join(other[:_SHOWN])}")


def _by_name(payload: bytes) -> dict[str, str]:
    """What a statement says, by its first two names: ``subject[verdict.json]``, ``predicate.result``."""
    document = loads(payload, limit=LIMIT)
    rows = {f"subject[{one.get('name')}]": str(one) for one in document["subject"]}
    return rows | {f"predicate.{key}": str(value) for key, value in document["predicate"].items()}


def _ledgers(
    folder: Path, outcome: RunOutcome, attestation: str, digests: Mapping[str, str], brought: Path | None
) -> Iterator[Check]:
    """That the ledgers, as they were at the run's end, are whole, and name its verdict; and that the one that was ``brought``
    goes on from there, and names its attestation.
    """
    try:
        copies = read_copy(read_file(folder / NAME, LISTED)) if NAME in digests else {}
        told = [line.event for lines in copies.values() for line in lines if line.event.get("run") == outcome.run]
        wrong = [f"{key}: {why}" for key, lines in copies.items() for why in flaws(lines, whole=False)]
        if copies and not any(one.get("event") == "verdict" and one.get("digest") == digests["verdict.json"] for one in told):
            wrong.append("they name another verdict of this run, or none")
        if copies:
            yield Check("ledgers", f"of {', '.join(copies)}: each line follows the one before", "; ".join(wrong[:_SHOWN]))
        if brought is not None:
            lines = list(lines_of(read_file(brought, LISTED).decode("utf-8", "replace").splitlines()))
            wrong = list(flaws(lines, whole=True))
            known = {line.digest for line in lines}
            if not any(one.event.get("event") == "attested" and one.event.get("digest") == attestation for one in lines):
                wrong.append("it does not name this attestation")
            if not any(copy and copy[-1].digest in known for copy in copies.values()):
                wrong.append("it has none of the lines that the run ended with")
            yield Check("ledger", f"{brought.name}: {counted(len(lines), 'line')}, and names this run", "; ".join(wrong[:_SHOWN]))
    except VoxgateError as error:
        yield Check("ledgers", why=error.line)


def _rules(outcome: RunOutcome, expected: Collection[str], plain: Collection[str]) -> Check:
    """That every rule was judged that had to be, and nothing else; or that the verdict says so."""
    came = {one.id for one in outcome.judgements}
    if not came and outcome.verdict not in _GREEN:
        return Check("rules", f"none was judged, and it is {outcome.verdict}")
    lost = Judged(expected, outcome.judgements, plain=plain).missing
    unsaid = [one for one in lost if one not in outcome.missing]
    if unsaid:
        return Check("rules", why=f"{len(unsaid)} were not judged, and it does not say so: {', '.join(unsaid[:_SHOWN])}")
    functions = {one.partition("[")[0] for one in plain}
    if strange := [one for one in came if one not in expected and one.partition("[")[0] not in functions]:
        return Check("rules", why=f"judged by what is no rule here: {', '.join(sorted(strange)[:_SHOWN])}")
    if not lost:
        return Check("rules", f"all {len(came)} that must be judged were judged")
    if outcome.verdict is RunVerdict.DONE or (outcome.verdict in _GREEN and not outcome.partial):
        return Check("rules", why=f"{len(lost)} were not judged, and it is {outcome.verdict}")
    return Check("rules", f"{len(lost)} of {len(lost) + len(came)} were not judged, and it says so")


def _look(folder: Path, name: str) -> Path | None:
    """The saved look of that name, the last one of several; None where there is none."""
    if name == "evidence":
        found = [folder / name]
    else:
        found = sorted(folder.glob(f"evidence-{name}*"), key=lambda path: (len(path.name), path.name))
    return next((path for path in reversed(found) if (path / "second").is_dir()), None)


def _has(outcome: RunOutcome, name: str) -> bool:
    return bool(outcome.standing if name == "before" else outcome.rollback)


def _must(outcome: RunOutcome, name: str) -> bool:
    """True where something was judged by that look."""
    return bool(outcome.judgements) if name == "evidence" else _has(outcome, name)


def _again(outcome: RunOutcome, name: str, again: RunOutcome, what: str) -> Check:
    """That what was judged of a look comes out of it again."""
    then = {"evidence": outcome.judgements, "before": outcome.standing, "rollback": outcome.rollback}[name]
    now = {one.id: one for one in again.judgements}
    wrong, unseen = [], 0
    for one in then:
        new = now.get(one.id)
        if new is not None and _same(one, new):
            continue
        if _CONNECTS in one.id and (new is None or new.verdict is Verdict.BLIND):
            unseen += 1
        elif new is None:
            wrong.append(f"{one.id} cannot be judged by it")
        elif new.verdict is not one.verdict:
            wrong.append(f"{one.id} is {new.verdict}, not {one.verdict}")
        else:
            wrong.append(f"{one.id} says something else")
    if name == "evidence":
        left = {*outcome.missing, *(one.id for one in then)}
        wrong += [f"{key} is {one.verdict}, and was left out" for key, one in now.items() if key not in left]
        wrong += _verdict(outcome, tuple(now[one.id] for one in then if one.id in now))
        if outcome.verdict in {RunVerdict.HOLDS, RunVerdict.DONE} and again.verdict in {
            RunVerdict.PARTIAL,
            RunVerdict.INCOMPLETE,
        }:
            wrong.append(f"it is {outcome.verdict}, and its evidence is {again.verdict}")
    if wrong:
        more = f", and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        return Check(what, why=", ".join(wrong[:_SHOWN]) + more)
    asked = f"; {counted(unseen, 'check')} of the team's own asked hosts: not judged again" if unseen else ""
    return Check(what, f"{counted(len(then) - unseen, 'judgement')}, each the same{asked}")


def _same(then: Judgement, now: Judgement) -> bool:
    """How long it took is no matter."""
    return all(
        getattr(then, one.name) == getattr(now, one.name) for one in fields(Judgement) if one.name not in {"seconds", "entries"}
    )


def _verdict(outcome: RunOutcome, now: Sequence[Judgement]) -> list[str]:
    """What its verdict may not be, by what its evidence comes to now."""
    if why := replace(outcome, judgements=tuple(now)).contradiction:
        return [why]
    allowed = [replace(one, verdict=Verdict.HOLDS) if one.id in outcome.allowed else one for one in now]
    came = judge_run(Judged([], allowed))
    failed = any(move.error for move in outcome.moves)
    if outcome.how is How.LOOK and outcome.verdict in {RunVerdict.VIOLATED, RunVerdict.BLIND} and came is not outcome.verdict:
        return [f"it is {outcome.verdict}, and its evidence is {came}"]
    if outcome.deploy and outcome.verdict is RunVerdict.ROLLED_BACK and came is RunVerdict.HOLDS and not failed:
        return ["it was rolled back, and its evidence holds"]
    return []
