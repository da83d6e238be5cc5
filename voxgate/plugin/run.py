"""The controller's part of a run: prepare once before anything is judged, decide once after everything was."""

from __future__ import annotations

import hashlib
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from voxgate.deploy.deciding.decision import Judged, look_status, look_summary, look_verdict
from voxgate.deploy.gate import Gate, Settled
from voxgate.deploy.judging.standing import must_be_meant
from voxgate.deploy.ledgers import note_verdict
from voxgate.errors import TRACES, Mistyped, Refused, VoxgateError, known_error, unforeseen
from voxgate.model.part import narrowed
from voxgate.model.verdict import Exit, Judgement, RunOutcome, RunVerdict
from voxgate.model.work import said_of
from voxgate.plugin.attesting import attested, must_sign
from voxgate.plugin.collector import Collector
from voxgate.plugin.diagnostics import Diagnostic, diagnostics_of, facts_of, last_lines
from voxgate.plugin.errands import is_errand, run_errand
from voxgate.plugin.judging import services_in
from voxgate.plugin.outcome import Outcomes
from voxgate.plugin.promoting import rules_of
from voxgate.plugin.rejudging import judge_of
from voxgate.plugin.run_options import is_deploy, is_selected, options_of
from voxgate.plugin.screen import Screen
from voxgate.plugin.session import Session, write_recorded
from voxgate.plugin.tracing import keep_traces
from voxgate.report.allure.run import ROLLBACK
from voxgate.report.folder import ReportFolder
from voxgate.report.junit import add_suite_properties, without_file
from voxgate.report.publish import Beside, publish
from voxgate.report.terminal.closing import closing, console_for
from voxgate.report.terminal.progress import Progress
from voxgate.report.verdict import verdict_file
from voxgate.report.verdict.compared import compared
from voxgate.report.webhook import tell
from voxgate.transport.clients.bitbucket import Bitbucket

_BROKEN_OFF: dict[int, str] = {
    pytest.ExitCode.INTERRUPTED: "interrupted",
    pytest.ExitCode.INTERNAL_ERROR: "pytest broke off: an internal error",
}


