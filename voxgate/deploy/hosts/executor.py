"""The executor of a deploy: looks at a host, does the steps of a move there, waits until a unit is up. It decides nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from voxgate.deploy.hosts.claim import Claim
from voxgate.deploy.hosts.journal import Journal, Phase, document_of
from voxgate.deploy.hosts.state import Author
from voxgate.deploy.stop import Stop
from voxgate.errors import Interrupted, MoveFailed
from voxgate.model.answers import Answer
from voxgate.model.estate import Estate, Host, PlacedUnit, Placement
from voxgate.model.evidence import Missing
from voxgate.model.look import Question
from voxgate.model.release import Release
from voxgate.moves.health import Pulse, Up, pulse, read_state
from voxgate.moves.steps import Step, unit_state
from voxgate.redaction.shortening import beginning
from voxgate.survey.commands import why
from voxgate.survey.remedies import for_move
from voxgate.transport.clients.http import ask
from voxgate.transport.deadline import Deadline
from voxgate.transport.ssh import sudo
from voxgate.transport.ssh.connection import Completed
from voxgate.transport.ssh.connections import Connections

_INTERVAL = 0.15  # seconds between two looks at what is awaited
_ANSWER_DEADLINE = 3.0  # seconds for a health page
_PATIENCE = 1.0  # seconds after which systemd is asked too, where nothing answers yet


@dataclass(frozen=True, slots=True)
class Task:
    """What the journal says of the work on one placement: the release it shall have, and the one it had. ``how`` is ``deploy`` or
    ``rollback``, as a person asked for it; empty where an earlier run was asked.
    """

    placement: Placement
    release: Release
    origin: Release | None
    run: str = ""
    how: str = ""

    def journal(self, phase: Phase, author: Author, reason: str = "") -> Journal:
        """The journal of this task at a phase. ``run`` is the run that began it, where that is another one."""
        run = self.run or author.run
        return Journal(phase, run, self.release, self.origin, by=author.by, build=author.build, reason=reason)


@dataclass(frozen=True, slots=True)
class Executor:
    """Everything that touches hosts, for one run. ``stop`` is set when the run is interrupted: on the way there every wait
    and every next move ends with Interrupted; on the way back (``back``) nothing is cut short.
    """

    estate: Estate
    connections: Connections
    claim: Claim
    stop: Stop
    back: bool = False

    def check(self) -> None:
        """Raises Interrupted if this run is to stop, and is not on its way back."""
        if self.stop.is_set() and not self.back:
            raise Interrupted("the run was interrupted", why="nothing more is begun")

    def attempt(self, host: str, step: Step) -> Completed:
        """A look that changes nothing: how it ended. Raises CommandUnknown or Unreachable; any exit status is an answer."""
        return self.connections[host].run(step.argv, deadline=step.deadline)

    def look(self, host: str, step: Step) -> Completed:
        """A look that must end with 0. Raises MoveFailed with the last words of the command."""
        return _good(self.attempt(host, step), step, self.connections[host].host)

    def do(self, task: Task, phase: Phase, steps: Sequence[Step]) -> tuple[Completed, ...]:
        """The steps of one move, by the owner on the host, journalled. Raises MoveFailed at the first that ended otherwise
        than with 0, CommandUnknown where nobody knows, Interrupted before anything is begun.
        """
        self.check()
        host = task.placement.host.name
        journal = document_of(task.journal(phase, self.claim.author))
        ended = self.claim.do(host, task.placement.service.name, journal, steps)
        return tuple(_good(completed, step, task.placement.host) for completed, step in zip(ended, steps, strict=False))

    def answer(self, unit: PlacedUnit) -> Answer | Missing:
        """What a unit answers on its health endpoint."""
        endpoint = unit.service.health
        if endpoint is None:
            return Missing("missing", "no health endpoint is declared for it", unit.id)
        question = Question(unit.host.name, unit.port_of(endpoint), endpoint.path)
        return ask(self.connections, [question], deadline=_ANSWER_DEADLINE)[question]

    def up(self, unit: PlacedUnit, commit: str, answer: Answer | Missing) -> Pulse:
        """One look at a unit: what systemd says, beside what it answered."""
        return pulse(read_state(self.look(unit.host.name, unit_state(unit.unit)).stdout), answer, commit)

    def await_up(self, unit: PlacedUnit, commit: str) -> str:
        """Poll until the unit is up, and say what it said. Raises MoveFailed at once where it can never be (systemd gave up,
        it dies as it starts), else when the service's start deadline is over.

        A refused connection costs nearly nothing and a command on the host does not, while the host is busy starting the
        unit: systemd is asked when there is an answer, and else about once a second, then beside the question to the unit.
        """
        deadline, patience = Deadline.after(unit.service.start_deadline), Deadline.after(0.0)
        name = unit.unit.removesuffix(".service")
        hint = f"on {unit.host.name}: {why(unit.unit)}"
        while True:
            self.check()
            self.claim.must_hold(unit.host.name)
            if patience.passed:
                seen, patience = self._seen(unit, commit), Deadline.after(_PATIENCE)
            else:
                answer = self.answer(unit)
                if isinstance(answer, Missing) or answer.trouble:
                    self.pause()
                    continue
                seen, patience = self.up(unit, commit, answer), Deadline.after(_PATIENCE)
            match seen.up:
                case Up.YES:
                    return seen.said
                case Up.NEVER:
                    raise MoveFailed(f"{name} did not come up", where=unit.host.name, why=seen.said, hint=hint)
                case Up.NOT_YET if deadline.passed:
                    said = f"after {deadline}: {seen.said}"
                    raise MoveFailed(f"{name} is not healthy", where=unit.host.name, why=said, hint=hint)
                case Up.NOT_YET:
                    self.pause()

    def _seen(self, unit: PlacedUnit, commit: str) -> Pulse:
        """One look at a unit, of which both questions are asked at once: where a host is far, each takes round trips."""
        with ThreadPoolExecutor(thread_name_prefix="state") as pool:
            state = pool.submit(self.look, unit.host.name, unit_state(unit.unit))
            answer = self.answer(unit)
        return pulse(read_state(state.result().stdout), answer, commit)

    def pause(self) -> None:
        """A moment between two looks; shorter where the run is stopped."""
        threading.Event().wait(_INTERVAL) if self.back else self.stop.wait(_INTERVAL)


def _good(completed: Completed, step: Step, host: Host) -> Completed:
    """The command, if it ended with 0. Raises MoveFailed with its last words, and what mends that."""
    if completed.exit_status != 0:
        said = completed.stderr.decode("utf-8", "replace")
        refused = sudo.refusal(said) if step.argv[0] == sudo.PROGRAM else ""
        hint = sudo.hint(" ".join(step.argv[2:]), said, host.user or "ACCOUNT") if refused else for_move(said, host)
        why = f"exit {completed.exit_status}: {refused or last_words(completed)}"
        raise MoveFailed(f"{step.says} failed", where=host.name, why=why, hint=hint)
    return completed


# A program's own line for what went wrong: uv, git, npm, an exception of Node's or Python's, the TypeScript compiler.
_TELLING = re.compile(
    r"(?:npm )?(?:error|fatal|failed)\b|(?:Uncaught )?[A-Za-z_.]*(?:Error|Exception)(?: \[[A-Z_]+\])?:|.*\berror TS[0-9]+:",
    re.IGNORECASE,
)


def last_words(completed: Completed) -> str:
    """The line of the command that most likely says why: an error's, else the last one."""
    text = (completed.stderr or completed.stdout).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    at = next((at for at, line in enumerate(lines) if _TELLING.match(line)), len(lines) - 1)
    if at < 0:
        return "it said nothing"
    headline = lines[at]
    more = (
        lines[at + 1] if headline.endswith(":") and at + 1 < len(lines) else ""
    )  # as vite: "error during build:", and then what
    return beginning(f"{headline} {more}".strip(), 300)


def last_line(completed: Completed) -> str:
    """The last line of what a step that went well said, cut to a word or two."""
    lines = completed.stdout.decode("utf-8", "replace").strip().splitlines()
    return "".join(sign if sign.isprintable() else "?" for sign in beginning(lines[-1], 120)) if lines else ""
