"""The promises as a run of pytest, with words of its own: JUnit and Allure come with it."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from voxgate.errors import ContractError, Refused, visible
from voxgate.promises.answers import gathered
from voxgate.promises.contract import Contract, promise_of
from voxgate.promises.records import AwayError

CHECKS = tuple(Path(__file__).with_name(name) for name in ("test_promises.py", "test_between.py"))
BEFORE = ("it-does-not-start-without", "it-says-that-a-store-is-down")  # each starts one of its own
STARTS = "it-starts-in-time"  # the promise that all others wait for, where it is started
LONGEST = 600  # letters of what was seen


class Out(Protocol):
    """Where lines go."""

    def write(self, text: str) -> Any:
        """Write it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is written beside, and of which promises the run is; empty for none, and for all. ``save`` is for what it answers."""

    junit: str = ""
    allure: str = ""
    save: str = ""
    only: tuple[str, ...] = ()


def judge(contract: Contract, out: Out, wanted: Wanted) -> int:
    """Ask for each promise; 0 if all that were asked for are kept, else 1. Raises Refused where there is nobody to ask, or
    somebody who should not be there.
    """
    here = contract.ask.listens()
    if contract.start and here:
        hint = "stop what runs there, or leave --start away"
        raise Refused("somebody answers there already", where=contract.ask.url, hint=hint)
    if not contract.start and not here:
        raise Refused("nobody answers there", where=contract.ask.url, hint='start it first, or say --start "COMMAND"')
    run = _Run(contract, out, wanted)
    argv = [*map(str, CHECKS), f"--rootdir={CHECKS[0].parent}", "-c", os.devnull, "-p", "no:terminal", "-p", "no:cacheprovider"]
    argv += ["-p", "no:logging", "--import-mode=importlib", "--override-ini=python_files=test_*.py", "--capture=no"]
    argv += [f"--junitxml={Path(wanted.junit).absolute()}"] if wanted.junit else []
    argv += [f"--alluredir={Path(wanted.allure).absolute()}"] if wanted.allure else []
    run.begin()
    try:
        status = pytest.main(argv, plugins=[run])
        if contract.ask.listens():
            run.save()
    finally:
        contract.end()
    return run.tell(int(status))


@dataclass
class _Run:
    """A plugin of pytest: what is asked, and what is said of it."""

    contract: Contract
    out: Out
    wanted: Wanted
    kept: int = 0
    broken: int = 0
    left: dict[str, list[str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    unasked: int = 0
    saved: bool = False
    unsaved: str = ""

    def begin(self) -> None:
        """What is asked of whom."""
        how, patience = "started here" if self.contract.start else "as it runs", self.contract.ask.patience
        longer = f", each time limit {patience:g} times as long" if patience != 1 else ""
        self.out.write(f"{self.contract.service.repository} at {self.contract.ask.url}, {how}{longer}\n")

    @pytest.fixture(name="contract")
    def _contract(self) -> Contract:
        return self.contract

    @pytest.hookimpl
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """A promise about settings is one for each."""
        if "setting" not in metafunc.fixturenames:
            return
        of = promise_of(metafunc.function).per
        names = self.contract.stores() if of == "stores" else self.contract.service.required_settings
        metafunc.parametrize("setting", names if self.contract.start else ())

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only what this service promises, and of that what was asked for; what cannot be asked for here is told."""
        wanted: list[pytest.Item] = []
        for item in items:
            found = promise_of(getattr(item, "function", None))
            if not found.is_of(self.contract.service) or not self._is_meant(_name(item)):
                continue
            if why := self.contract.why_not(found):
                self.left.setdefault(why, []).append(_plain(item))
                continue
            wanted.append(item)
        self.lost = [one for one in self.wanted.only if not any(one in {_name(item), _plain(item)} for item in wanted)]
        items[:] = sorted(wanted, key=lambda item: promise_of(getattr(item, "function", None)).last)

    def _is_meant(self, name: str) -> bool:
        """True for what ``--only`` names, for all where it names none, and for what the others wait for."""
        only = self.wanted.only
        needed = name == STARTS and any(not one.startswith(BEFORE) for one in only)
        return not only or name in only or name.partition("[")[0] in only or needed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """What does not get healthy is not asked for more: each answer would only say that once again."""
        found = promise_of(getattr(item, "function", None))
        if found.last:
            self.save()
        if self.contract.begun.healthy or (found.starts and not found.needs):
            return None
        self.unasked += 1
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self) -> Generator[None, object, object]:
        """No value of a setting is in what was seen, wherever it is written: what an exception says goes to JUnit and Allure."""
        try:
            return (yield)
        except Exception as error:
            if (said := self.contract.cut(str(error))) == str(error):
                raise
            said = said if isinstance(error, AssertionError) else f"{type(error).__name__}: {said}"
            raise AssertionError(said).with_traceback(error.__traceback__) from None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """One line of each: kept, or broken with what was seen."""
        report = yield
        if report.when == "call" or report.failed:
            self._say(item, report, call)
        return report

    def _say(self, item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
        name = f"{_name(item):<50} {report.duration:5.1f} s"
        if report.passed:
            self.kept += 1
            self.out.write(f"  kept    {name}\n")
            return
        self.broken += 1
        error = call.excinfo.value if call.excinfo else None
        said = str(error).partition("\nassert ")[0] if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        shown = visible(self.contract.cut(" ".join(said.split())))[:LONGEST]
        doc = " ".join((getattr(item, "function", None).__doc__ or "").split())
        self.out.write(f"  BROKEN  {name}\n          {shown}\n          promised: {doc}\n")

    def save(self) -> None:
        """Keep what it answers, once, while it runs."""
        if not self.wanted.save or not self.contract.begun.healthy or self.saved or self.unsaved:
            return
        try:
            Path(self.wanted.save).write_text(gathered(self.contract).text, "utf-8")
        except (AwayError, ContractError, OSError) as error:
            self.unsaved = error.line if isinstance(error, ContractError) else str(error)
        else:
            self.saved = True

    def tell(self, status: int) -> int:
        """The last line, and the exit status."""
        if self.lost:
            hint = "a run without --only names those that can be asked for here"
            raise Refused("there is no such promise", where=self.lost[0][:100], hint=hint)
        for why, names in self.left.items():
            self.out.write(f"  not asked, {why}: {', '.join(dict.fromkeys(names))}\n")
        if self.unasked:
            self.out.write(f"  not asked, as it did not get healthy: {self.unasked} more\n")
        if self.unsaved:
            raise Refused("its answers cannot be kept", where=self.wanted.save, why=self.contract.cut(self.unsaved))
        if self.saved:
            self.out.write(f"  its answers are kept in {self.wanted.save}\n")
        if status not in {int(pytest.ExitCode.OK), int(pytest.ExitCode.TESTS_FAILED)}:
            raise Refused("the promises could not be asked for", why=f"pytest ended with {status}")
        word = "BROKEN" if self.broken else "KEPT"
        self.out.write(f"{word}  {self.kept} of {self.kept + self.broken} promises are kept\n")
        return 1 if self.broken else 0


def _plain(item: pytest.Item) -> str:
    """The same without its setting."""
    return _name(item).partition("[")[0]


def _name(item: pytest.Item) -> str:
    """``it-does-not-start-without-a-setting[REDIS_URL]``."""
    name, bracket, rest = item.name.removeprefix("test_").partition("[")
    return name.replace("_", "-") + bracket + rest
