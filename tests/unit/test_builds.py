"""The builder as it is asked on a host: which programs run for a release, what is handed over, what is said, and how it ends.

All of it runs: ``sudo`` starts the build here as the unit would, and uv, npm and node are scripts that note how they were called.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.built import BUILDER, builder

CODE = """\
import runpy, sys
main = runpy.run_path(sys.argv[1])["main"]
top, opt = sys.argv[2:4]
main.__globals__.update(HOME=top + "/spool", OPT=opt, PATH=top + "/bin:/usr/bin:/bin", UV_SETTINGS=top + "/uv.toml")
sys.exit(main(sys.argv[4:]))
"""
SUDO = """\
#!/bin/sh
echo "sudo $*" >>{top}/ran
case "$3" in restart) exec {python} -c "$CODE" {builder} {top} {top}/bound build one ;; esac
"""
NOTES = '#!/bin/sh\necho "${{0##*/}} $*" >>{top}/ran\n'
ASKED = "sudo -n /usr/bin/systemctl restart voxgate-build@one.service"
SYNC = "uv sync --locked --no-dev --no-build"
VENV = "mkdir -p .venv && echo one >.venv/one\n"
DIST = 'case "$1" in run) mkdir -p dist && echo page >dist/index.html ;; esac\n'
NPM = "npm ci --no-audit --no-fund --loglevel=error"


class Host:
    """A host with the service ``one``: its checkout, the folders of its build, and the programs that all have. A build sees
    ``bound`` where its unit binds its tree into /opt.
    """

    def __init__(self, top: Path) -> None:
        self.top, self.folder, self.build = top, top / "opt/one", top / "spool/one"
        for one in ("opt/one", "bound/one", "bin", "home", "spool/one/in", "spool/one/out", "spool/one/cache"):
            (top / one).mkdir(parents=True)
        (self.build / "tree").symlink_to(top / "bound/one")
        self.program("sudo", "", SUDO)
        self.git("init", "--quiet")

    def program(self, name: str, does: str, head: str = NOTES) -> None:
        """A program of the host's, that notes how it was called."""
        path = self.top / "bin" / name
        path.write_text(head.format(top=self.top, python=sys.executable, builder=BUILDER) + does)
        path.chmod(0o755)

    def git(self, *words: str) -> str:
        """What git says in the checkout."""
        env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}
        who = {f"GIT_{role}_{what}": "a@vox.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(["git", "-C", self.folder, *words], env=env | who, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        """A release of these files; its commit."""
        for name, text in files.items():
            (self.folder / name.replace("_", ".")).write_text(text)
        self.git("add", *(name.replace("_", ".") for name in files))
        self.git("commit", "--quiet", "--allow-empty", "-m", "release")
        return self.git("rev-parse", "HEAD")

    def asked(self, *words: str) -> tuple[int, str, str]:
        """What the builder is asked for: its exit status, and what it says on both ways."""
        (self.top / "ran").unlink(missing_ok=True)
        done = subprocess.run(self.argv(*words), env=self.env, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def argv(self, *words: str) -> list[str]:
        """How it is asked."""
        return [
            sys.executable,
            "-c",
            CODE,
            str(BUILDER),
            str(self.top),
            str(self.top / ("bound" if words[0] == "build" else "opt")),
            *words,
        ]

    @property
    def env(self) -> dict[str, str]:
        """And with which environment: of the home nothing is known."""
        return {"PATH": f"{self.top}/bin:{os.environ['PATH']}", "HOME": f"{self.top}/home", "CODE": CODE}

    @property
    def ran(self) -> list[str]:
        """How programs were called, in this order, since it was asked last."""
        return (self.top / "ran").read_text().splitlines() if (self.top / "ran").exists() else []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_what_is_locked_is_installed_once(host: Host) -> None:
    """Until the lock is another one, or somebody touched what was handed over."""
    host.program("uv", VENV)
    commit = host.commit(uv_lock="version = 1\n")
    assert host.asked("install", "python", "one", commit) == (0, "", "")
    assert host.ran == [ASKED, SYNC]
    assert (host.folder / ".venv/one").read_text() == "one\n"
    assert host.asked("install", "python", "one", commit) == (0, "as it was: the lock is the same\n", "")
    assert host.ran == []
    other = host.commit(code_py="x = 1\n")
    assert host.asked("install", "python", "one", other)[1] == "as it was: the lock is the same\n"
    (host.folder / ".venv/one").write_text("evil\n")
    assert host.asked("install", "python", "one", commit) == (0, "", "")
    assert (host.folder / ".venv/one").read_text() == "one\n"
    host.asked("install", "python", "one", host.commit(uv_lock="version = 1\n# another\n"))
    assert host.ran == [ASKED, SYNC]


def test_a_build_is_told_what_it_builds_and_sees_its_own_folders_alone(host: Host) -> None:
    sees = f"pwd >>{host.top}/ran\ngit rev-parse HEAD >>{host.top}/ran\nenv | sort >{host.top}/env\n"
    host.program("uv", f"{sees}flock -n {host.build}/in/lock echo free\n{VENV}")
    commit = host.commit(uv_lock="version = 1\n")
    assert host.asked("install", "python", "one", commit, "--offline")[0] == 0
    assert host.ran == [ASKED, "uv sync --locked --no-dev --offline --no-build", f"{host.top}/bound/one", commit]
    assert json.loads((host.build / "in/request.json").read_text()) == {
        "do": "install", "kind": "python", "commit": commit, "offline": True, "given": {},
    }  # fmt: skip
    env = dict(line.split("=", 1) for line in (host.top / "env").read_text().splitlines() if "=" in line)
    wanted = {
        "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "CI": "true",
        "PATH": f"{host.top}/bin:/usr/bin:/bin:{host.build}/in/tools/bin", "UV_CACHE_DIR": f"{host.build}/cache/uv",
        "UV_LINK_MODE": "copy", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON_PREFERENCE": "only-system",
        "npm_config_cache": f"{host.build}/cache/npm",
    }  # fmt: skip
    assert {name: env[name] for name in wanted} == wanted
    assert env["HOME"].startswith("/tmp/"), "what it leaves there is gone with its sandbox"  # noqa: S108 - the sandbox's own
    assert "free" not in (host.build / "out/said").read_text(), "another build could begin meanwhile"
    other = host.commit(uv_lock="version = 2\n")
    assert host.asked("prove", "python", "one", other)[0] == 0
    assert host.ran[-2:] == [f"{host.top}/bound/one", other]


NO_BUILD = "Building source distributions is disabled"
FROM_SOURCE = {
    "its name is said by both": ("Distribution `audioop-lts==0.2` ..: " + NO_BUILD, "   Built audioop-lts==0.2", "audioop-lts"),
    "of several each once": ("distribution `b==1` and Distribution `a.x==1`: --no-build", "   Built c @ file:///x", "a.x, b, c"),
    "of none the name is said": (NO_BUILD.lower(), "x Built y", "a package"),
}


@pytest.mark.parametrize("how", FROM_SOURCE)
def test_what_has_no_wheel_is_built_and_named(host: Host, how: str) -> None:
    refused, built, names = FROM_SOURCE[how]
    host.program("uv", f"case \"$*\" in *--no-build) echo '{refused}' >&2; exit 2 ;; esac\necho '{built}' >&2\n{VENV}")
    said = host.asked("install", "python", "one", host.commit(uv_lock="version = 1\n"))
    assert said == (0, f"builds {names} from source\n", "")
    assert host.ran == [ASKED, SYNC, "uv sync --locked --no-dev"]
    host.program("uv", f"case \"$*\" in *--no-build) echo '{refused}' >&2; exit 2 ;; esac\necho no compiler >&2; exit 1\n")
    said = host.asked("install", "python", "one", host.commit(uv_lock="version = 2\n"))
    assert said == (1, "", "no compiler\n\n"), "what was tried first says nothing of it"


def test_what_is_made_of_more_than_its_lock_is_always_built(host: Host) -> None:
    host.program("uv", VENV)
    commit = host.commit(uv_lock='[[package]]\nsource = { directory = "x" }\n')
    for _ in range(2):
        assert host.asked("install", "python", "one", commit) == (0, "", "")
        assert host.ran == [ASKED, SYNC]
    assert not (host.build / "in/handed.json").exists()


def test_what_fails_says_its_last_words_and_is_not_handed_over(host: Host) -> None:
    host.program("uv", f'{VENV}printf "at length\\n[stderr]\\nno compiler\\n\\n  hint: x\\n" >&2; exit 2\n')
    (host.folder / ".venv").mkdir()
    assert host.asked("install", "python", "one", host.commit(uv_lock="version = 1\n")) == (2, "", "\nno compiler\n")
    assert host.ran == [ASKED, SYNC]
    assert list((host.folder / ".venv").iterdir()) == []
    assert not (host.build / "in/handed.json").exists()


def test_after_a_failure_nothing_counts_as_handed_over(host: Host) -> None:
    host.program("uv", VENV)
    good = host.commit(uv_lock="version = 1\n")
    host.asked("install", "python", "one", good)
    host.program("uv", "exit 1\n")
    host.asked("install", "python", "one", host.commit(uv_lock="version = 2\n"))
    host.program("uv", VENV)
    assert host.asked("install", "python", "one", good) == (0, "", "")
    assert host.ran == [ASKED, SYNC]


def test_a_build_that_leaves_nothing_is_an_error(host: Host) -> None:
    host.program("uv", "")
    said = host.asked("install", "python", "one", host.commit(uv_lock="version = 1\n"))
    assert said == (70, "", "error: the build left no folder .venv: No such file or directory\n")


SCRIPTS = {
    "none": ({}, ["--ignore-scripts"], ""),
    "of another system": ({"node_modules/x": {"hasInstallScript": True, "os": ["darwin"]}}, ["--ignore-scripts"], ""),
    "of two": (
        {"node_modules/b": {"hasInstallScript": True},
         "node_modules/b/node_modules/a": {"hasInstallScript": True, "os": ["linux"]}},
        [], "runs install scripts of a, b\n",
    ),
    "its own": ({"": {"hasInstallScript": True}}, [], "runs install scripts of the release\n"),
}  # fmt: skip


@pytest.mark.parametrize("scripts", SCRIPTS)
@pytest.mark.parametrize("more", [[], ["--offline"]], ids=["online", "offline"])
def test_a_page_is_built_and_handed_over_beside_the_one_that_is_served(host: Host, scripts: str, more: list[str]) -> None:
    packages, words, note = SCRIPTS[scripts]
    host.program("npm", DIST)
    commit = host.commit(**{"package-lock_json": json.dumps({"packages": packages})})
    assert host.asked("install", "static", "one", commit, *more) == (0, note, "")
    assert host.ran == [ASKED, " ".join([NPM, *more, *words]), "npm run build"]
    assert (host.folder / "builds/.next/index.html").read_text() == "page\n"
    assert host.asked("install", "static", "one", commit)[0] == 0
    assert host.ran[-1] == "npm run build", "a page is always built"
    assert not (host.build / "in/handed.json").exists()


def test_without_its_packages_no_page_is_built(host: Host) -> None:
    host.program("npm", "exit 3\n")
    assert host.asked("install", "static", "one", host.commit(**{"package-lock_json": "{}"})) == (3, "", "\n")
    assert host.ran == [ASKED, f"{NPM} --ignore-scripts"]


DRY = "uv sync --locked --offline --dry-run --no-dev"
PROOFS = {
    "all is there": ("echo Would install one >&2", "", 0, [DRY]),
    "something is not": ("echo Would download 1 package >&2", "", 3, [DRY]),
    "it fails": ("echo Would download 1 package >&2; exit 2", "", 2, [DRY]),
    "a source of its own is built": (
        VENV,
        '[[package]]\nsource = { directory = "x" }\n',
        0,
        [SYNC.replace("-dev", "-dev --offline")],
    ),
}


@pytest.mark.parametrize("how", PROOFS)
def test_a_proof_is_what_uv_says_without_a_network(host: Host, how: str) -> None:
    does, lock, status, ran = PROOFS[how]
    host.program("uv", f"{does}\n")
    assert host.asked("prove", "python", "one", host.commit(uv_lock=lock))[:2] == (status, "")
    assert host.ran == [ASKED, *ran]
    assert not (host.folder / ".venv").exists()


def test_what_git_does_not_have_is_not_asked_for(host: Host) -> None:
    host.commit()
    status, _, said = host.asked("prove", "python", "one", "a" * 40)
    assert (status, said.splitlines()[-1]) == (70, "error: git does not have the commit")
    assert host.ran == []


def test_the_programs_of_a_build_are_tried_each_with_its_version_and_place(host: Host) -> None:
    host.program("node", "echo v24.1.0")
    host.program("npm", "echo 11.2.0; echo more")
    said = host.asked("tools", "static", "one", "a" * 40)
    assert said == (0, f"node 24.1.0 in {host.top}/bin/node; npm 11.2.0 in {host.top}/bin/npm\n", "")
    assert host.ran == [ASKED, "node --version", "npm --version"]
    host.program("uv", "")
    assert host.asked("tools", "python", "one", "a" * 40)[1] == f"uv ? in {host.top}/bin/uv\n"
    host.program("node", "echo no such library >&2; exit 4")
    assert host.asked("tools", "static", "one", "a" * 40) == (4, "", "no such library\n\n")
    assert host.ran == [ASKED, "node --version"]


@pytest.mark.parametrize(
    ("words", "said"), [(["install", "go", "one", "a" * 40], "go one " + "a" * 40), (["prove", "python", "one"], "python one")]
)
def test_what_is_no_build_is_refused_before_anything(host: Host, words: list[str], said: str) -> None:
    assert host.asked(*words) == (70, "", f"error: no such build: {said}\n")
    assert not (host.build / "in/lock").exists()


@pytest.mark.parametrize(
    ("does", "why"), [("echo no  tty >&2; exit 1", "no tty"), ("exit 5", "exit 5"), ("printf %05000d 0 >&2; exit 1", "0" * 4096)]
)
def test_a_unit_that_cannot_be_started_says_why(host: Host, does: str, why: str) -> None:
    host.program("sudo", does)
    said = host.asked("tools", "python", "one", "a" * 40)
    assert said == (70, "", f"error: {ASKED}: {why}\n")


RESULTS: dict[str, tuple[dict[str, Any], str, tuple[int, str, str]]] = {
    "nothing": ({}, "", (70, "", "error: the build left no result; it said: nothing\n")),
    "words alone": ({}, "x" * 4097, (70, "", f"error: the build left no result; it said: {'x' * 4096}\n")),
    "a note": ({"exit": 0, "note": "a\n b" + "c" * 300}, "words", (0, f"a b{'c' * 197}\n", "")),
    "the highest status": ({"exit": 255}, "b\n" * 9 + "a\n" * 4096, (255, "", "a\n" * 4095 + "\n")),
}


@pytest.mark.parametrize("left", RESULTS)
def test_what_a_build_left_is_read_as_text_of_anybodys(host: Host, left: str) -> None:
    result, words, said = RESULTS[left]
    (host.build / "out/result.json").write_text(json.dumps(result))
    (host.build / "out/said").write_text(words)
    host.program("sudo", "")
    assert host.asked("tools", "python", "one", "a" * 40) == said


def test_who_is_ended_ends_the_build(host: Host) -> None:
    """The unit is root's: nobody would end it else."""
    does = (
        f'case "$3" in restart) echo $$ >{host.top}/pid; kill -TERM $PPID; exec sleep 600 ;; esac; kill $(cat {host.top}/pid)\n'
    )
    host.program("sudo", does)
    done = subprocess.Popen(host.argv("tools", "python", "one", "a" * 40), env=host.env, start_new_session=True)
    assert done.wait(60) == 128 + signal.SIGTERM
    assert host.ran == [ASKED, ASKED.replace("restart", "stop")]


def test_a_build_that_is_stopped_hears_it(host: Host) -> None:
    """The first process of its namespace hears no signal that it does not ask for."""
    host.program("uv", "kill -TERM $PPID; while kill -0 $PPID; do :; done\n")
    (host.build / "in/tree").mkdir()
    (host.build / "in/request.json").write_text('{"do": "install", "kind": "python", "offline": false, "given": {}}')
    assert host.asked("build", "one")[0] == 128 + signal.SIGTERM
    assert not (host.build / "out/result.json").exists()


def test_where_a_copy_was_given_its_own_place_is_told(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "HOME", str(host.top / "spool"))
    monkeypatch.setattr(builder, "OPT", str(host.top / "opt"))
    monkeypatch.setattr(builder, "PATH", f"{host.top}/bin:/usr/bin:/bin")
    host.program("uv", "echo uv 0.9.9 of a day")
    (host.build / "in/request.json").write_text(
        '{"do": "tools", "kind": "python", "given": {"uv": "/home/x/uv"}, "offline": true}'
    )
    builder.Build("one").whole()
    assert builder.outcome("one") == (0, "uv 0.9.9 in /home/x/uv", "uv 0.9.9 of a day\n")
