"""A run attested and verified: whatever of it is another afterwards is found, and so is a verdict that its evidence denies."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_package import estate_of_the_look
from voxgate.cli import attest as command
from voxgate.contracts.envelope import Envelope, canonical, decode, pae
from voxgate.contracts.estates import load_estate
from voxgate.contracts.ledger_copy import NAME, as_copy
from voxgate.contracts.manifest import read_text, sha256, text_of
from voxgate.contracts.places import suites_of
from voxgate.contracts.statement import PREDICATE, STATEMENT, Resource, read_statement
from voxgate.errors import ContractError, Refused
from voxgate.model.estate import Estate
from voxgate.model.verdict import RunOutcome, RunVerdict, Verdict
from voxgate.plugin.attesting import attested, must_sign
from voxgate.plugin.rejudging import judge_as_it_is
from voxgate.plugin.session import Session
from voxgate.redaction.cutting import Redactor
from voxgate.report.attested.attesting import ATTESTATION, MANIFEST, SIGNATURE, attest, configuration_of
from voxgate.report.attested.verifying import Check, Verifier
from voxgate.report.folder import ReportFolder
from voxgate.report.terminal.stream import CutStream
from voxgate.report.verdict import verdict_file

ROOT = Path(__file__).resolve().parents[3]
SAVED = ROOT / "tests/unit/evidence"
OWN = 'def test_ours(evidence):\n    assert "api-1" in evidence.second.hosts\n'


@dataclass
class Made:
    """A project with an estate and a check of its own, and a run in it."""

    project: Path
    run: Path
    key: Path

    @property
    def estate(self) -> Path:
        """Its file."""
        return self.project / "hosts/lab.toml"

    @property
    def signers(self) -> Path:
        """Who may sign."""
        path = self.project / "signers"
        if not path.exists():
            path.write_text(f'gate@example.com namespaces="voxgate" {self.key.with_suffix(".pub").read_text()}')
        return path

    def attest(self, key: Path | None = None) -> None:
        """Attest the run as it is, by the gate's key or another."""
        estate = load_estate(str(self.estate))
        _, said = attest(self.run, configuration_of(estate, suites_of(self.project), self.project), str(key or self.key))
        assert not said

    def verifier(self, *, signed: bool = True, judge: Callable[[Path], RunOutcome] | None = None) -> Verifier:
        """As the command makes it."""

        def expected(_outcome: RunOutcome) -> tuple[list[str], tuple[str, ...]]:
            session = Session(load_estate(str(self.estate)), self.run / "evidence", root=self.project)
            return [one.id for one in session.expected()], session.plain()

        def again(look: Path) -> RunOutcome:
            return judge_as_it_is(look, str(self.estate), self.project, self.project / "again" / look.name)

        return Verifier(
            self.signers if signed else None,
            lambda _: configuration_of(load_estate(str(self.estate)), suites_of(self.project), self.project),
            expected,
            judge or again,
        )

    def wrong(self, *, signed: bool = True, judge: Callable[[Path], RunOutcome] | None = None) -> list[Check]:
        """What is not as it must be."""
        return [check for check in self.verifier(signed=signed, judge=judge).checks(self.run) if check.why]

    def change_verdict(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Write another verdict in the place of the run's."""
        path = self.run / "verdict.json"
        document = json.loads(path.read_text("utf-8"))
        change(document)
        path.write_text(json.dumps(document, indent=2), "utf-8")


def key_in(folder: Path, name: str = "key") -> Path:
    """A new SSH key."""
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path


def judged(project: Path, evidence: Path) -> Path:
    """The folder of a real run over a saved look, with that look in it."""
    reports = project / "reports"
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--evidence={evidence}", f"--reports={reports}"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VOXGATE_"))}
    done = subprocess.run([*argv, "--html=never"], cwd=project, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    run = (reports / "latest").resolve()
    (run / "evidence").rmdir()
    shutil.copytree(evidence, run / "evidence")
    return run


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A real run: the saved look, judged by voxgate's rules and one of the project's own, and its evidence beside it."""
    project = tmp_path_factory.mktemp("attested")
    (project / "hosts").mkdir()
    (project / "hosts/lab.toml").write_text(estate_of_the_look(), "utf-8")
    (project / "suites").mkdir()
    (project / "suites/test_ours.py").write_text(OWN)
    run = judged(project, SAVED)
    made = Made(project, run, key_in(project))
    made.attest()
    return made


@pytest.fixture
def made(original: Made, tmp_path: Path) -> Made:
    """The same, to be changed."""
    project = shutil.copytree(original.project, tmp_path / "project", symlinks=True)
    return Made(project, project / "reports" / original.run.name, original.key)


def as_attested(made: Made) -> Callable[[Path], RunOutcome]:
    """A judge who says what the verdict said when it was attested: where only what comes before is of interest."""
    outcome = verdict_file.read(made.run / "verdict.json")
    return lambda _: outcome


def test_a_run_is_as_it_says(original: Made) -> None:
    checks = list(original.verifier().checks(original.run))
    assert [check.why for check in checks] == [""] * len(checks)
    assert [check.what for check in checks] == [
        "attested",
        "signature",
        "files",
        "statement",
        "judged by",
        "rules",
        "judged again",
    ]
    assert "by gate@example.com, SHA256:" in checks[1].said
    assert "own suites" in checks[4].said


def test_the_statement_is_in_toto_s_of_test_results(original: Made) -> None:
    document = json.loads(decode((original.run / ATTESTATION).read_bytes()).payload)
    assert (document["_type"], document["predicateType"]) == (STATEMENT, PREDICATE)
    outcome = verdict_file.read(original.run / "verdict.json")
    predicate = document["predicate"]
    assert predicate["result"] == "PASSED"
    assert (len(predicate["passedTests"]), predicate["failedTests"]) == (len(outcome.judgements), [])
    subjects = {one["name"]: one for one in document["subject"]}
    assert {"verdict.json", "junit.xml", "index.html", "evidence", "allure-results", MANIFEST} <= subjects.keys()
    for service in outcome.services:
        assert subjects[service.service]["digest"] == {"gitCommit": service.about.commit}
        assert subjects[service.service]["annotations"]["tag"] == service.about.tag
    assert {one["name"] for one in predicate["configuration"]} >= {"voxgate", "suites", "schemas", "hosts/lab.toml"}
    said = read_statement(decode((original.run / ATTESTATION).read_bytes()).payload)
    assert (said.run, said.estate, said.verdict, said.deployed) == (original.run.name, "lab", "holds", {})


def test_other_tools_check_it_too(original: Made) -> None:
    """sha256sum, ssh-keygen, find and sha256sum for in-toto's dirHash, and openssl for the signature of the envelope."""
    run = original.run
    assert subprocess.run(["sha256sum", "--quiet", "--strict", "-c", MANIFEST], cwd=run, check=False).returncode == 0
    argv = ["ssh-keygen", "-Y", "verify", "-n", "voxgate", "-I", "gate@example.com", "-f", str(original.signers)]
    body = (run / ATTESTATION).read_bytes()
    assert subprocess.run([*argv, "-s", str(run / SIGNATURE)], input=body, check=False, capture_output=True).returncode == 0
    document = json.loads(decode(body).payload)
    evidence = next(one for one in document["subject"] if one["name"] == "evidence")
    shell = "find . -type f | cut -c3- | LC_ALL=C sort | xargs -r sha256sum | sha256sum | cut -f1 -d' '"
    said = subprocess.run(["sh", "-c", shell], cwd=run / "evidence", check=True, capture_output=True, text=True).stdout.strip()
    assert evidence["digest"] == {"dirHash": said}
    public = serialization.load_ssh_public_key(original.key.with_suffix(".pub").read_bytes())
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    work = original.project / "openssl"
    work.mkdir(exist_ok=True)
    envelope = json.loads(body)
    signed = pae(base64.b64decode(envelope["payload"]))
    for name, content in (("pem", pem), ("signed", signed), ("sig", base64.b64decode(envelope["signatures"][0]["sig"]))):
        (work / name).write_bytes(content)
    argv = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "pem", "-rawin", "-in", "signed", "-sigfile", "sig"]
    assert subprocess.run(argv, cwd=work, check=False, capture_output=True).returncode == 0


