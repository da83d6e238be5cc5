"""A green look at the lab, saved once; one fact of it changed; and every invariant judged on it, with no host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.model.answers import Answer
from voxgate.model.estate import Estate
from voxgate.model.evidence import HostEvidence, known
from voxgate.model.invariant import expected
from voxgate.model.look import Evidence, Look, Question
from voxgate.model.verdict import Judgement, Verdict
from voxgate.plugin import without_pytest
from voxgate.survey.balancing import call_questions
from voxgate.survey.saving import load

SAVED = Path(__file__).resolve().parent.parent / "evidence"


@dataclass(frozen=True, slots=True)
class Case:
    """An estate and evidence of it; each method gives another one with one thing changed in the second look."""

    estate: Estate
    evidence: Evidence

    def judge(self, names: Iterable[str] = ()) -> dict[str, tuple[str, str]]:
        """Every judgement that is not *holds*: id to verdict and what was found. ``names`` limits the invariants."""
        return {one.id: (one.verdict.value, one.found) for one in self.judgements(names)}

    def judgements(self, names: Iterable[str] = ()) -> Iterator[Judgement]:
        """The same, whole."""
        wanted, evidence = set(names), self.called
        for one in expected(read_catalogue(), self.estate, (), deploying=frozenset()):
            if wanted and one.invariant.name not in wanted:
                continue
            judged = without_pytest.judge(one, self.estate, evidence)
            if judged is not None and judged.verdict is not Verdict.HOLDS:
                yield judged

    def advice(self, key: str) -> str:
        """What a judgement that is not *holds* says to do."""
        return next(one.advice for one in self.judgements([key.partition("[")[0]]) if one.id == key)

    @property
    def called(self) -> Evidence:
        """The evidence with calls asked for wherever a look at this estate would ask for one: refused there as everywhere."""
        look = self.evidence.second
        like = next((answer for asked, answer in look.answers.items() if asked.method == "POST"), None)
        if like is None:
            return self.evidence
        more = dict.fromkeys(call_questions(self.estate, look.hosts), like)
        return replace(self.evidence, second=replace(look, answers={**more, **look.answers}))

    def look(self, change: Callable[[Look], Look]) -> Case:
        """Another second look."""
        return replace(self, evidence=replace(self.evidence, second=change(self.evidence.second)))

    def host(self, name: str, **facts: Any) -> Case:
        """Other facts of one host."""
        return self.look(lambda look: replace(look, hosts={**look.hosts, name: replace(look.host(name), **facts)}))

    def of(self, name: str) -> HostEvidence:
        """One host as the second look has it."""
        return self.evidence.second.host(name)

    def fact(self, host: str, field: str, **parts: Any) -> Case:
        """Other parts of one fact of a host."""
        return self.host(host, **{field: replace(known(getattr(self.of(host), field)), **parts)})

    def of_service(self, host: str, field: str, service: str, **parts: Any) -> Case:
        """Other parts of what a host says of one service."""
        facts = getattr(self.of(host), field)
        return self.host(host, **{field: {**facts, service: replace(known(facts[service]), **parts)}})

    def unit(self, host: str, name: str, *, properties: dict[str, str] | None = None, **parts: Any) -> Case:
        """Another unit."""
        units = known(self.of(host).units)
        fact = units[name]
        changed = replace(fact, properties={**fact.properties, **(properties or {})}, **parts)
        return self.host(host, units={**units, name: changed})

    def process(self, host: str, unit: str, **parts: Any) -> Case:
        """Another process of a unit."""
        rows = tuple(replace(row, **parts) if row.unit == unit else row for row in known(self.of(host).processes))
        return self.host(host, processes=rows)

    def runtime(self, host: str, service: str, **parts: Any) -> Case:
        """Another look into the first process of a service."""
        fact = known(self.of(host).runtimes[service])
        return self.of_service(host, "runtimes", service, processes=(replace(fact.processes[0], **parts), *fact.processes[1:]))

    def answer(self, question: Question, **parts: Any) -> Case:
        """Another answer."""

        def change(look: Look) -> Look:
            old = look.answer(question)
            assert isinstance(old, Answer)
            return replace(look, answers={**look.answers, question: replace(old, **parts)})

        return self.look(change)


@pytest.fixture(scope="session")
def green() -> Case:
    """The lab, all of it well."""
    return as_it_is()


def as_it_is() -> Case:
    """The lab, all of it well."""
    evidence = load(SAVED)
    estate = load_estate("lab")
    keys = {"all": tuple((one.user, one.fingerprint) for one in known(evidence.second.host("data").keys).keys)}
    return Case(replace(estate, keys=keys), evidence)
