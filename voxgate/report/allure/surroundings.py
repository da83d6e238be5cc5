"""What surrounds the results of a run in Allure: what went where, which build ran it, what it came to, the pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from allure_commons.model2 import GlobalAttachment, GlobalError, Globals

from voxgate import __version__
from voxgate.model.digits import natural_in
from voxgate.model.run_facts import away
from voxgate.model.verdict import RunOutcome, RunVerdict
from voxgate.redaction.cutting import Redactor
from voxgate.report.allure.files import write_item
from voxgate.report.told import since_words


def surround(folder: Path, outcome: RunOutcome, redactor: Redactor, facts: Mapping[str, str], pictures: Sequence[Path]) -> None:
    """Write all of it beside the results."""
    _environment(folder, outcome, redactor, facts)
    _executor(folder, redactor)
    _error(folder, outcome, redactor)
    _pictures(folder, pictures, redactor)


def _environment(folder: Path, outcome: RunOutcome, redactor: Redactor, facts: Mapping[str, str]) -> None:
    """``environment.properties``: what went where, and what judged it."""
    lines = {"verdict": outcome.verdict.value, "estate": outcome.estate}
    for one in outcome.services:
        lines[one.service] = (one.running and one.running.name) or "(not known)"
    lines |= {"hosts": ", ".join(outcome.hosts), "summary": outcome.summary, "run": outcome.run}
    for one in outcome.services:
        if one.tried:
            lines[f"{one.service} from"] = (one.before and one.before.name) or "nothing"
            lines[f"{one.service} tried"] = one.tried.name
        lines[f"{one.service} commit"] = (one.running and one.running.commit) or ""
    lines |= {"how": outcome.how.value, "by": outcome.by, "build": outcome.build}
    lines |= {
        f"fleet served{word}": roll.line
        for word, roll in (("", outcome.rolled), (" on the way back", outcome.rolled_back))
        if roll
    }
    lines |= {f"{service} away": said for service, said in away(outcome.gaps)}
    lines |= {"nobody dialled": "; ".join(gap.line for gap in outcome.undialled), "since": since_words(outcome)}
    lines |= {"voxgate": __version__, **facts}
    text = "".join(f"{_escape(key, key=True)} = {_escape(value)}\n" for key, value in lines.items() if value)
    (folder / "environment.properties").write_text(redactor.cut(text), "utf-8")


def _escape(text: str, *, key: bool = False) -> str:
    """One line of a properties file: no line ends, and in a key nothing that ends it."""
    line = " ".join(text.split()).replace("\\", "\\\\")
    if not key:
        return line
    for char in " :=":
        line = line.replace(char, f"\\{char}")
    return line


def _executor(folder: Path, redactor: Redactor) -> None:
    """``executor.json``: the Jenkins build that ran this, if one did."""
    url, number, job = (os.environ.get(name, "") for name in ("BUILD_URL", "BUILD_NUMBER", "JOB_NAME"))
    if not (url and number):
        return
    document = {
        "name": "Jenkins",
        "type": "jenkins",
        "url": os.environ.get("JENKINS_URL", url),
        "buildOrder": natural_in(number) or 0,
        "buildName": f"{job or 'build'} #{number}",
        "buildUrl": url,
        "reportName": "voxgate",
    }
    (folder / "executor.json").write_text(json.dumps(redactor.cut_document(document)), "utf-8")


def _error(folder: Path, outcome: RunOutcome, redactor: Redactor) -> None:
    """A run that is not good says so in its own tab, in full, with what the rollback came to."""
    if outcome.verdict in {RunVerdict.DONE, RunVerdict.HOLDS, RunVerdict.PARTIAL}:
        return
    lines = [f"{outcome.verdict.value}, exit status {outcome.exit_status}: {outcome.summary}"]
    if outcome.rollback_verdict is not None:
        lines.append(f"after the rollback: {outcome.rollback_verdict.value}")
    error = GlobalError(message="\n".join([*lines, *outcome.notes]), timestamp=_end(outcome))
    write_item(folder, Globals(errors=[error]), redactor)


def _end(outcome: RunOutcome) -> int:
    """When the run ended, epoch milliseconds."""
    return round((outcome.started + outcome.seconds) * 1000)


def _pictures(folder: Path, pictures: Sequence[Path], redactor: Redactor) -> None:
    """Attach pictures to the run as such; one that is not there is left out."""
    attached: list[GlobalAttachment] = []
    for picture in pictures:
        if not picture.is_file():
            continue
        source = f"{uuid4()}-attachment{picture.suffix}"
        (folder / source).write_bytes(redactor.cut_bytes(picture.read_bytes()))
        kind = "image/svg+xml" if picture.suffix == ".svg" else "application/json"
        stamp = round(picture.stat().st_mtime * 1000)
        attached.append(GlobalAttachment(name=picture.name, source=source, type=kind, timestamp=stamp))
    if attached:
        write_item(folder, Globals(attachments=attached), redactor)
