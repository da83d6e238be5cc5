"""A finding that an estate accepts in writing, by real runs over a saved look: what each way out of a run says of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from voxgate.cli import merge
from voxgate.contracts.estates import load_estate
from voxgate.model.evidence import known
from voxgate.model.verdict import RunOutcome, RunVerdict, Verdict
from voxgate.plugin.rejudging import judge_saved
from voxgate.plugin.session import Session
from voxgate.redaction.cutting import Redactor
from voxgate.report.monitors import FORMATS, Level, level
from voxgate.report.terminal.stream import CutStream
from voxgate.report.verdict import verdict_file
from voxgate.report.verdict.changes import changes
from voxgate.survey.saving import load

ROOT = Path(__file__).resolve().parents[2]
SAVED = ROOT / "tests/unit/evidence"
SEEN = load(SAVED).second
LOOKED = SEEN.day
KEYS = ", ".join(repr(one.fingerprint) for one in known(SEEN.host("data").keys).keys)
KEY = "boot-starts-only-what-is-known[fleet-1]"
FIRST, SECOND = "vector.service", "miner.service"


def found(unit: str) -> str:
    """What the rule says of it."""
    return f"{unit} starts at the next boot, by /etc/systemd/system/{unit}.d, and /etc/systemd/system/{unit} came with no package"


@dataclass
class Lab:
    """The saved look with units that boot starts on fleet-1, and an estate of its own beside it."""

    folder: Path
    waivers: list[str] = field(default_factory=list)

    @property
    def evidence(self) -> Path:
        """The saved look."""
        return self.folder / "evidence"

    @property
    def estate(self) -> Path:
        """The file of the estate, anew: the look's own keys are known, and what is waived so far."""
        path = self.folder / "lab.toml"
        text = (ROOT / "hosts/lab.toml").read_text("utf-8").replace('"{cache}/lab/id_ed25519.pub"', KEYS)
        path.write_text(text + "".join(self.waivers))
        return path

    def boots(self, *units: str) -> Lab:
        """These came with no package, and start at the next boot."""
        page = self.evidence / "second/hosts/fleet-1.json"
        document = json.loads(page.read_text("utf-8"))
        for unit in units:
            fact = {"by": f"/etc/systemd/system/{unit}.d", "at_boot": True, "foreign": [f"/etc/systemd/system/{unit}"]}
            document["sections"]["boot"]["value"]["services"][unit] = fact
        page.write_text(json.dumps(document))
        return self

    def waives(self, until: date, unit: str = FIRST, rule: str = "boot-starts-only-what-is-known") -> Lab:
        """The estate accepts one of them until that day."""
        self.waivers.append(
            f"\n[[waived]]\nrule = {rule!r}\nsubject = 'fleet-*'\nfound = {found(unit)!r}\n"
            f"reason = 'the new agent comes in spring'\nby = 'ops@example.com'\nuntil = {until}\n"
        )
        return self

    def run(self, *options: str) -> tuple[int, str, dict[str, Any]]:
        """A pytest as a person starts it: exit status, what it printed, its verdict."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VOXGATE_"))}
        argv = [
            sys.executable,
            "-m",
            "pytest",
            f"--estate={self.estate}",
            f"--evidence={self.evidence}",
            "-p",
            "no:cacheprovider",
        ]
        argv += [f"--reports={self.folder / 'reports'}", "--html=never", *options]
        done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
        path = self.latest / "verdict.json"
        return done.returncode, done.stdout + done.stderr, json.loads(path.read_text("utf-8")) if path.is_file() else {}

    @property
    def latest(self) -> Path:
        """The report of the last run."""
        return self.folder / "reports/latest"

    @property
    def outcome(self) -> RunOutcome:
        """What the last run came to."""
        return verdict_file.read(self.latest / "verdict.json")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    shutil.copytree(SAVED, tmp_path / "evidence")
    return Lab(tmp_path)


BOOT = ("-k", "boot_starts")
END = LOOKED + timedelta(days=25)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "by workers"])
def test_what_is_waived_is_a_verdict_of_its_own_in_every_report(lab: Lab, workers: tuple[str, ...]) -> None:
    status, said, verdict = lab.boots(FIRST).waives(END).run(*BOOT, "--summary", *workers)
    assert status == 0, said
    assert (verdict["verdict"], verdict["counts"]["waived"], verdict["counts"]["holds"]) == ("holds", 1, 4)
    one = next(row for row in verdict["invariants"] if row["id"] == KEY)
    assert (one["verdict"], one["found"]) == ("waived", f"fleet-1: {found(FIRST)}")
    assert (one["waivers"][0]["until"], one["waivers"][0]["by"]) == (str(END), "ops@example.com")
    flat = " ".join(said.split())
    assert f"~ boot starts only what is known [fleet-1]: fleet-1: {FIRST} starts" in flat
    assert f"→ waived until {END}: the new agent comes in spring (ops@example.com)" in flat
    assert f"4 of 5 invariants hold, 1 waived until {END}" in flat
    skipped = ET.parse(lab.latest / "junit.xml").findall(".//testcase/skipped")  # noqa: S314 - made a moment ago
    accepted = f"waived until {END}: the new agent comes in spring (ops@example.com): fleet-1: {found(FIRST)}"
    assert [one.get("message") for one in skipped] == [accepted]
    results = [json.loads(path.read_text("utf-8")) for path in (lab.latest / "allure-results").glob("*-result.json")]
    known = [one for one in results if one["fullName"] == KEY]
    assert [(one["status"], one["statusDetails"]["known"]) for one in known] == [("skipped", True)]
    assert known[0]["statusDetails"]["message"].startswith(accepted)
    assert {"name": "kind", "value": "waived"} in known[0]["labels"]
    page = lab.latest.resolve() / "index.html"
    assert f"report {page} " in flat, "the terminal leads to what a person opens first"
    assert f"<strong>{END}</strong> (last day)" in page.read_text("utf-8")
    assert "~1" in (lab.latest / "estate.svg").read_text("utf-8")
    told = (lab.latest / "summary.md").read_text("utf-8")
    assert f"- waived until {END}: `boot starts only what is known [fleet-1]`: `the new agent comes in spring (ops" in told
    assert told in said.partition("\nexit 0 ")[2], "--summary prints it at the end"


def test_without_it_the_same_is_red_and_so_is_a_stranger_beside_it(lab: Lab) -> None:
    status, _, verdict = lab.boots(FIRST).run(*BOOT)
    assert (status, verdict["verdict"], verdict["counts"]["violated"]) == (1, "violated", 1)
    status, said, verdict = lab.boots(FIRST, SECOND).waives(END).run(*BOOT)
    one = next(row for row in verdict["invariants"] if row["id"] == KEY)
    assert (status, verdict["verdict"], one["verdict"]) == (1, "violated", "violated"), said
    assert one["found"] == f"fleet-1: {found(SECOND)}; waived until {END}: {found(FIRST)}"


def test_ended_is_red_and_says_when(lab: Lab) -> None:
    """As on the day of the look, not on the day on which it is judged."""
    assert lab.boots(FIRST).waives(LOOKED).run(*BOOT)[0] == 0
    lab.waivers.clear()
    ended = LOOKED - timedelta(days=1)
    status, said, verdict = lab.waives(ended).run(*BOOT)
    one = next(row for row in verdict["invariants"] if row["id"] == KEY)
    assert (status, one["verdict"]) == (1, "violated"), said
    assert one["found"].endswith(f"came with no package (the waiver of this ended on {ended})")


def test_what_could_not_be_seen_is_blind_whatever_is_waived(lab: Lab) -> None:
    lab.boots(FIRST).waives(END)
    page = lab.evidence / "second/hosts/fleet-1.json"
    document = json.loads(page.read_text("utf-8"))
    document["sections"]["boot"] = {"seconds": 0.0, "error": {"kind": "denied", "text": "nobody may look"}}
    page.write_text(json.dumps(document))
    status, _, verdict = lab.run(*BOOT)
    assert (status, verdict["verdict"], verdict["counts"]["blind"]) == (7, "blind", 1)


def test_joined_parts_are_a_whole_look_and_say_which_covers_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which ends soon each run says."""
    soon = LOOKED + timedelta(days=7)
    first = lab.boots(FIRST).waives(soon).waives(END, "gone.service").run(*BOOT)[2]
    ends = (
        f"the waiver of boot-starts-only-what-is-known[fleet-*] ends on {soon}, in 7 days: the new agent comes in spring"
        " (ops@example.com)"
    )
    nothing = (
        f"the waiver of boot-starts-only-what-is-known[fleet-*] until {END} covers nothing that was found: take it out;"
        " the new agent comes in spring (ops@example.com)"
    )
    assert first["notes"][1:] == [ends]
    part = lab.latest.resolve()
    shutil.copytree(lab.evidence, part / "evidence", dirs_exist_ok=True)
    project = lab.folder / "project"
    shutil.copytree(ROOT / "hosts", project / "hosts")
    shutil.copy(lab.estate, project / "hosts/lab.toml")
    monkeypatch.chdir(project)
    with (lab.folder / "said.txt").open("w") as out:
        assert merge.merge([part], lab.folder / "merged", html="never", out=CutStream(out, Redactor())) == 0
    joined = verdict_file.read(lab.folder / "merged/latest/verdict.json")
    listed = (lab.folder / "merged/latest/SHA256SUMS").read_text()
    assert "  evidence/second/look.json\n" in listed, "what is joined is attested with its evidence"
    assert [one.id for one in joined.judgements if one.verdict is Verdict.WAIVED] == [KEY]
    assert (joined.verdict, joined.notes) == (RunVerdict.HOLDS, (ends, nothing))
    assert f"note {nothing}" in " ".join((lab.folder / "said.txt").read_text("utf-8").split())


