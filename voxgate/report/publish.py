"""Everything that a run leaves beside its verdict: the summary, the pictures, Allure's results completed, the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from voxgate.deploy.moving.rolling import Capacity
from voxgate.errors import VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.verdict import RunOutcome
from voxgate.redaction.cutting import Redactor
from voxgate.report.allure.run import complete
from voxgate.report.allure.site import make_page
from voxgate.report.folder import ReportFolder
from voxgate.report.page.site import write_page
from voxgate.report.pictures.estate import estate_picture
from voxgate.report.pictures.timeline import timeline_picture
from voxgate.report.summary import Origin, summary
from voxgate.report.verdict import verdict_file
from voxgate.report.verdict.since_done import changes_text


@dataclass(frozen=True, slots=True)
class Beside:
    """What the report shows beside the outcome: ``facts`` of the surroundings (boot ids, versions), ``diagnostics`` (name and
    text) for the results of the ids under which they stand, and who served while the fleet was rolled.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    diagnostics: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    capacity: Capacity = field(default_factory=Capacity)


def publish(
    outcome: RunOutcome, estate: Estate, folder: ReportFolder, redactor: Redactor, beside: Beside | None = None, *, html: bool
) -> list[str]:
    """Make them all. Returns a line for each that could not be made: none of them ever changes the verdict. Without ``html``
    Allure makes no page; ours is made always.
    """
    beside = beside or Beside()
    shown = verdict_file.cut(outcome, redactor)
    title = f"voxgate · {shown.estate} · {shown.verdict.value}"
    pictures = (folder.picture, folder.timeline)

    def ours() -> None:
        write_page(folder, shown, estate)

    steps: list[tuple[str, Callable[[], object]]] = [
        ("summary.md", lambda: _write(folder.summary, summary(shown, Origin.of(shown.run, redactor)))),
        ("changes.json", lambda: _write(folder.changes, changes_text(shown))),
        ("estate.svg", lambda: _write(folder.picture, estate_picture(shown, estate))),
        ("timeline.svg", lambda: _write(folder.timeline, timeline_picture(shown, beside.capacity))),
        ("index.html", ours),
        (
            "allure-results",
            lambda: complete(
                folder.allure_results,
                shown,
                redactor,
                estate=estate,
                facts=beside.facts,
                pictures=pictures,
                diagnostics=beside.diagnostics,
            ),
        ),
    ]
    if html:
        page = ("allure-report", lambda: make_page(folder.allure_results, folder.html, title=title, history=folder.history))
        steps += [page, ("index.html", ours)]  # again: now it can lead to Allure's
    return [line for name, make in steps if (line := _attempt(name, make))]


def _attempt(name: str, make: Callable[[], object]) -> str:
    """Make one of them; what went wrong in one line, empty if nothing did."""
    try:
        make()
    except VoxgateError as error:
        return f"no {name}: {error.line}"
    except Exception as error:  # noqa: BLE001 - a report that cannot be made is a line, never a verdict
        return f"no {name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return ""


def _write(path: Path, text: str) -> None:
    """Write a file; none for an empty text."""
    if text:
        path.write_text(text, "utf-8")
