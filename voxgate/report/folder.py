"""The folder of one run: ``reports/<run>/``, and the link ``reports/latest``."""

from __future__ import annotations

import re
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from voxgate.errors import VoxgateError
from voxgate.model.verdict import RunVerdict
from voxgate.transport.surroundings import own_folder

KEPT = 20
"""How many deploys are kept, how many looks, and how many refusals, the newest first: no look pushes a deploy's report out."""

_RUN = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z-[A-Za-z0-9._-]+-[0-9a-f]{4}", re.ASCII)
_STAMP = "%Y-%m-%dT%H-%M-%SZ"
_LATEST = "latest"
_LATEST_DEPLOY = "latest-deploy"
_DEPLOY, _LOOK, _REFUSAL = "deploy", "look", "refusal"
_HEAD = 1 << 16  # bytes of a verdict in which its first members stand
_GOING_ON = timedelta(days=1)  # what gave no verdict for so long has died
_ROOM = 64 << 20  # bytes: a run that cannot be reported is not begun


@dataclass(frozen=True, slots=True)
class ReportFolder:
    """Where one run writes everything. ``path`` is absolute; its name is the run's id."""

    path: Path

    @classmethod
    def create(cls, root: Path, now: datetime, estate: str) -> ReportFolder:
        """Make ``root/<run>/``, which only this account may read (or a group: ``own_folder``). The run's id is
        ``2026-11-22T09-14-03Z-lab-3fa2``: UTC, estate, four random hex digits.

        Raises VoxgateError if the folder cannot be made.
        """
        name = re.sub(r"[^A-Za-z0-9._-]", "-", estate)
        run = f"{now.astimezone(UTC):{_STAMP}}-{name}-{secrets.token_hex(2)}"
        folder = cls(root.resolve() / run)
        try:
            for path in (own_folder(folder.path) / "evidence", folder.allure_results):
                path.mkdir()
            free = shutil.disk_usage(folder.path).free
        except OSError as error:
            raise VoxgateError(
                "cannot make the report's folder",
                where=str(folder.path),
                why=error.strerror or str(error),
                hint="give another folder, or make this one writable",
            ) from None
        if free < _ROOM:
            why = f"{free >> 20} MiB are free there, and a report may need {_ROOM >> 20}"
            raise VoxgateError("no room for a report", where=str(folder.path), why=why, hint="--reports DIR, or make room")
        return folder

    @property
    def run(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def page(self) -> Path:
        """``index.html``: what a person opens first."""
        return self.path / "index.html"

    @property
    def style(self) -> Path:
        """The style sheet of that page."""
        return self.path / "report.css"

    @property
    def verdict(self) -> Path:
        """``verdict.json``."""
        return self.path / "verdict.json"

    @property
    def junit(self) -> Path:
        """``junit.xml``."""
        return self.path / "junit.xml"

    @property
    def evidence(self) -> Path:
        """The folder of what was seen, to be judged again with ``--evidence``."""
        return self.path / "evidence"

    @property
    def allure_results(self) -> Path:
        """The folder of Allure's raw results."""
        return self.path / "allure-results"

    @property
    def allure_report(self) -> Path:
        """The folder of the one HTML file."""
        return self.path / "allure-report"

    @property
    def html(self) -> Path:
        """Allure's page: each result with what it was judged on."""
        return self.allure_report / "index.html"

    @property
    def summary(self) -> Path:
        """``summary.md``."""
        return self.path / "summary.md"

    @property
    def changes(self) -> Path:
        """``changes.json``: what hosts have otherwise than when a deploy was done last."""
        return self.path / "changes.json"

    @property
    def picture(self) -> Path:
        """``estate.svg``."""
        return self.path / "estate.svg"

    @property
    def timeline(self) -> Path:
        """``timeline.svg``: the moves of a deploy over its seconds."""
        return self.path / "timeline.svg"

    @property
    def history(self) -> Path:
        """Allure's history of the estate's runs: beside the runs, so that it outlives them."""
        return self.path.parent / f"history-{self.run[21:-5]}.jsonl"

    def publish(self) -> None:
        """Point ``latest`` here in one step, and for a deploy that touched hosts ``latest-deploy``: whoever reads it sees the old
        run or this one, never none.

        Raises VoxgateError if a link cannot be made.
        """
        for name in (_LATEST, *((_LATEST_DEPLOY,) if kind_of(self.path) == _DEPLOY else ())):
            link = self.path.parent / name
            fresh = self.path.parent / f".{name}-{self.run}"
            try:
                fresh.symlink_to(self.run, target_is_directory=True)
                fresh.replace(link)
            except OSError as error:
                fresh.unlink(missing_ok=True)
                why = error.strerror or str(error)
                raise VoxgateError(f"cannot point {name} to this run", where=str(link), why=why) from None

    def forget(self) -> None:
        """Remove it: nothing was judged, so there is nothing to report. What cannot be removed stays."""
        shutil.rmtree(self.path, ignore_errors=True)

    def prune(self, kept: int = KEPT) -> tuple[str, ...]:
        """Delete the oldest runs beyond ``kept`` of each kind (deploys, looks, refusals); never this one, nor those that links
        point to, nor one that may still be going on beside this one, nor anything else.

        Returns the ids of what was deleted. What cannot be deleted stays: tidiness never ends a run.
        """
        root = self.path.parent
        spared = {(root / _LATEST).resolve().name, (root / _LATEST_DEPLOY).resolve().name, self.run}
        runs = sorted((path for path in root.iterdir() if _RUN.fullmatch(path.name) and not path.is_symlink()), reverse=True)
        kinds: dict[str, list[Path]] = {}
        for path in runs if len(runs) > kept else ():
            kinds.setdefault(kind_of(path), []).append(path)
        lately = f"{_begun(self.run) - _GOING_ON:{_STAMP}}"
        going_on = {path.name for path in runs if path.name >= lately and not head_of(path)}
        old = [path for same in kinds.values() for path in same[kept:] if path.name not in spared | going_on]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
        return tuple(path.name for path in old)


def _begun(run: str) -> datetime:
    """When a run of this id began."""
    return datetime.strptime(run[:20], _STAMP).replace(tzinfo=UTC)


def kind_of(run: Path) -> str:
    """What a run was: a deploy (or a recovery that had to put something back), a look, or a refusal, by the first members of its
    verdict. One without a verdict counts as a look.
    """
    head = head_of(run)
    verdict = re.search(r'^  "verdict": "([a-z ]+)",$', head, re.MULTILINE)
    if verdict and verdict[1] == RunVerdict.REFUSED:
        return _REFUSAL
    moved = {RunVerdict.DONE, RunVerdict.ROLLED_BACK, RunVerdict.BROKEN}
    deploy = re.search(r'^  "deploy": true,$', head, re.MULTILINE)
    return _DEPLOY if deploy or (verdict and verdict[1] in moved) else _LOOK


def head_of(run: Path) -> str:
    """The first members of a run's verdict, as it stands there, a line each; empty where there is none."""
    try:
        with (run / "verdict.json").open("rb") as file:
            return file.read(_HEAD).decode("utf-8", "replace")
    except OSError:
        return ""


def runs_of(root: Path, estate: str) -> tuple[Path, ...]:
    """The folders of an estate's runs in ``root``, oldest first; none where there is no such folder."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", estate)
    found = (path for path in root.glob(f"*-{name}-*") if _RUN.fullmatch(path.name) and not path.is_symlink())
    return tuple(sorted(path for path in found if path.name[21:-5] == name))