def test_a_rule_that_cannot_be_waived_is_refused_before_anything(lab: Lab) -> None:
    status, said, verdict = lab.waives(END, rule="no-secret-leaks").run(*BOOT)
    assert (status, verdict) == (4, {})
    assert "lab.toml [waived.0]: no-secret-leaks cannot be waived, as it guards secrets: " in said


def test_a_runs_looks_are_judged_as_on_the_day_on_which_it_began(lab: Lab) -> None:
    """Before a deploy, of its canary and on a way back: none turns red at midnight."""
    estate = load_estate(str(lab.boots(FIRST).waives(END).estate))
    last = judge_saved(lab.evidence, Session(estate, None, as_on=END), lab.folder / "last")
    assert [(one.id, one.ends) for one in last.judgements if one.verdict is Verdict.WAIVED] == [(KEY, END)]
    assert (last.verdict, last.exit_status) == (RunVerdict.HOLDS, 0)
    late = judge_saved(lab.evidence, Session(estate, None, as_on=END + timedelta(days=1)), lab.folder / "late")
    assert [one.id for one in late.judgements if one.verdict is Verdict.VIOLATED] == [KEY]


def test_a_monitor_counts_it_and_tells_what_is_new(lab: Lab) -> None:
    lab.waives(END).run(*BOOT)
    before = lab.outcome
    lab.boots(FIRST).run(*BOOT)
    now = lab.outcome
    changed = changes(now, before)
    assert ([one.id for one in changed.waived], changed.fallen) == ([KEY], ())
    assert level(now, ()) is Level.UNKNOWN  # only some rules were asked; what is waived is not why
    whole = replace(now, partial=False, missing=())
    assert level(whole, ()) is Level.OK
    nagios = FORMATS["nagios"](whole, Level.OK, changed)
    assert nagios.startswith(f"VOXGATE OK - lab: 4 of 5 invariants hold, 1 waived until {END} | holds=4 violated=0 blind=0")
    assert f"waived until {END}: {KEY}: fleet-1: {FIRST} starts" in nagios
    assert f"{KEY}: waived until {END}: the new agent comes in spring (ops@example.com)" in nagios
    said = json.loads(FORMATS["json"](whole, Level.OK, changed))
    assert (said["bad"], said["counts"]["waived"], said["waived"][0]["until"]) == ([], 1, str(END))
    numbers = FORMATS["prometheus"](whole, Level.OK, changed)
    ends = datetime.combine(END + timedelta(days=1), datetime.min.time(), UTC).timestamp()
    line = next(one for one in numbers.splitlines() if one.startswith("voxgate_waived_until_timestamp_seconds{"))
    assert float(line.rpartition(" ")[2]) == ends
    assert 'voxgate_invariants{estate="lab",host="fleet-1",service="platform",verdict="waived"} 1.0' in numbers
    lab.boots(FIRST, SECOND).run(*BOOT)
    worse = lab.outcome
    assert [one.id for one in changes(worse, now).fallen] == [KEY]
    assert level(worse, ()) is Level.CRITICAL
