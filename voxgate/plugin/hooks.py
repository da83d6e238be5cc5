"""The hooks: where pytest's session becomes a run of the gate."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts.catalogue import FOLDER as SUITES
from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.contracts.places import project, suites_of
from voxgate.errors import OutsideLook, Refused, VoxgateError
from voxgate.model.invariant import Expected, Per
from voxgate.model.part import part_of
from voxgate.plugin.empty import is_empty
from voxgate.plugin.facts_read import attach_read
from voxgate.plugin.judging import Elsewhere, Empty, annotate, plain_id, rule_of, subject_of
from voxgate.plugin.meant import age_of, must_be_of, must_be_whole, must_have_what_it_needs, must_know_markers
from voxgate.plugin.redacting import Sinks
from voxgate.plugin.run import Run
from voxgate.plugin.run_options import is_deploy
from voxgate.plugin.session import KEY, Session, saved_estate, session_of
from voxgate.redaction.cutting import Redactor
from voxgate.report.allure.sink import card_for, install, label_item, quicken, state_finding
from voxgate.report.catalogue_page import as_markdown, as_text
from voxgate.report.threats_page import as_page

_RUN = pytest.StashKey[Run]()
_UNJUDGED = pytest.StashKey[bool]()
_NOTHING = "nothing-to-judge"


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """``--invariants``: say what would be judged, from the code, and judge nothing."""
    form = config.getoption("invariants")
    if form is None:
        return None
    try:
        catalogue = read_catalogue(*suites_of(_root(config)))
    except VoxgateError as error:
        raise pytest.UsageError(error.text) from None
    made = {"markdown": as_markdown, "threats": as_page}.get(form, as_text)
    sys.stdout.write(made(catalogue).rstrip("\n") + "\n")
    return 0


def _root(config: pytest.Config) -> Path:
    """The project that this run is about."""
    return project(config.rootpath, config.invocation_params.dir)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the estate and prepare the run's folder: mistakes in either are one line, before anything is opened."""
    try:
        _must_assert()
        if _is_worker(config):
            config.stash[KEY] = session = _worker_session(config)
        else:
            config.stash[KEY] = session = _controller_session(config, _root(config))
        if session.estate is not None:
            _settle(config, session)
            must_be_whole(config, session.folders)
        config.pluginmanager.import_plugin("voxgate.plugin.fixtures")
        config.add_cleanup(install(session.redactor))
        config.pluginmanager.register(Sinks(config, session.redactor), "voxgate-sinks")
        if session.estate is not None and not _is_worker(config):
            config.stash[_RUN] = run = Run.begin(config, session)
            config.pluginmanager.register(run.collector, "voxgate-collector")
            config.pluginmanager.register(run.screen, "voxgate-screen")
            config.pluginmanager.register(run, "voxgate-run")
    except Refused as error:
        raise pytest.exit.Exception(f"refused: {Redactor.of(os.environ).cut(error.text)}", returncode=10) from None
    except VoxgateError as error:
        status = 10 if is_deploy(config) else 4
        raise pytest.exit.Exception(Redactor.of(os.environ).cut(error.text), returncode=status) from None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """A word of ``-m`` that is no marker is said now, when all plugins have said theirs, and before anything is collected."""
    if not _is_worker(session.config):
        try:
            must_know_markers(session.config)
        except VoxgateError as error:
            raise pytest.UsageError(error.text) from None


