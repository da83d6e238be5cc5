"""The other proof: ordinary things are put on the lab, and all holds.

All are there at once. One look, by an estate with all their entries, must hold. Then each entry is left out of that estate, and
the same look is judged again: exactly what the thing declares must be red, so that no entry is idle, and none covers another
thing. What is not exact is tried again in halves, at last each thing alone, with a look of its own by either estate. And what
``voxgate draft`` writes into the lab's own estate, by a look and in one go, must be all that it needs.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lab import cell
from lab.proving import breaking, entries
from lab.proving.entries import LAB
from lab.proving.judge import Finding, judge, look
from lab.proving.run import green_first, until_green
from lab.proving.script import MACHINE, judged_ids
from voxgate.cli.draft import drafted
from voxgate.contracts import estate_file
from voxgate.contracts.estates import load_estate
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.proving.ordinary import Ordinary
    from voxgate.model.estate import Estate
    from voxgate.model.look import Evidence


_FEW = 5


@dataclass(slots=True)
class Trial:
    """What came of one ordinary thing: ``red`` is what did not hold with its entry, ``seen`` what did not without it."""

    thing: Ordinary
    declared: dict[str, str]
    red: dict[str, Finding] = field(default_factory=dict)
    seen: dict[str, Finding] = field(default_factory=dict)
    trouble: str = ""

    @property
    def is_proved(self) -> bool:
        """All holds with its entry, exactly what is declared does not without it, and it was mended."""
        return not self.trouble and not self.differences

    @property
    def differences(self) -> list[str]:
        """Each judgement that came otherwise than it must, in words."""
        said = [f"{one} is {finding.verdict}: {finding.found}" for one, finding in self.red.items()]
        if self.red or self.trouble:
            return said
        for one in sorted({*self.declared, *self.seen}):
            wanted, found = self.declared.get(one, "holds"), self.seen.get(one)
            came = found.verdict if found else "holds"
            if wanted != came:
                why = f": {found.found}" if found else ""
                said.append(f"without its entry {one} is {came}, declared {wanted}{why}")
        return said


def try_all(things: Sequence[Ordinary], trials: list[Trial], say: Callable[[str], None]) -> None:
    """Try each, and add what came of it to ``trials``. Raises VoxgateError where the lab does not hold to begin with, or
    cannot be mended.
    """
    cell.needed()
    with tempfile.TemporaryDirectory(prefix="voxgate-ordinary-") as folder:
        work = Path(folder)
        estate = green_first(work, say)
        groups = grouped(things)
        say(f"all holds; {len(things)} ordinary things in {len(groups)} looks")
        for group in groups:
            for trial in _tried(group, estate, work, say):
                trials.append(trial)
                _tell(trial, len(trials), len(things), say)


def put(things: Sequence[Ordinary]) -> tuple[list[str], list[str]]:
    """Put all on the lab and leave them: the names of those that are there, and one line for each that is not."""
    trials = [Trial(thing, {}) for thing in things]
    _on_each_host(_inject, trials)
    there = [trial.thing.name for trial in trials if not trial.trouble]
    return there, [trial.trouble for trial in trials if trial.trouble]


def grouped(things: Sequence[Ordinary]) -> list[list[Ordinary]]:
    """As few groups as can be: things of which an entry says other than another's are not looked at together."""
    groups: list[list[Ordinary]] = []
    for thing in things:
        for group in groups:
            if not thing.alone and not group[0].alone and _stand_together([*group, thing]):
                group.append(thing)
                break
        else:
            groups.append([thing])
    return groups


def _stand_together(things: Sequence[Ordinary]) -> bool:
    try:
        entries.lab_with(things)
    except VoxgateError:
        if len(things) == 1:
            raise
        return False
    return True


def _tried(group: Sequence[Ordinary], estate: Estate, work: Path, say: Callable[[str], None]) -> list[Trial]:
    """Some at once; where not all holds, half of them each, and what is not exact without its entry alone."""
    made = _try(group, estate, work, say)
    if len(group) == 1:
        return made
    if any(trial.red or trial.trouble for trial in made):
        middle = len(group) // 2
        for trial in made:
            if trial.trouble:
                say(f"        {trial.thing.name}: {trial.trouble}")
        for line in next((trial.differences for trial in made if trial.red), ()):
            say(f"        {line}")
        say("        not all holds, so in two parts")
        return [trial for part in (group[:middle], group[middle:]) for trial in _tried(part, estate, work, say)]
    return [again for one in made for again in ([one] if one.is_proved else _try([one.thing], estate, work, say))]


