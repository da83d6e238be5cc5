"""pytest's own ways out, each with a secret in it: nothing of it comes out, whatever is captured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GIVEN = "canary environment plain words"
SECRETS = ("canary-printed", "canary-logged", "canary-parted", "canary-flushed", GIVEN)

LEAKY = """
import logging, os, sys

def test_that_talks():
    print("JWT_SECRET=canary-printed and", os.environ["DEPLOY_TOKEN"])
    print("password:", "canary-parted")
    sys.stderr.writelines(["api_key=", "canary-printed", chr(10)])
    print("token=canary-flushed", end="", flush=True)
    print()
    logging.getLogger("x").error("password: canary-logged, given %s", os.environ["DEPLOY_TOKEN"])
    print("it went on")
    sys.stdout.write("last words, token=canary-flushed")
"""


@pytest.mark.parametrize("how", [["-s"], ["--capture=tee-sys"], ["--capture=no", "-o", "log_cli=true"], ["-o", "log_cli=true"]])
def test_no_secret_leaves_pytest(how: list[str], tmp_path: Path) -> None:
    test, log = tmp_path / "test_leaky.py", tmp_path / "log"
    test.write_text(LEAKY)
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        str(ROOT / "pyproject.toml"),
        "-p",
        "no:cacheprovider",
        "-p",
        "voxgate.plugin.hooks",
    ]
    argv += [*how, f"--log-file={log}", "--log-level=INFO", str(test)]
    environ = {**os.environ, "DEPLOY_TOKEN": GIVEN, "PYTEST_ADDOPTS": "", "VOXGATE_ESTATE": ""}
    done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "password: [cut]" in log.read_text()
    assert ("last words, token=[cut]" in said) == (how != ["-o", "log_cli=true"]), said
    for secret in SECRETS:
        assert secret not in said + log.read_text(), secret
