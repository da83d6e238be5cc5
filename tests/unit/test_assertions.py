"""Which assertions of the rules a run of the tests saw failing: it is noted by all processes, and what none saw fails the run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import assertions
from voxgate.contracts.catalogue import FOLDER

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''
def test_x(host):
    """What is said here is no message."""
    kind = "some words" if host == "another word" else f"of {host}"
    assert host is not None
    if not host:
        raise Blind("nobody looked here", where=host)
    assert not kind, say(f"{host}: {kind} is `{'not so' if kind else ''}`; end it", "stop it at once")
'''


def test_what_is_to_be_seen_is_each_assertion_with_a_message_and_each_text_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "test_made_up.py").write_text(SOURCE, "utf-8")
    monkeypatch.setattr(assertions, "FOLDER", tmp_path)
    found = {one.text: (one.lines.start, one.parts) for one in assertions.of_file("test_made_up.py")}
    assert found == {
        "some words": (4, ("some words",)),
        "nobody looked here": (7, ("nobody looked here",)),
        "assert not kind": (8, ()),
        "{}: {} is `{}`, end it": (8, (": ", " is `", "`, end it")),
        "stop it at once": (8, ("stop it at once",)),
    }


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("a: b is `c`, end it", True),
        ("x, a: b is `c`, end it; and more", True),
        ("a: b is `c`", False),
        ("a, end it: b is `c`", False),
        ("a: b is\n `c`, end it", False),
    ],
)
def test_a_text_is_seen_where_all_of_it_stands_in_one_line(said: str, *, seen: bool) -> None:
    one = assertions.Assertion("f", "g", "", range(0), (": ", " is `", "`, end it"))
    assert one.is_in(said) is seen


def test_an_assertion_without_a_message_is_for_the_type_checker_alone() -> None:
    """It is none that a rule ends with: nobody would know what was found."""
    for path in sorted(FOLDER.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Assert) and node.msg is None:
                said = ast.unparse(node.test)
                assert re.fullmatch(r"\w[\w.]* is not None( and \w[\w.]* is not None)*", said), (
                    f"{path.name}:{node.lineno}: {said}"
                )


def run(*words: str) -> tuple[int, str]:
    """Unit tests of the deploy's rules alone, as ``make unit`` runs all of them."""
    argv = [sys.executable, "-m", "pytest", "tests/unit/suites/test_deploy_rules.py", "-q", "--assertions", "check", *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_run_that_did_not_see_each_of_them_fails() -> None:
    status, said = run("-n", "1")
    assert status == 1
    assert "passed" in said
    assert "never seen failing, in test_good_examples_pass: schemas/examples/{} has no valid example" in said
    assert assertions.HINT in said
    assert "suites/test_deploy.py" not in said, "what a worker saw was seen"


def test_a_part_of_the_tests_need_not_see_them() -> None:
    assert run("-k", "roll")[0] == 0