@settings(max_examples=60)
@given(st.data())
def test_any_one_byte_of_the_folder_is_found(original: Made, data: st.DataObject) -> None:
    """Signed or not: of any file, also of what says it of all the others."""
    files = sorted(path for path in original.run.rglob("*") if path.is_file() and path.stat().st_size)
    beside = [path for path in files if path.name in {MANIFEST, ATTESTATION, SIGNATURE}]
    path = data.draw(st.one_of(st.sampled_from(files), st.sampled_from(beside)), label="file")
    signed = data.draw(st.booleans(), label="signed")
    before = path.read_bytes()
    at, flip = data.draw(st.integers(0, len(before) - 1), label="at"), data.draw(st.integers(1, 255), label="flip")
    judge = as_attested(original)
    try:
        path.write_bytes(before[:at] + bytes([before[at] ^ flip]) + before[at + 1 :])
        assert original.wrong(signed=signed, judge=judge)
    finally:
        path.write_bytes(before)


@settings(max_examples=30)
@given(st.data())
def test_also_where_nobody_signed(original: Made, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Then each byte of the statement follows from the folder and from what judged it."""
    run = original.project / "unsigned" / original.run.name
    if not run.exists():
        shutil.copytree(original.run, run)
        estate = load_estate(str(original.estate))
        attest(run, configuration_of(estate, suites_of(original.project), original.project))
    made = Made(original.project, run, original.key)
    assert not (run / SIGNATURE).exists()
    path = run / data.draw(st.sampled_from([ATTESTATION, MANIFEST, "verdict.json", "junit.xml"]))
    before = path.read_bytes()
    at, flip = data.draw(st.integers(0, len(before) - 1)), data.draw(st.integers(1, 255))
    judge = as_attested(made)
    try:
        path.write_bytes(before[:at] + bytes([before[at] ^ flip]) + before[at + 1 :])
        assert made.wrong(signed=False, judge=judge)
    finally:
        path.write_bytes(before)


@settings(max_examples=30)
@given(name=st.sampled_from([MANIFEST, ATTESTATION, SIGNATURE]), body=st.binary(max_size=300))
def test_whatever_stands_there_is_a_line_and_no_crash(original: Made, name: str, body: bytes) -> None:
    path = original.run / name
    before = path.read_bytes()
    try:
        path.write_bytes(body)
        assert original.wrong(judge=as_attested(original))
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("ended", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00", "", 7])
def test_a_moment_that_no_calendar_has_is_a_line(made: Made, ended: object) -> None:
    path = made.run / ATTESTATION
    statement = json.loads(decode(path.read_bytes()).payload)
    next(one for one in statement["subject"] if one["name"] == "verdict.json")["annotations"]["ended"] = ended
    path.write_bytes(Envelope(canonical(statement)).encode())
    (made.run / SIGNATURE).unlink()
    (wrong,) = made.wrong(signed=False, judge=as_attested(made))
    assert wrong.what == "attested"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("started", "0001-01-01T00:00:00.000+14:00"),
        ("started", "9999-12-31T23:59:59.000-14:00"),
        ("seconds", 1e300),
        ("seconds", 1e15),
        ("seconds", 10**400),
        (
            "moves",
            [
                {
                    "service": "fleet",
                    "host": "x",
                    "move": "m",
                    "started": 1e300,
                    "seconds": 0,
                    "detail": "",
                    "error": "",
                    "hint": "",
                    "rollback": False,
                }
            ],
        ),
    ],
)
def test_a_verdict_of_a_moment_that_no_calendar_has_is_a_line(made: Made, name: str, value: object) -> None:
    judge = as_attested(made)
    made.change_verdict(lambda document: document.update({name: value}))
    listed = read_text((made.run / MANIFEST).read_bytes())
    (made.run / MANIFEST).write_bytes(text_of({**listed, "verdict.json": sha256((made.run / "verdict.json").read_bytes())}))
    (wrong,) = made.wrong(judge=judge)
    assert wrong.what == "verdict"


def test_an_edited_report_and_what_was_added_or_taken_away_is_named(made: Made) -> None:
    judge = as_attested(made)
    page = made.run / "index.html"
    page.write_text(page.read_text("utf-8").replace("</title>", " </title>"), "utf-8")
    (made.run / "more.txt").write_text("x")
    (made.run / "evidence/second/look.json").unlink()
    (wrong,) = made.wrong(judge=judge)
    assert wrong.why == "evidence/second/look.json is missing, more.txt was added, index.html is another"


def test_a_link_or_a_pipe_is_no_file_of_it(made: Made) -> None:
    judge = as_attested(made)
    page = made.run / "index.html"
    copy = made.project / "index.html"
    page.rename(copy)
    page.symlink_to(copy)
    (wrong,) = made.wrong(judge=judge)
    assert "index.html is missing" in wrong.why
    page.unlink()
    os.mkfifo(page)
    (wrong,) = made.wrong(judge=judge)
    assert "a pipe" in wrong.why
    page.unlink()
    (made.run / ATTESTATION).rename(made.project / "kept")
    (made.run / ATTESTATION).symlink_to(made.project / "kept")
    assert made.wrong(judge=judge)


def test_a_folder_that_is_too_deep_is_a_line(made: Made) -> None:
    at = os.open(made.run, os.O_RDONLY)
    for _ in range(200):  # not so deep that nobody can take it away after the test
        os.mkdir("a", dir_fd=at)
        at, above = os.open("a", os.O_RDONLY, dir_fd=at), at
        os.close(above)
    os.close(at)
    (wrong,) = made.wrong()
    assert (wrong.what, "cannot be listed" in wrong.why) == ("files", True)


def test_a_file_that_is_too_large_is_not_read(made: Made) -> None:
    with (made.run / ATTESTATION).open("wb") as file:
        file.truncate(1 << 40)
    (wrong,) = made.wrong()
    assert "too large" in wrong.why


def judged_with(estate: Estate, folders: Sequence[Path], root: Path, _outcome: RunOutcome) -> Sequence[Resource]:
    """What it would be judged with here."""
    return configuration_of(estate, folders, root)


def test_a_verdict_that_its_evidence_denies_is_found_whoever_signs_it(made: Made) -> None:
    """A stolen gate signs what it likes; by the evidence that it shows its verdict is another."""
    look = made.run / "evidence/second/answers.json"
    document = json.loads(look.read_text("utf-8"))
    first = next(one for one in document["answers"] if one["question"]["host"] == "api-1" and one.get("status") == 200)
    first["status"] = 503
    look.write_text(json.dumps(document), "utf-8")
    made.attest()
    (wrong,) = made.wrong()
    assert (wrong.what, "is violated, not holds" in wrong.why) == ("judged again", True)


def test_a_deploy_is_not_done_by_what_was_judged_after_it(made: Made) -> None:
    """Only what was mended is judged again. Else any older look of these hosts, which they signed as well, would do."""
    shutil.copytree(made.run / "evidence", made.run / "evidence-rollback")
    look = made.run / "evidence/second/answers.json"
    document = json.loads(look.read_text("utf-8"))
    first = next(one for one in document["answers"] if one["question"]["host"] == "api-1" and one.get("status") == 200)
    first["status"] = 503
    look.write_text(json.dumps(document), "utf-8")
    before = verdict_file.read(made.run / "verdict.json")
    again = judge_as_it_is(made.run / "evidence", str(made.estate), made.project, made.project / "worse")
    assert again.verdict is RunVerdict.VIOLATED
    forged = replace(
        before,
        verdict=RunVerdict.DONE,
        judgements=again.judgements,
        rollback=before.judgements,
        rollback_verdict=RunVerdict.HOLDS,
    )
    (made.run / "verdict.json").write_text(json.dumps(verdict_file.document(forged, Redactor())), "utf-8")
    with pytest.raises(ContractError, match="contradicts itself"):
        made.attest()


def test_a_finding_that_is_not_in_the_evidence_is_found(made: Made) -> None:
    def worse(document: dict[str, Any]) -> None:
        one = document["invariants"][0]
        one.update(verdict="violated", found="something", advice="mend it")
        document["counts"]["holds"] -= 1
        document["counts"]["violated"] += 1
        document.update(verdict="violated", exit_status=1)

    made.change_verdict(worse)
    (wrong,) = made.wrong(judge=as_attested(made))
    assert (wrong.what, wrong.why) == ("files", "verdict.json is another")
    made.attest()
    (wrong,) = made.wrong()
    assert (wrong.what, "is holds, not violated" in wrong.why) == ("judged again", True)
    assert "it is violated, and its evidence is holds" in wrong.why


def test_a_rule_that_was_left_out_is_found(made: Made) -> None:
    def less(document: dict[str, Any]) -> None:
        gone = document["invariants"].pop()
        assert gone["verdict"] == "holds"
        document["counts"]["holds"] -= 1

    made.change_verdict(less)
    made.attest()
    wrong = made.wrong()
    assert [one.what for one in wrong] == ["rules", "judged again"]
    assert "and it does not say so" in wrong[0].why


def test_a_green_verdict_does_not_say_that_a_rule_is_missing(made: Made) -> None:
    """And stays green: what was not judged is no success."""

    def less(document: dict[str, Any]) -> None:
        document["missing"].append(document["invariants"].pop()["id"])
        document["counts"]["holds"] -= 1
        document["counts"]["missing"] += 1

    made.change_verdict(less)
    made.attest()
    wrong = made.wrong(judge=as_attested(made))
    assert [(one.what, one.why) for one in wrong] == [("rules", "1 were not judged, and it is holds")]


@pytest.mark.parametrize(
    "file",
    [
        "hosts/lab.toml",
        "suites/test_ours.py",
        "conftest.py",
        "hosts/services.toml",
        "hosts/units/x.service",
        "hosts/proxies/nginx/nginx.conf",
    ],
)
def test_an_edited_estate_or_suite_is_found(made: Made, file: str) -> None:
    judge = as_attested(made)
    path = made.project / file
    path.parent.mkdir(parents=True, exist_ok=True)
    before = (
        path.read_text("utf-8") if path.exists() else (ROOT / "hosts/services.toml").read_text() if "services" in file else ""
    )
    path.write_text(f"{before}# another\n", "utf-8")
    (wrong,) = made.wrong(judge=judge)
    assert (wrong.what, wrong.why.split(": ")[0]) == ("judged by", "other here than when it was judged")
    several = {"suites/": "own suites", "hosts/units/": "hosts/units", "hosts/proxies/": "hosts/proxies"}
    named = next((name for folder, name in several.items() if file.startswith(folder)), file)
    assert named in wrong.why


def test_suites_and_schemas_of_voxgate_are_among_it(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = as_attested(made)
    for name, folder in (("suites", ROOT / "suites"), ("schemas", ROOT / "schemas")):
        copy = shutil.copytree(folder, made.project / f"other-{name}", ignore=shutil.ignore_patterns("__pycache__"))
        first = next(path for path in sorted(copy.rglob("*")) if path.suffix in {".py", ".json"})
        first.write_text(first.read_text("utf-8") + "\n", "utf-8")
        with monkeypatch.context() as patch:
            if name == "schemas":
                patch.setattr("voxgate.report.attested.attesting.SCHEMAS", copy)
            folders = (copy, *suites_of(made.project)[1:]) if name == "suites" else suites_of(made.project)
            estate = load_estate(str(made.estate))
            verifier = replace(
                made.verifier(judge=judge),
                configuration=partial(judged_with, estate, folders, made.project),
            )
            (wrong,) = [check for check in verifier.checks(made.run) if check.why]
            assert (wrong.what, wrong.why.split(": ")[1].split(";")[0]) == ("judged by", name)


def test_another_s_signature_is_no_signature(made: Made, tmp_path: Path) -> None:
    judge = as_attested(made)
    stranger = key_in(tmp_path, "stranger")
    made.attest(stranger)
    (wrong,) = made.wrong(judge=judge)
    assert (wrong.what, "none of signers" in wrong.why) == ("signature", True)
    assert not made.wrong(signed=False, judge=judge)
    (made.run / SIGNATURE).unlink()
    (wrong,) = made.wrong(judge=judge)
    assert (wrong.what, wrong.why) == ("signature", "it is not signed")
    assert made.wrong(signed=False, judge=judge), "the envelope says that it was signed"
    body = (made.run / ATTESTATION).read_bytes()
    argv = ["ssh-keygen", "-Y", "sign", "-q", "-n", "file", "-f", str(made.key)]
    (made.run / SIGNATURE).write_bytes(subprocess.run(argv, input=body, capture_output=True, check=True).stdout)
    assert [one.what for one in made.wrong(judge=judge)] == ["signature"]


def test_a_key_that_may_no_longer_sign_is_said(made: Made) -> None:
    judge = as_attested(made)
    public = made.key.with_suffix(".pub").read_text()
    made.signers.write_text(f'gate@example.com namespaces="voxgate",valid-before="20200101" {public}')
    assert [one.what for one in made.wrong(judge=judge)] == ["signature"]
    made.signers.write_text(f'gate@example.com namespaces="file" {public}')
    assert [one.what for one in made.wrong(judge=judge)] == ["signature"]


def test_an_edited_ledger_is_found(made: Made, tmp_path: Path) -> None:
    """In the copy of a run, whoever attests it, and in a host's own, that must go on from there and name the run."""
    judge, digest = as_attested(made), sha256((made.run / "verdict.json").read_bytes())
    lines: list[str] = []

    def add(**event: str) -> None:
        before = sha256(lines[-1].encode()) if lines else ""
        lines.append(json.dumps({**event, "run": made.run.name, "n": len(lines) + 1, "prev": before}, sort_keys=True))

    for event in ("begun", "promoted"):
        add(event=event)
    add(event="verdict", digest=digest)
    (made.run / NAME).write_bytes(as_copy({"backend-api-1": lines}, str))
    made.attest()
    assert not made.wrong(judge=judge)
    add(event="attested", digest=sha256((made.run / ATTESTATION).read_bytes()))
    on_host = tmp_path / "ledger.jsonl"

    def brought(rows: Sequence[str]) -> list[str]:
        on_host.write_text("".join(f"{row}\n" for row in rows))
        return [check.why for check in replace(made.verifier(judge=judge), ledger=on_host).checks(made.run) if check.why]

    assert brought(lines) == []
    assert brought(lines[:-1]) == ["it does not name this attestation"]
    assert brought(lines[1:]) == ["the lines before 2 are gone"]
    assert "line 2 is gone" in brought([lines[0], *lines[2:]])[0]
    assert brought([]) == ["it does not name this attestation; it has none of the lines that the run ended with"]
    other = [lines[0], lines[1].replace("promoted", "rolled-back"), *lines[2:3]]
    (made.run / NAME).write_bytes(as_copy({"backend-api-1": other}, str))
    assert [one.what for one in made.wrong(judge=judge)] == ["files"]
    made.attest()
    (wrong,) = made.wrong(judge=judge)
    assert (wrong.what, "line 2 is not what was written" in wrong.why) == ("ledgers", True)
    (made.run / NAME).write_bytes(as_copy({"backend-api-1": lines[:2]}, str))
    made.attest()
    (wrong,) = made.wrong(judge=judge)
    assert wrong.why == "they name another verdict of this run, or none"


class Out(CutStream):
    """What a command says."""

    said = ""

    def write(self, text: str) -> int:
        """Keep it."""
        self.said += text
        return len(text)


def test_the_command_says_a_line_each_and_its_status(original: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Out(sys.stdout, Redactor())
    monkeypatch.chdir(original.project)
    assert command.verify(original.run, original.signers, None, out) == 0, out.said
    assert out.said.splitlines()[-1] == f"as it says: {original.run.name}"
    assert len(out.said.splitlines()) == 8
    with pytest.raises(Refused, match="no such run"):
        command.verify(original.project / "nowhere", None, None, out)


def test_a_look_at_some_hosts_is_verified_as_one(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    part = shutil.copytree(SAVED, made.project / "part")
    document = json.loads((part / "run.json").read_text())
    (part / "run.json").write_text(json.dumps({**document, "part": ["api-1"]}))
    monkeypatch.chdir(made.project)
    made.run = judged(made.project, part)
    made.attest()
    out = Out(sys.stdout, Redactor())
    assert command.verify(made.run, made.signers, None, out) == 0, out.said

    def less(document: dict[str, Any]) -> None:
        document["invariants"].pop()
        document["counts"]["holds"] -= 1

    made.change_verdict(less)
    made.attest()
    assert command.verify(made.run, made.signers, None, out) == 1
    assert "and was left out" in out.said


@pytest.mark.parametrize("verdict", ["holds", "done"])
def test_a_look_at_some_hosts_is_no_look_at_all_of_them(made: Made, monkeypatch: pytest.MonkeyPatch, verdict: str) -> None:
    """A stolen gate shows of all that was seen what one host signed: the others' rules were left out."""
    part = shutil.copytree(SAVED, made.project / "part")
    document = json.loads((part / "run.json").read_text())
    (part / "run.json").write_text(json.dumps({**document, "part": ["api-1"]}))
    monkeypatch.chdir(made.project)
    made.run = judged(made.project, part)
    made.change_verdict(lambda said: said.update(verdict=verdict, partial=False, deploy=verdict == "done"))
    made.attest()
    out = Out(sys.stdout, Redactor())
    assert command.verify(made.run, made.signers, None, out) == 1
    assert "were not judged, and it does not say so" in out.said
    assert f"it is {verdict}, and its evidence is partial" in out.said


def test_parts_that_are_no_look_at_the_whole_do_not_hold(made: Made) -> None:
    path = made.run / "evidence/run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "joined": ["the parts were looked at 999 minutes apart"]}))
    made.attest()
    (wrong,) = made.wrong()
    assert (wrong.what, wrong.why) == ("judged again", "it is holds, and its evidence is incomplete")


def test_a_key_is_tried_before_anything_is_done(tmp_path: Path) -> None:
    must_sign(None)
    must_sign(str(key_in(tmp_path)))
    with pytest.raises(Refused, match="no such key"):
        must_sign(str(tmp_path / "nowhere"))
    locked = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a word", "-f", str(locked)], check=True)
    with pytest.raises(Refused, match="this key does not sign"):
        must_sign(str(locked))


def test_a_saved_look_that_is_judged_again_is_not_attested(tmp_path: Path) -> None:
    session = Session(load_estate("lab"), SAVED, root=ROOT)
    assert attested(session, None, ReportFolder(tmp_path), None) == []
    assert not list(tmp_path.iterdir())


def test_what_is_waived_or_let_stand_is_a_warning(done: RunOutcome, tmp_path: Path) -> None:
    first = replace(done.judgements[0], verdict=Verdict.VIOLATED, found="x")
    outcome = replace(done, judgements=(first, *done.judgements[1:]), allowed=(first.id,))
    for one, result, where in (
        (outcome, "WARNED", "warnedTests"),
        (replace(outcome, allowed=(), verdict=RunVerdict.ROLLED_BACK, exit_status=11), "FAILED", "failedTests"),
    ):
        verdict_file.write(one, tmp_path / "verdict.json", Redactor())
        attest(tmp_path, [])
        document = json.loads(decode((tmp_path / ATTESTATION).read_bytes()).payload)["predicate"]
        assert (document["result"], document[where]) == (result, [first.id])
