"""A deploy attested by the gate itself, verified from its folder alone, and the hosts' ledgers, which name it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.lab.conftest import ROOT, Gate, GateRun, ledger, on_host
from voxgate.contracts.manifest import sha256

LEDGER = "/var/lib/voxgate/backend/ledger.jsonl"


def verify(run: GateRun, *options: str) -> tuple[int, str]:
    """``voxgate attest verify``."""
    argv = [sys.executable, "-m", "voxgate.cli.main", "attest", "verify", str(run.folder), *options]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_deploy_is_attested_and_its_ledger_says_so(gate: Gate, key: Path, tmp_path: Path) -> None:
    run = gate("--deploy", "backend", "--sign-key", str(key))
    assert run.status == 0, run.said
    attestation = (run.folder / "attestation.json").read_bytes()
    lines = ledger("api-1", "backend")
    assert [one["event"] for one in lines[-2:]] == ["verdict", "attested"]
    assert (lines[-1]["run"], lines[-1]["digest"]) == (run.folder.name, sha256(attestation))
    (tmp_path / "ledger.jsonl").write_text(on_host("api-1", "cat", LEDGER) + "\n")
    options = ("--signers", str(key.with_name("signers")), "--ledger", str(tmp_path / "ledger.jsonl"))
    status, said = verify(run, *options)
    assert (status, said.splitlines()[-1]) == (0, f"as it says: {run.folder.name}"), said
    assert "by gate@example.com" in said
    assert "judged again" in said


def test_a_deploy_that_went_back_is_as_it_says(gate: Gate, key: Path) -> None:
    run = gate("--deploy", "backend=vox-backend-2026.06.23-1", "--sign-key", str(key))
    assert run.status == 11, run.said
    status, said = verify(run, "--signers", str(key.with_name("signers")))
    assert (status, "way back" in said) == (0, True), said


def test_a_ledger_that_was_cut_or_edited_is_said(gate: Gate) -> None:
    """By the history, which is not whole then, and by whatever else looks."""
    before = on_host("api-1", "cat", LEDGER)
    rows = before.splitlines()
    assert gate("--history", "-q").status == 0
    edited = [*rows[:-3], rows[-3].replace('"event"', '"event" '), *rows[-2:]]
    for changed, words in (
        (edited, "is not what was written"),
        ([*rows[:-3], *rows[-2:]], "is gone"),
        (rows[:1], "its last lines are gone"),
    ):
        script = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
        on_host("api-1", "python3", "-c", script, LEDGER, "".join(f"{row}\n" for row in changed))
        try:
            told = gate("--history", "-q")
            assert (told.status, "the ledger of backend-api-1 was cut or edited" in told.said) == (7, True), told.said
            assert words in told.said
            look = gate("-m", "dialler")
            assert any("the ledger of backend-api-1 was cut or edited" in note for note in look.verdict["notes"])
        finally:
            on_host("api-1", "python3", "-c", script, LEDGER, f"{before}\n")
    assert gate("--history", "-q").status == 0