def _try(group: Sequence[Ordinary], estate: Estate, work: Path, say: Callable[[str], None]) -> list[Trial]:
    """Some at once, mended whatever happens. Raises VoxgateError if the lab does not hold again."""
    with_all = entries.lab_with(group)
    trials = [Trial(thing, thing.declared(judged_ids(entries.lab_with([thing])))) for thing in group]
    try:
        _on_each_host(_inject, trials)
        if not any(trial.trouble for trial in trials):
            evidence = look(with_all, work / "look", None)
            red = judge(with_all, evidence)
            for trial in trials:
                trial.red = red
                if trial.thing.entry and not red:
                    trial.seen = _without(trial.thing, group, evidence, work)
                if not breaking.has_landed(trial.thing):
                    trial.trouble = "was gone when the look was over"
            if len(group) > 1 and not red:
                _draft(estate, work, say)
    finally:
        _on_each_host(_mend, trials[::-1])  # what came last goes first
    red = until_green(estate, work)
    if red:
        for trial in trials:
            if trial.trouble:
                say(f"        {trial.thing.name}: {trial.trouble}")
        first = next(iter(red))
        where = ", ".join(thing.name for thing in group) if len(group) < _FEW else f"{len(group)} things"
        raise VoxgateError("the lab does not hold after mending", where=where, why=f"{first}: {red[first].found}")
    if len(group) > 1:
        say(f"        {len(group)} were there at once, and are gone")
    return trials


def _draft(estate: Estate, work: Path, say: Callable[[str], None]) -> None:
    """The walk of whoever comes with hosts of his own: a look, all that is unknown written for him, and the next look. Raises
    VoxgateError where that does not hold.
    """
    found = drafted(estate, look(estate, work / "plain", None))
    path = work / LAB.name
    path.write_text(LAB.read_text("utf-8"), "utf-8")
    estate_file.replace(path, estate_file.with_entries(path.read_text("utf-8"), found.entries, path.name))
    red = {one.id: Finding(one.verdict.value, one.found) for one in found.left}
    if not red:
        written = load_estate(str(path))
        red = judge(written, look(written, work / "drafted", None))
    if red:
        first = next(iter(red))
        why = f"{first}: {red[first].found}"
        raise VoxgateError("an estate with all that was drafted does not hold", where=f"{len(red)} judgements", why=why)
    say(f"        voxgate draft wrote {len(found.entries)} entries, and an estate with them holds")


def _without(thing: Ordinary, group: Sequence[Ordinary], evidence: Evidence, work: Path) -> dict[str, Finding]:
    """What does not hold where the estate leaves out one entry: of the same look, or for one alone of a look of its own, because
    an estate with other words may ask other questions.
    """
    without = entries.lab_with([one for one in group if one is not thing])
    return judge(without, evidence if len(group) > 1 else look(without, work / "without", None))


def _on_each_host(do: Callable[[Trial], None], trials: Sequence[Trial]) -> None:
    """One after the other on a host, all hosts at once; what runs on this machine by itself."""
    by_host: dict[str, list[Trial]] = {}
    for trial in trials:
        by_host.setdefault(trial.thing.host, []).append(trial)
    here = by_host.pop(MACHINE, [])

    def all_of(some: Sequence[Trial]) -> None:
        for trial in some:
            do(trial)

    with ThreadPoolExecutor(len(by_host) or 1) as pool:
        for done in [pool.submit(all_of, some) for some in by_host.values()]:
            done.result()
    all_of(here)


def _inject(trial: Trial) -> None:
    try:
        breaking.inject(trial.thing)
    except VoxgateError as error:
        trial.trouble = error.line


def _mend(trial: Trial) -> None:
    try:
        if trial.thing.name in breaking.broken():
            breaking.mend(trial.thing)
    except VoxgateError as error:
        trial.trouble = trial.trouble or error.line


def _tell(trial: Trial, number: int, of: int, say: Callable[[str], None]) -> None:
    how = "with its entry" if trial.thing.entry else ""
    say(f"{number:3}/{of} {'holds  ' if trial.is_proved else 'FAILED '} {trial.thing.name:34} {how}".rstrip())
    for line in [trial.trouble, *trial.differences]:
        if line:
            say(f"           {line}")
