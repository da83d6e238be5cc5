"""Voxgate's own rules, judged over evidence without a pytest: each is called with what its fixtures give it.

A deploy judges up to four times on its way, and a pytest that starts, collects and reports takes three times as long for it as
the rules do. That both say the same is tested. What a team brings, its checks and its fixtures, is pytest's alone.

``python -m voxgate.plugin.without_pytest EVIDENCE VERDICT ESTATE DAY [HOST ..]`` judges a saved look in a process of its own, and
writes its verdict.json; waivers count as on that day; the hosts are those that it is of, where these are not all. It ends with 0,
or with ``NEEDS_PYTEST``.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import time
import warnings
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from voxgate.contracts.catalogue import FOLDER, read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import names as schema_names
from voxgate.deploy.deciding.decision import Judged, look_status, look_summary, look_verdict
from voxgate.errors import OutsideLook, VoxgateError
from voxgate.model.entry import Entry
from voxgate.model.estate import Estate
from voxgate.model.invariant import Expected, expected
from voxgate.model.look import Evidence
from voxgate.model.part import is_within, narrowed
from voxgate.model.verdict import Judgement, RunOutcome, Verdict
from voxgate.plugin.invariants import entries_of
from voxgate.plugin.words import Words, words_of
from voxgate.redaction.cutting import Redactor
from voxgate.report.verdict import verdict_file
from voxgate.survey.saving import load

MODULE = "voxgate.plugin.without_pytest"
NEEDS_PYTEST = 3
"""Exit status where a rule asks for something that is no part of a look, or another gate was at work: pytest knows what to do."""


class NeedsPytestError(Exception):
    """A rule that only pytest can judge."""


def judge(
    one: Expected, estate: Estate, evidence: Evidence, *, partial: bool = False, day: date | None = None
) -> Judgement | None:
    """One rule on one subject, as its test in pytest comes out; None where it is about more than the hosts that a ``partial``
    look is of. Waivers count as on ``day`` (default: that of the look). Raises NeedsPytestError.
    """
    rule, subject = one.invariant, one.subject
    given = {"estate": estate, "evidence": evidence, "moves": (), rule.per.value: subject.value}
    function = _function(one)
    wanted = inspect.signature(function).parameters
    if not given.keys() >= wanted.keys():
        raise NeedsPytestError(one.id)
    began = time.perf_counter()
    said = Words(Verdict.HOLDS, "")
    entries: tuple[Entry, ...] = ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # as our suites are judged by pytest
            function(**{name: given[name] for name in wanted})
    except Exception as error:  # noqa: BLE001 - as in pytest: whatever else happens, we could not judge
        if partial and isinstance(error, OutsideLook):
            return None
        said = words_of(error, one, estate, day or evidence.second.day)
        entries = entries_of(error)
    return Judgement(
        id=one.id,
        invariant=rule.name,
        sentence=rule.sentence,
        reason=rule.reason,
        verdict=said.verdict,
        service=subject.service,
        host=subject.host,
        found=said.found,
        advice=said.advice,
        entries=entries,
        seconds=round(time.perf_counter() - began, 4),
        waivers=said.waivers,
    )


def outcome_of(folder: Path, estate: Estate, part: frozenset[str] | None, day: date) -> RunOutcome:
    """What a saved look comes to, as on ``day``. Raises ContractError for what is none, NeedsPytestError."""
    started = time.time()
    evidence = load(folder)
    if evidence.works:
        raise NeedsPytestError("another gate was at work")
    rules = expected(read_catalogue(), estate, schema_names(), deploying=frozenset())
    if part is not None:
        rules = tuple(one for one in rules if is_within(one.invariant, one.subject, part))
    judged = {one.id: judge(one, estate, evidence, partial=part is not None, day=day) for one in rules}
    made = tuple(one for one in judged.values() if one is not None)
    came = Judged([one.id for one in made], made)
    verdict = look_verdict(came, part=part is not None)
    hosts = [host.name for host in narrowed(estate, part).hosts]
    return RunOutcome(
        run=folder.name,
        estate=estate.name,
        verdict=verdict,
        exit_status=look_status(verdict, 0),
        started=started,
        seconds=time.time() - started,
        deploy=False,
        partial=part is not None,
        summary=look_summary(came, verdict, hosts, len(judged) - len(made)),
        hosts=tuple(hosts),
        judgements=made,
        missing=came.missing,
    )


def _function(one: Expected) -> Callable[..., Any]:
    """The test that says a rule."""
    function: Callable[..., Any] = getattr(suite(one.invariant.suite), f"test_{one.invariant.name.replace('-', '_')}")
    return function


@cache
def suite(name: str) -> ModuleType:
    """One of voxgate's own suites, imported as a plain module."""
    known = f"voxgate_suites.{name.removesuffix('.py')}"
    spec = importlib.util.spec_from_file_location(known, FOLDER / name)
    if spec is None or spec.loader is None:
        raise VoxgateError("cannot be imported", where=f"suites/{name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[known] = module
    spec.loader.exec_module(module)
    return module


def main(folder: str, verdict: str, source: str, day: str, *hosts: str) -> int:
    """See above."""
    if sys.flags.optimize:  # no assertion could fail: pytest refuses that in words
        return NEEDS_PYTEST
    try:
        estate = load_estate(source)
        outcome = outcome_of(Path(folder), estate, frozenset(hosts) or None, date.fromisoformat(day))
        names = [database.uri_env for database in estate.databases if database.uri_env]
        verdict_file.write(outcome, Path(verdict), Redactor.of(os.environ, names))
    except NeedsPytestError:
        return NEEDS_PYTEST
    except VoxgateError as error:
        sys.stderr.write(f"{error.line}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
