"""The promises as a run of pytest, with words of its own: JUnit and Allure come with it."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from voxgate.errors import Refused, visible
from voxgate.promises.contract import Contract, promise_of

CHECKS = Path(__file__).with_name("test_promises.py")
LONGEST = 600  # letters of what was seen


class Out(Protocol):
    """Where lines go."""

    def write(self, text: str) -> Any:
        """Write it."""


def judge(contract: Contract, out: Out, *, junit: str = "", allure: str = "") -> int:
    """Ask for each promise; 0 if all that were asked for are kept, else 1. Raises Refused where there is nobody to ask, or
    somebody who should not be there.
    """
    here = contract.ask.listens()
    if contract.start and here:
        hint = "stop what runs there, or leave --start away"
        raise Refused("somebody answers there already", where=contract.ask.url, hint=hint)
    if not contract.start and not here:
        raise Refused("nobody answers there", where=contract.ask.url, hint='start it first, or say --start "COMMAND"')
    run = _Run(contract, out)
    argv = [str(CHECKS), f"--rootdir={CHECKS.parent}", "-c", os.devnull, "-p", "no:terminal", "-p", "no:cacheprovider"]
    argv += ["-p", "no:logging", "--import-mode=importlib", "--override-ini=python_files=test_promises.py", "--capture=no"]
    argv += [f"--junitxml={Path(junit).absolute()}"] if junit else []
    argv += [f"--alluredir={Path(allure).absolute()}"] if allure else []
    run.begin()
    try:
        status = pytest.main(argv, plugins=[run])
    finally:
        contract.end()
    return run.tell(int(status))


@dataclass
class _Run:
    """A plugin of pytest: what is asked, and what is said of it."""

    contract: Contract
    out: Out
    kept: int = 0
    broken: int = 0
    left: list[str] = field(default_factory=list)
    unasked: int = 0

    def begin(self) -> None:
        """What is asked of whom."""
        how = "started here" if self.contract.start else "as it runs"
        self.out.write(f"{self.contract.service.repository} at {self.contract.ask.url}, {how}\n")

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
        """Only what this service promises; what needs a start is said to be left out where there is none."""
        wanted: list[pytest.Item] = []
        for item in items:
            found = promise_of(getattr(item, "function", None))
            if not found.is_of(self.contract.service):
                continue
            if found.starts and not self.contract.start:
                self.left.append(_name(item).partition("[")[0])
                continue
            wanted.append(item)
        items[:] = wanted

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """What does not get healthy is not asked for more: each answer would only say that once again."""
        if self.contract.begun.healthy or promise_of(getattr(item, "function", None)).starts:
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

    def tell(self, status: int) -> int:
        """The last line, and the exit status."""
        if self.left:
            self.out.write(f"  not asked, as it was not started here (--start): {', '.join(dict.fromkeys(self.left))}\n")
        if self.unasked:
            self.out.write(f"  not asked, as it did not get healthy: {self.unasked} more\n")
        if status not in {int(pytest.ExitCode.OK), int(pytest.ExitCode.TESTS_FAILED)}:
            raise Refused("the promises could not be asked for", why=f"pytest ended with {status}")
        word = "BROKEN" if self.broken else "KEPT"
        self.out.write(f"{word}  {self.kept} of {self.kept + self.broken} promises are kept\n")
        return 1 if self.broken else 0


def _name(item: pytest.Item) -> str:
    """``it-does-not-start-without-a-setting[REDIS_URL]``."""
    name, bracket, rest = item.name.removeprefix("test_").partition("[")
    return name.replace("_", "-") + bracket + rest
