"""What comes in while a run judges: reports of tests, and what was lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from voxgate.model.invariant import Invariant, Subject
from voxgate.model.verdict import Judgement, Verdict
from voxgate.model.waiver import Waiver
from voxgate.plugin.judging import PROPERTY
from voxgate.plugin.session import Session

_PHASES = ("setup", "call", "teardown")
_WAIVED = {"setup": "passed", "call": "skipped", "teardown": "passed"}


@dataclass(slots=True)
class _Phases:
    """What came of one test so far: outcome by phase, and the last words."""

    outcomes: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(slots=True, eq=False)
class Collector:
    """Gathers the reports of one run, from here or from workers, into judgements; registered as a plugin of its own. ``lost`` is
    what went missing on the way: suites, workers, tests.
    """

    session: Session
    lost: list[str] = field(default_factory=list)
    _tests: dict[str, _Phases] = field(default_factory=dict)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A suite that cannot be collected judges nothing, and pytest goes on without it where it has workers."""
        if report.failed:
            self.lost.append(report.nodeid or "the suites")

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """A test that took its worker down was not judged."""
        self.lost.append(crashitem)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker that went down with an error was lost, and what it would have judged with it."""
        if error:
            self.lost.append(f"worker {node.gateway.id}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test. A phase that failed is never overwritten by a later one that did not."""
        said = {
            str(key).removeprefix(PROPERTY): str(value) for key, value in report.user_properties if str(key).startswith(PROPERTY)
        }
        if "id" not in said or report.when is None:
            return
        phases = self._tests.setdefault(said["id"], _Phases())
        if phases.outcomes.get(report.when) != "failed":
            phases.outcomes[report.when] = report.outcome
        phases.seconds += report.duration
        if "verdict" in said or not {"verdict", "elsewhere", "empty"} & set(phases.said):
            phases.said = said

    @property
    def elsewhere(self) -> frozenset[str]:
        """Ids that a part could not judge because they are about other hosts as well; none for joined parts."""
        if not self.session.is_part:
            return frozenset()
        return frozenset(key for key, phases in self._tests.items() if "elsewhere" in phases.said)

    @property
    def moving(self) -> tuple[str, ...]:
        """Ids of what does not hold, and may be the doing of a deploy at work."""
        return tuple(key for key, phases in self._tests.items() if "moving" in phases.said)

    @property
    def empty(self) -> tuple[str, ...]:
        """A team's own checks that assert nothing: ``test_ours.py::test_x``, each once."""
        return tuple(dict.fromkeys(key.partition("[")[0] for key, phases in self._tests.items() if "empty" in phases.said))

    def judgements(self) -> tuple[Judgement, ...]:
        """Every test that was judged. Holds only with a full passing report; skipped or half-run is no judgement."""
        rules = {one.id: (one.invariant, one.subject) for one in self.session.expected()}
        made: list[Judgement] = []
        for key, phases in self._tests.items():
            verdict = _verdict(phases)
            if verdict is not None:
                waivers = self.session.waivers_of(phases.said.get("waivers", ""))
                made.append(_judgement(key, phases, verdict, rules.get(key), waivers))
        return tuple(made)


def _verdict(phases: _Phases) -> Verdict | None:
    """What the three phases come to, None if that is no judgement."""
    if "verdict" in phases.said and "failed" in phases.outcomes.values():
        return Verdict(phases.said["verdict"])
    if phases.said.get("verdict") == Verdict.WAIVED and phases.outcomes == _WAIVED:
        return Verdict.WAIVED
    if all(phases.outcomes.get(phase) == "passed" for phase in _PHASES):
        return Verdict.HOLDS
    return Verdict.BLIND if "failed" in phases.outcomes.values() else None


def _judgement(
    key: str, phases: _Phases, verdict: Verdict, rule: tuple[Invariant, Subject] | None, waivers: tuple[Waiver, ...]
) -> Judgement:
    """One line of the verdict."""
    said = phases.said
    name = rule[0].name if rule else key.partition("[")[0]
    return Judgement(
        id=key,
        invariant=name,
        sentence=rule[0].sentence if rule else name,
        reason=rule[0].reason if rule else said.get("reason") or "a test of the team's own",
        verdict=verdict,
        service=said.get("service") or None,
        host=said.get("host") or None,
        found=said.get("found", "") if verdict is not Verdict.HOLDS else "",
        advice=said.get("advice", "") if verdict is not Verdict.HOLDS else "",
        seconds=round(phases.seconds, 4),
        waivers=waivers if verdict is not Verdict.HOLDS else (),
    )
