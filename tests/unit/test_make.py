"""The Makefile as a door: what is given to it from outside is text, whatever make and a shell would do with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GIVEN = ("ESTATE", "SERVICE", "TAG", "PYTEST_ARGS", "FAULT", "THING", "FORMAT", "PARTS", "PART", "TURN")
TARGETS = (
    "help",
    "gate",
    "plan",
    "recover",
    "history",
    "releases",
    "verify",
    "rollback",
    "report",
    "watch",
    "merge",
    "faults",
    "ordinary",
    "lint",
    "unit",
)
PAYLOADS = {
    "make's shell": "$(shell touch {mark})",
    "make's shell in braces": "${{shell touch {mark}}}",
    "make's shell in a variable": "$(eval y := $(shell touch {mark}))",
    "make's shell, kept for a make below": "$$(shell touch {mark})",
    "make's file": "$(file >{mark},x)",
    "the shell's": "$$(touch {mark})",
    "backticks": "`touch {mark}`",
    "a second command": "x; touch {mark}",
    "behind a quote": "'; touch {mark}; '",
    "behind two quotes": '"; touch {mark} #',
    "a second line": "x\ntouch {mark}",
    "a second line, made silent": "x\n@-touch {mark}\n",
    "a rule": "x\nhelp: ; touch {mark}\n",
    "a comment": "# $(shell touch {mark})",
    "a backslash": "\\$(shell touch {mark})\\",
}
ALONE = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
"""As typed by a person, where these tests are run by make themselves."""

UV = """\
#!{python}
import json, os, sys
row = [sys.argv[1:], {{name: os.environ.get(name) for name in {given}}}]
with open({log!r}, "a") as file:
    file.write(json.dumps(row) + "\\n")
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What is written by the ``uv`` of this test: a row for each start of it, its arguments and what it was given."""
    found, uv = tmp_path / "log", tmp_path / "uv"
    uv.write_text(UV.format(python=sys.executable, given=GIVEN, log=str(found)))
    uv.chmod(0o755)
    return found


def make(log: Path, *arguments: str, **environment: str) -> list[tuple[list[str], dict[str, str]]]:
    """Run make to its end with that ``uv``: what it started."""
    log.unlink(missing_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    argv = ["make", "--no-print-directory", f"UV={log.parent / 'uv'}", *arguments]
    done = subprocess.run(argv, cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return [tuple(json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("way", ["command line", "environment"])
def test_nothing_that_is_given_to_make_is_run(payload: str, way: str, log: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    evil = PAYLOADS[payload].format(mark=mark)
    for target in TARGETS:
        if way == "environment":
            started = make(log, target, **dict.fromkeys(GIVEN, evil))
        else:
            started = make(log, target, *(f"{name}={evil}" for name in GIVEN))
        assert not mark.exists(), target
        for _, given in started:
            assert given == dict.fromkeys(GIVEN, evil), target
        argv = started[-1][0] if started else []
        words = {
            "gate": f"{evil}={evil}",
            "rollback": f"{evil}={evil}",
            "verify": evil,
            "watch": evil,
            "merge": evil,
            "faults": evil,
            "ordinary": evil,
        }
        assert target not in words or argv[-1] == words[target], (target, argv)


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("target", ["gate", "help"])
def test_each_alone_is_text(name: str, target: str, log: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    evil = PAYLOADS["make's shell"].format(mark=mark)
    make(log, target, f"{name}={evil}", *([] if name == "ESTATE" else ["ESTATE=x"]))
    make(log, target, **({"ESTATE": "x"} | {name: evil}))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["gate", "service=backend"], "service=: there is no such variable", "say SERVICE"),
        (["gate", "SERVICES=backend"], "SERVICES=: there is no such variable", "say SERVICE"),
        (["verify", "ESTAET=production"], "ESTAET=: there is no such variable", "say ESTATE"),
        (["gate", "ANOTHER=$(shell touch {mark})"], "ANOTHER=: there is no such variable", "say one of ESTATE SERVICE TAG"),
        (["gate", "It's=1"], "It's=: there is no such variable", "say one of ESTATE SERVICE TAG"),
        (["gate", "backend"], "backend: there is no such target", "say SERVICE=backend"),
        (["gate", "verfy"], "verfy: there is no such target", "say verify"),
        (["gate", "$$(touch {mark})"], "there is no such target", "say one that make help lists"),
    ],
)
def test_what_is_typed_wrong_is_refused_before_anything_is_run(
    words: list[str], said: str, hint: str, log: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    argv = ["make", "--no-print-directory", f"UV={log.parent / 'uv'}", *(word.replace("{mark}", str(mark)) for word in words)]
    done = subprocess.run(argv, cwd=ROOT, env=ALONE, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, log.exists(), mark.exists()) == (2, "", False, False), done.stderr
    first, second = done.stderr.strip().splitlines()
    assert said in first
    assert second.startswith(f"  hint: {hint}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gate", "service=backend"], "service=: there is no such variable: say ESTATE, SERVICE or TAG"),
        (["gate", "backend"], "backend: there is no such target: say one of verify plan gate"),
    ],
)
def test_so_it_is_in_a_project_of_a_teams_own(words: list[str], said: str) -> None:
    argv = ["make", "-n", "-f", str(ROOT / "voxgate/cli/template/Makefile"), *words]
    done = subprocess.run(argv, cwd=ROOT, env=ALONE, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, said in done.stderr) == (2, "", True), done.stderr
    right = subprocess.run(
        [*argv[:4], "gate", "SERVICE=x", "TAG=y"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert "--deploy 'x=y'" in right.stdout


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("way", ["command line", "environment"])
def test_nothing_that_is_given_to_a_project_of_a_teams_own_is_run(payload: str, way: str, log: Path, tmp_path: Path) -> None:
    """Jenkins, say, gives make what anybody typed as a parameter of its job."""
    mark = tmp_path / "ran"
    evil = PAYLOADS[payload].format(mark=mark)
    given, typed = dict.fromkeys(("ESTATE", "SERVICE", "TAG"), evil), way == "command line"
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | ({} if typed else given)
    word = f"{evil}={evil}"
    for target, more in (("verify", []), ("gate", ["--deploy", word]), ("rollback", ["--rollback", word])):
        log.unlink(missing_ok=True)
        argv = ["make", "-f", str(ROOT / "voxgate/cli/template/Makefile"), target]
        argv += [f"{name}={value}" for name, value in given.items()] if typed else []
        done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert not mark.exists(), target
        if "\n" in evil:
            assert done.returncode, "of a line alone half a quote is left"
            continue
        assert done.returncode == 0, done.stderr
        (row,) = log.read_text().splitlines()
        assert json.loads(row)[0] == ["run", "pytest", "--estate", evil, *more]


def test_only_a_gate_builds_the_lab_and_what_looks_wants_it_there(log: Path) -> None:
    for target in ("plan", "recover", "history", "releases", "verify", "rollback", "report", "watch", "probe-update"):
        words = [argv[3:5] for argv, _ in make(log, target)]
        assert ["lab", "up"] not in words, target
        assert words[1] == ["lab", "status"], target
        assert ["lab", "status"] not in [argv[3:5] for argv, _ in make(log, target, "ESTATE=x")]


@pytest.mark.parametrize("name", ["HOME", "XDG_CACHE_HOME"])
def test_where_the_cache_is_is_text_as_well(name: str, log: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    make(log, "help", **{name: f"$(shell touch {mark})"})
    assert not mark.exists()


def test_the_usual_words_arrive(log: Path) -> None:
    def last(*arguments: str) -> list[str]:
        return make(log, *arguments)[-1][0][3:]

    door = ["python", "-m", "voxgate.cli.door"]
    assert last("gate", "ESTATE=x") == [*door, "--estate", "x", "--deploy", "all"]
    assert last("gate", "ESTATE=x", "SERVICE=backend", "TAG=main") == [*door, "--estate", "x", "--deploy", "backend=main"]
    assert last("rollback", "ESTATE=x", "SERVICE=fleet") == [*door, "--estate", "x", "--rollback", "fleet"]
    assert last("watch", "ESTATE=x") == ["voxgate", "watch", "--estate", "x", "--format", "nagios"]
    assert last("merge", "PARTS=a b") == ["voxgate", "merge", "a b"]
    assert [argv[3:] for argv, _ in make(log, "gate")][1:] == [["lab", "up"], [*door, "--estate", "lab", "--deploy", "all"]]


def door(arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``voxgate.cli.door`` with these words, and a pytest that says what it was given."""
    program = folder / "pytest"
    program.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    program.chmod(0o755)
    environment = {"PATH": str(folder), "PYTEST_ARGS": arguments}
    argv = [sys.executable, "-m", "voxgate.cli.door", "--estate", "x"]
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", []),
        ("-k 'a b' -x", ["-k", "a b", "-x"]),
        ("-m dialler\n--html never", ["-m", "dialler", "--html", "never"]),
        ("$(touch {mark}) `touch {mark}`; #", ["$(touch", "{mark})", "`touch", "{mark}`;", "#"]),
    ],
)
def test_the_words_of_pytest_args_are_words(arguments: str, words: list[str], tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    done = door(arguments.format(mark=mark), tmp_path)
    assert json.loads(done.stdout) == ["--estate", "x", *(word.format(mark=mark) for word in words)], done.stderr
    assert not mark.exists()


def test_a_quote_that_is_not_closed_is_one_line(tmp_path: Path) -> None:
    done = door("-k 'a b", tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "voxgate: PYTEST_ARGS cannot be read: no closing quotation\n  hint: close the quote\n"


@pytest.mark.parametrize("given", ["x\ntouch /y", "$(touch /y)", "`touch /y`", "a'b\"c", "#", "${HOME}", "\x1b[2J"])
def test_what_arrives_is_refused_in_one_line(given: str) -> None:
    for words in (
        ["--estate", given],
        ["--estate", "lab", "--deploy", f"backend={given}"],
        ["--estate", "lab", "--deploy", given],
    ):
        argv = [sys.executable, "-m", "pytest", "--plan", "-q", *words]
        done = subprocess.run(argv, cwd=ROOT, env=ALONE, capture_output=True, text=True, check=False, timeout=60)
        said = (done.stdout + done.stderr).strip().split("\n")
        assert (done.returncode in {4, 10}, len(said)) == (True, 2), said
        assert said[1].startswith("  hint: "), said
        assert all(line.isprintable() for line in said), said