def _settle(config: pytest.Config, session: Session) -> None:
    """The same judging in every project: its suites and those that come with voxgate, whatever it sets for pytest."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(folder) for folder in session.folders]
    # Suites of one name in two folders are two suites.
    config.option.importmode = "importlib"
    # A check of its own is judged by what it asserts. Ours are as strict as ever: see pytest_collection_modifyitems.
    config.addinivalue_line("filterwarnings", "default")


def _must_assert() -> None:
    """Raises Refused where Python leaves assertions out: nothing could fail then."""
    if sys.flags.optimize:
        raise Refused("nothing can be judged without assertions", where="python -O", hint="unset PYTHONOPTIMIZE")


def _worker_session(config: pytest.Config) -> Session:
    """A worker is told what the controller knows, and judges what it saved."""
    told: dict[str, Any] = config.workerinput  # type: ignore[attr-defined]
    root = Path(told["voxgate_root"])
    if not told["voxgate_estate"]:
        return Session(None, None, root=root)
    config.option.allure_report_dir = told["voxgate_results"]
    part, joined = told["voxgate_part"], told["voxgate_joined"]
    return Session(
        load_estate(told["voxgate_estate"]),
        Path(told["voxgate_folder"]),
        root=root,
        deploying=frozenset(told["voxgate_deploying"]),
        part=None if part is None else frozenset(part),
        joined=None if joined is None else tuple(joined),
        as_on=date.fromisoformat(told["voxgate_day"]),
    )


def _controller_session(config: pytest.Config, root: Path) -> Session:
    """What this command line is about; a plain session, without an estate, where it names none."""
    must_have_what_it_needs(config)
    name, saved = config.getoption("estate"), config.getoption("evidence")
    if saved:
        seen = saved_estate(Path(saved), root, name)
        aside = must_be_of(seen.name, config)
        session = Session(seen, Path(saved), root=root)
        session.deploying = session.recorded.services
        session.part, session.joined = session.recorded.part, session.recorded.joined
        look = session.evidence.second  # a folder that is no saved look is said now, in one line
        session.notes += [line for line in (aside, age_of(look, datetime.now(UTC)) if session.joined is None else "") if line]
        return session
    estate = load_estate(name, root / "hosts") if name else None
    hosts, shard = config.getoption("hosts"), config.getoption("shard")
    return Session(estate, None, root=root, part=part_of(estate, hosts, shard) if estate else None)


def pytest_configure_node(node: Any) -> None:
    """Tell each worker what this run is about, and where the evidence will be."""
    session = session_of(node.config)
    run = node.config.stash.get(_RUN, None)
    node.workerinput["voxgate_estate"] = session.estate.source if session.estate else ""
    node.workerinput["voxgate_root"] = str(session.root)
    node.workerinput["voxgate_folder"] = str(session.folder or "")
    node.workerinput["voxgate_results"] = str(run.report.allure_results) if run else ""
    node.workerinput["voxgate_part"] = None if session.part is None else sorted(session.part)
    node.workerinput["voxgate_joined"] = None if session.joined is None else list(session.joined)
    node.workerinput["voxgate_day"] = session.day.isoformat()
    node.workerinput["voxgate_deploying"] = sorted(session.deploying)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Judge each invariant on each of its subjects; run a team's own ``host`` tests on each host."""
    session = session_of(metafunc.config)
    rule = rule_of(session, metafunc.definition)
    if rule is None:
        if "host" in metafunc.fixturenames and session.estate is not None:
            names = session.hosts_of(plain_id(metafunc.definition))
            metafunc.parametrize("host", names or [None], ids=names or [_NOTHING], indirect=True)
        return
    if rule.per is Per.ESTATE:
        return
    params = [
        pytest.param(subject.value, id=subject.id, marks=[pytest.mark.__getattr__(subject.service)] if subject.service else [])
        for subject in session.subjects(rule).values()
    ]
    metafunc.parametrize(rule.per.value, params or [pytest.param(None, id=_NOTHING)])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each judgement by its rule; leave out what this run has nothing to judge by (no deploy, no estate)."""
    session = session_of(config)
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        rule = rule_of(session, item)
        if rule is None:
            (left if _is_on_nothing(item) else kept).append(item)
        elif (subject := subject_of(session, rule, item)) is None:
            left.append(item)
        else:
            for name in (*rule.marks, *((subject.service,) if subject.service else ())):
                item.add_marker(name)
            if session.estate is not None and _is_ours(item):
                item.add_marker(pytest.mark.filterwarnings("error"))
            kept.append(item)
    # The moves first: where one failed, it is the reason for most of what comes after it.
    kept.sort(key=lambda item: item.get_closest_marker("deploy") is None)
    if left:
        config.stash[_UNJUDGED] = True
        config.hook.pytest_deselected(items=left)
    items[:] = kept


def pytest_collection_finish(session: pytest.Session) -> None:
    """Raises UsageError where an estate is all that was missing."""
    config = session.config
    if config.stash.get(_UNJUDGED, False) and not (session.items or session_of(config).estate or _is_worker(config)):
        raise pytest.UsageError("no estate to look at: say --estate NAME (a file in hosts/) or set VOXGATE_ESTATE")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say to Allure what is judged; note from here on what it reads."""
    session = session_of(item.config)
    session.recorder.begin()
    rule = rule_of(session, item)
    subject = subject_of(session, rule, item) if rule else None
    quicken(item.config.pluginmanager.get_plugin("allure_listener"))
    if session.estate is not None and rule is not None and subject is not None:
        label_item(card_for(Expected(rule, subject), session.estate, session.commit_of(subject.service)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Every report of a test that is judged carries its verdict."""
    report = yield
    session = session_of(item.config)
    if session.estate is not None:
        finding = annotate(session, item, call, report)
        if finding is not None:
            state_finding(*finding)
        if call.when == "call" or (call.when == "setup" and not report.passed):
            rule = rule_of(session, item)
            subject = subject_of(session, rule, item) if rule else None
            found = finding[1] if finding else ""
            if trouble := attach_read(item, session.recorder, session.teller, subject, session.estate, found):
                report.sections.append(("facts", trouble))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Where only a part was looked at, what needs the rest is not judged here: neither good nor bad nor blind. Nor is anything
    judged by a check that asserts nothing.
    """
    session = session_of(pyfuncitem.config)
    try:
        result = yield
    except OutsideLook as error:
        if session.part is None:
            raise
        raise Elsewhere(f"needs the whole estate: {error.line}") from None
    if session.estate is not None and not _is_ours(pyfuncitem) and is_empty(pyfuncitem):
        raise Empty("asserts nothing, so nothing was judged by it")
    return result


def _is_on_nothing(item: pytest.Item) -> bool:
    """True for a check of a team's own that is for no host here."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and "host" in callspec.params and callspec.params["host"] is None


def _is_ours(item: pytest.Item) -> bool:
    """True for an invariant that comes with voxgate."""
    return _is_suites(item.path.parent) and item.get_closest_marker("invariant") is not None


@cache
def _is_suites(folder: Path) -> bool:
    """True for the folder of the suites that come with voxgate."""
    return folder.resolve() == SUITES


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """What a check of a team's own left open is found while its own warnings are heard: no invariant turns blind by it later."""
    if session_of(item.config).estate is not None and not _is_ours(item):
        gc.collect()
