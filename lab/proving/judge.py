"""Looking and judging within one process: the gate's own look, and the suites' own rules, without a pytest for each.

A look through pytest costs seconds for starting and collecting alone. Here the suites are imported once, and each rule is called
with the same arguments as its fixtures give it. That both say the same is tested (tests/lab), and a proof ends with pytest's own.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from voxgate.contracts.catalogue import FOLDER as SUITES
from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import names as schema_names
from voxgate.deploy.gate import Gate
from voxgate.deploy.site import Orders
from voxgate.errors import VoxgateError
from voxgate.model.invariant import Expected, expected
from voxgate.model.look import Evidence
from voxgate.model.verdict import MoveRecord
from voxgate.plugin.judging import words_of
from voxgate.survey.collect import take_look
from voxgate.transport.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from voxgate.model.estate import Estate

RED = ("violated", "blind")


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement that does not hold: how, and what was found."""

    verdict: str
    found: str


class Quiet:
    """A progress that tells nothing."""

    def begin(self, service: str, host: str, move: str) -> None:
        """Nothing."""

    def end(self, record: MoveRecord) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


def look(estate: Estate, folder: Path, bake: float | None) -> Evidence:
    """Look at the estate as `pytest --estate NAME` does: new connections, both surveys, the remotes; saved in ``folder``."""
    gate = Gate(estate, Orders(bake=bake), folder, "proving", Quiet())
    try:
        seen = gate.prepare()
    finally:
        gate.close()
    if seen is None:
        raise VoxgateError("the look was interrupted", where=estate.name)
    return seen


def glance(estate: Estate, before: Evidence) -> Evidence:
    """One more survey, with the last one of ``before`` as the first of the two: half the price of a look. The remotes are not
    asked again.
    """
    with Connections(estate) as connections:
        return Evidence(before.second, take_look(connections, estate), before.remotes)


def judge(estate: Estate, evidence: Evidence) -> dict[str, Finding]:
    """Everything that does not hold, by id."""
    red: dict[str, Finding] = {}
    for one in expected(read_catalogue(), estate, schema_names(), deploying=frozenset()):
        if one.invariant.suite != "test_contracts.py":
            finding = _judge(one, estate, evidence)
            if finding is not None:
                red[one.id] = finding
    return dict(sorted(red.items()))


def _judge(one: Expected, estate: Estate, evidence: Evidence) -> Finding | None:
    function = _function(one)
    given = {"estate": estate, "evidence": evidence, "moves": (), one.invariant.per.value: one.subject.value}
    wanted = inspect.signature(function).parameters
    unknown = sorted(set(wanted) - set(given))
    if unknown:
        raise VoxgateError(f"asks for {unknown[0]!r}", where=one.invariant.name, hint="teach lab/proving/judge.py this fixture")
    try:
        function(**{name: given[name] for name in wanted})
    except Exception as error:  # noqa: BLE001 - as in pytest: whatever else happens, we could not judge
        verdict, found, _ = words_of(error)
        return Finding(verdict.value, found)
    return None


def _function(one: Expected) -> Callable[..., Any]:
    name = f"test_{one.invariant.name.replace('-', '_')}"
    function: Callable[..., Any] = getattr(_suite(one.invariant.suite), name)
    return function


@cache
def _suite(name: str) -> ModuleType:
    known = f"proved_suites.{name.removesuffix('.py')}"
    spec = importlib.util.spec_from_file_location(known, SUITES / name)
    if spec is None or spec.loader is None:
        raise VoxgateError("cannot be imported", where=f"suites/{name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[known] = module
    spec.loader.exec_module(module)
    return module


def lab_estate() -> Estate:
    """The lab as an estate."""
    return load_estate("lab")