@dataclass(slots=True, eq=False)
class Run:
    """One run in the controller, registered as a plugin of its own."""

    config: pytest.Config
    session: Session
    report: ReportFolder
    progress: Progress
    collector: Collector
    gate: Gate | None
    screen: Screen
    outcomes: Outcomes
    refused: VoxgateError | None = None
    interrupted: str = ""
    broken: str = ""
    outcome: RunOutcome | None = None
    errand: int | None = None
    diagnostics: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    _prepared: bool = False
    _busy: bool = False

    @classmethod
    def begin(cls, config: pytest.Config, session: Session) -> Run:
        """Make the run's folder, and point JUnit and Allure at it. Raises Refused for requests that cannot be meant."""
        if session.estate is None:
            msg = "a run needs an estate"
            raise RuntimeError(msg)
        must_sign(config.getoption("sign_key"))
        root = Path(config.getoption("reports") or session.root / "reports")
        report = ReportFolder.create(root, datetime.now(UTC), session.estate.name)
        said = config.option.verbose
        progress = Progress(console_for(sys.stdout), session.redactor, brief=said < 0, full=said > 0)
        gate = None
        if session.folder is None:
            try:
                green = config.getoption("require_green_build")
                gate = Gate(
                    narrowed(session.estate, session.part),
                    options_of(config),
                    report.evidence,
                    report.run,
                    progress,
                    judge=judge_of(session, report.path),
                    cutter=session.redactor,
                    builds=Bitbucket.of(session.estate.workspace) if green else None,
                    promotion=rules_of(config, session, session.estate),
                )
                session.deploying = gate.deploying
                must_be_meant(gate.context.options, {one.id for one in session.expected()}, session.plain())
            except Refused:
                report.forget()  # a word that was typed wrong: nothing was opened, and there is nothing to report
                raise
            session.folder, session.gate, session.as_on = report.evidence, gate, datetime.now(UTC).date()
        config.option.xmlpath = config.option.xmlpath or str(report.junit)
        config.option.allure_report_dir = str(report.allure_results)
        config.add_cleanup(keep_traces(report.path / TRACES, session.redactor))
        collector = Collector(session)
        outcomes = Outcomes(session, report.run, gate, collector, deploy=is_deploy(config))
        run = cls(config, session, report, progress, collector, gate, Screen(config), outcomes)
        run.screen.fold()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, run.on_signal)
        return run

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """SIGTERM, SIGHUP and Ctrl-C end the run once. While it changes hosts it ends where they can be left, and once it
        decides nothing cuts that short: it goes back, and a second signal is only told so.
        """
        first, self.interrupted = not self.interrupted, self.interrupted or signal.Signals(number).name
        if self.gate is not None:
            self.gate.stop()
        if first and not self._busy:
            raise KeyboardInterrupt(self.interrupted)

    # Before: pytest collected; nothing was run or handed to a worker yet.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Without xdist: the slot between collection and the first test."""
        if self.config.option.collectonly:
            return None
        if self.gate is not None and is_errand(self.config):
            self.errand = run_errand(self.config, self.gate)
            return True
        if getattr(self.config.option, "dist", "no") == "no" and session.items:
            self.prepare(services_in(self.session, session.items))
            return True if self.refused else None
        return None

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:  # noqa: ARG002 - xdist's words
        """With xdist: the first worker has collected, nothing was handed out yet. An empty selection deploys nothing."""
        if ids:
            self.prepare()
            if self.refused:
                raise pytest.exit.Exception(f"refused: {self.session.redactor.cut(self.refused.text)}", returncode=Exit.REFUSED)

    def _must_be_whole(self) -> None:
        """Raises Refused where a deploy could not be judged whole anyhow: a suite cannot be collected."""
        if self.collector.lost and self.gate is not None and self.gate.requests:
            what = "not everything could be judged after a deploy: this suite cannot be collected"
            raise Refused(what, where=self.collector.lost[0], hint="pytest --collect-only says why")

    def prepare(self, only: frozenset[str] | None = None) -> None:
        """Deploy what is asked for and look: once a run, however many ask. ``only`` as in ``Gate.prepare``."""
        if self._prepared or self.gate is None:
            return
        self._prepared = self._busy = True
        with self.progress:
            try:
                self._must_be_whole()
                self.gate.prepare(only)
                name, session = self.gate.estate.name, self.session
                write_recorded(self.report.evidence, name, self.gate, session.redactor, part=session.part, day=session.day)
            except Refused as error:
                self.refused = error
            except VoxgateError as error:
                self.interrupted = self.interrupted or f"it could not be looked at: {error.line}"
            except Exception as error:  # noqa: BLE001 - a mistake of ours: what was touched goes back all the same
                self.broken = unforeseen(error).line
                self.interrupted = self.interrupted or self.broken
                self.progress.note(self.broken)
        self._busy = False
        if self.interrupted and not self.refused:
            raise KeyboardInterrupt(self.interrupted)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, or SIGTERM by way of it."""
        if not self.refused:
            self.interrupted = self.interrupted or str(excinfo.value) or "Ctrl-C"

    # After: decide, in the controller, and never from pytest's exit status alone.

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Promote, go back or just say: then the exit status."""
        self._busy = True
        if self.config.option.collectonly:
            return
        if self.errand is not None:
            session.exitstatus = self.errand
            return
        status = int(getattr(session, "exitstatus", exitstatus))
        if self._is_mistyped(status):
            self.errand = status
            return
        if status in _BROKEN_OFF and not self.refused:
            self.interrupted = self.interrupted or _BROKEN_OFF[status]
        try:
            self.outcome = self._beside_the_last(self._agreeing(self.decide(status)))
        except Exception as error:  # noqa: BLE001 - a mistake of ours, and no run ends without a verdict
            self.broken = unforeseen(error).line
            self.progress.note(self.broken)
            self.outcome = self.outcomes.nothing_known(self.broken)
        session.exitstatus = self.outcome.exit_status
        add_suite_properties(self.config, self.outcome)
        try:
            if self._is_mistype:
                without_file(self.config, self.report.junit)
            else:
                self.write()
        except Exception as error:  # noqa: BLE001 - the same
            said = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else known_error(error).line
            self.progress.note(f"the verdict cannot be written: {said}")
            session.exitstatus = self.outcome.exit_status or int(pytest.ExitCode.INTERNAL_ERROR)

    def _is_mistyped(self, status: int) -> bool:
        """True where pytest could not run what was typed, or nothing was selected by it: nothing was opened, looked at or judged,
        and pytest has said why in a line.
        """
        nothing = {int(pytest.ExitCode.USAGE_ERROR), int(pytest.ExitCode.NO_TESTS_COLLECTED)}
        return status in nothing and not (
            self._prepared or self.interrupted or self.collector.lost or self.collector.judgements()
        )

    @property
    def _is_mistype(self) -> bool:
        """True where a word was typed wrong that only the remote knew, and nothing was mended before that was found."""
        return isinstance(self.refused, Mistyped) and self.gate is not None and not self.gate.settles

    def _beside_the_last(self, outcome: RunOutcome) -> RunOutcome:
        """The outcome with what differs from the run before. A saved look that is judged again is no news."""
        return replace(outcome, compared=compared(outcome, self.report.path.parent)) if self.gate else outcome

    def _agreeing(self, outcome: RunOutcome) -> RunOutcome:
        """The outcome, if its own judgements allow what it says: else it is a mistake of ours, and not green."""
        if not (why := outcome.contradiction):
            return outcome
        self.broken = f"the verdict contradicts itself: {why}"
        self.progress.note(self.broken)
        return replace(outcome, verdict=RunVerdict.BROKEN, exit_status=int(Exit.BROKEN), summary=self.broken)

    def decide(self, status: int) -> RunOutcome:
        """What this run is."""
        if self.refused:
            return self.refusal(self.refused)
        lost = f"lost: {', '.join(self.collector.lost)}" if self.collector.lost else ""
        judged = Judged(
            expected=[one.id for one in self.session.expected() if one.id not in self.collector.elsewhere],
            judgements=self.collector.judgements(),
            interrupted=self.interrupted or lost or "; ".join(self.session.joined or ()),
            selected=is_selected(self.config, self.session.folders),
            plain=[name for name in self.session.plain() if name not in self.collector.empty],
        )
        self.session.notes += [
            f"{name} is an empty check: it asserts nothing, and counts for nothing" for name in self.collector.empty
        ]
        if not judged.interrupted:
            moving = frozenset(self.collector.moving)
            self._ask_for_diagnostics(one for one in judged.judgements if one.id not in moving)
        if self.gate is None or not self.gate.settles:
            verdict = look_verdict(judged, part=self.session.is_part)
            hosts = [host.name for host in self.session.looked_at]
            summary = look_summary(judged, verdict, hosts, len(self.collector.elsewhere), said_of(self.session.works))
            cut_short = self.gate is not None and self.gate.context.options.changes and verdict is RunVerdict.INCOMPLETE
            if self.broken and cut_short:
                return self.outcomes.outcome(judged, RunVerdict.BROKEN, Exit.BROKEN, self.broken)
            return self.outcomes.outcome(judged, verdict, Exit.INCOMPLETE if cut_short else look_status(verdict, status), summary)
        with self.progress:
            self.progress.end_line()  # pytest's line of dots is still open
            try:
                settled = self.gate.settle(judged)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever comes, the verdict is written, and is not green
                said = f"it was ended: {error}" if isinstance(error, SystemExit) else known_error(error).line
                settled = Settled(RunVerdict.BROKEN, Exit.BROKEN, f"not done, and the way back failed: {said}")
            if self.broken:
                settled = replace(settled, verdict=RunVerdict.BROKEN, exit_status=Exit.BROKEN)
            self._ask_for_diagnostics(settled.rollback, prefix=ROLLBACK)
        return self.outcomes.outcome(judged, settled.verdict, settled.exit_status, settled.summary, settled)

    def _ask_for_diagnostics(self, judgements: Iterable[Judgement], *, prefix: str = "") -> None:
        """Ask the units that were found wanting what they say, before anything is put back. It decides nothing, and whatever
        it comes to keeps nobody from going back.
        """
        try:
            self.diagnostics |= diagnostics_of(self.session, self.gate, judgements, prefix=prefix)
        except Exception as error:  # noqa: BLE001 - see above
            self.progress.note(f"no words of the units: {type(error).__name__}: {error}")

    def refusal(self, error: VoxgateError) -> RunOutcome:
        """A run that touched nothing."""
        judged = Judged(expected=[], judgements=())
        return self.outcomes.outcome(judged, RunVerdict.REFUSED, Exit.REFUSED, error.text)

    def write(self) -> None:
        """``verdict.json``, and ``reports/latest``."""
        if self.outcome is None:
            return
        verdict_file.write(self.outcome, self.report.verdict, self.session.redactor)
        if self.gate is not None:
            digest = hashlib.sha256(self.report.verdict.read_bytes()).hexdigest()
            note_verdict(self.gate, self.outcome.verdict, digest)
        self.report.publish()
        self.report.prune()

    # Said: the closing table, and the report.

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self) -> None:
        """The page, then the closing: the causes, a table, the path, the verdict."""
        if self.outcome is None or self.session.estate is None:
            return
        if self._is_mistype:
            closing(verdict_file.cut(self.outcome, self.session.redactor), console=console_for(sys.stdout), report_path=None)
            return
        wanted = self.config.getoption("html")
        worth = self.outcome.deploy or any(not one.verdict.is_green for one in self.outcome.judgements)
        page = wanted == "always" or (wanted == "auto" and worth and not self.refused)
        redactor = self.session.redactor
        capacity = self.gate.capacity if self.gate else self.session.recorded.capacity
        beside = Beside(facts_of(self.session), self.diagnostics, capacity)
        made = publish(self.outcome, self.session.estate, self.report, redactor, beside, html=page)
        for line in (*made, *attested(self.session, self.gate, self.report, self.config.getoption("sign_key"))):
            self.progress.note(line)
        shown = verdict_file.cut(self.outcome, redactor)
        if self.gate is not None:  # a saved look that is judged again is no news
            mended = self.gate.settles and not shown.deploy
            if note := tell(shown, redactor, mended=mended, day=self.session.day):
                self.progress.note(note)
        brief, full = self.config.option.verbose < 0, self.config.option.verbose > 0
        words = {key: last_lines(diagnostics, redactor) for key, diagnostics in self.diagnostics.items()}
        path = self.report.page if self.report.page.exists() else self.report.path
        with self.progress.heard_or_not():
            console = console_for(sys.stdout)
            room = self.screen.room(len(shown.judgements), self.progress.lines)
            closing(shown, console=console, report_path=path, brief=brief, full=full, words=words, room=room)
            if self.config.getoption("summary") and self.report.summary.exists():
                console.out(f"\n{self.report.summary.read_text('utf-8')}", highlight=False, end="")

    def pytest_unconfigure(self) -> None:
        """Close every connection. Where nothing was judged (an errand, a word typed wrong) there is nothing to report."""
        if self.errand is not None or (self.outcome is None and not self._prepared) or self._is_mistype:
            self.report.forget()
        if self.gate:
            self.gate.close()
