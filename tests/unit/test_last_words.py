"""What a failed command's words come down to: the line that says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from voxgate.deploy.hosts.executor import last_words
from voxgate.transport.clients.npm import node_and_npm
from voxgate.transport.ssh.connection import Completed


def of(stderr: bytes, stdout: bytes = b"") -> str:
    return last_words(Completed(1, stdout, stderr, 0.0))


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("throw new TypeError('no such voice')", "TypeError: no such voice"),
        ("throw new Error('stamp: no version')", "Error: stamp: no version"),
        ("require('./gone')", "Error: Cannot find module './gone'"),
        ("Promise.reject(new RangeError('too far'))", "RangeError: too far"),
    ],
)
def test_a_node_program_that_throws_says_what(tmp_path: Path, code: str, wanted: str) -> None:
    """Its last line is its own version."""
    (tmp_path / "tool.js").write_text(code)
    program, _ = node_and_npm()
    said = subprocess.run([program, "tool.js"], cwd=tmp_path, capture_output=True, check=False)
    assert said.returncode != 0
    assert said.stderr.decode().strip().splitlines()[-1].startswith("Node.js v")
    npm = b"npm error code 1\nnpm error path /x\n"
    assert of(said.stderr) == of(said.stderr + npm) == wanted


def test_a_python_program_that_raises_says_what() -> None:
    said = subprocess.run([sys.executable, "-c", "import no_such_package"], capture_output=True, check=False)
    assert of(said.stderr) == "ModuleNotFoundError: No module named 'no_such_package'"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (b"warning: x\nerror: Failed to build a\n  Caused by: y\n", "error: Failed to build a"),
        (b"fatal: unable to access\n", "fatal: unable to access"),
        (
            b'error during build:\nCould not resolve "./x" from "src/main.js"\n  at a\n',
            'error during build: Could not resolve "./x" from "src/main.js"',
        ),
        (
            b"src/a.ts(3,1): error TS2304: Cannot find name 'x'.\nnpm error code 2\n",
            "src/a.ts(3,1): error TS2304: Cannot find name 'x'.",
        ),
        (b"errors were few\nsh: 1: tsc: not found\n", "sh: 1: tsc: not found"),
        (b"\n\n", "it said nothing"),
    ],
)
def test_the_line_that_says_why_is_taken(words: bytes, wanted: str) -> None:
    assert of(words) == of(b"", words) == wanted
