"""What a release brings, by the gate's own mirror: real repositories, and what a hostile one writes into history and locks."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.unit.forges import ALONE, LAB, WHO, Forge, git
from voxgate.contracts.schemas import schema
from voxgate.deploy.run_context import Options
from voxgate.errors import ContractError
from voxgate.model.content import SHOWN, Commits, Content, Direction, Files, Package, Packages, Settings
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.report.verdict.content import content_of, content_row
from voxgate.transport.clients.locks import LOCK_AT_MOST, packages_in

HOSTILE = "<b>@channel</b> [x](https://evil) `$(reboot)` \x1b[2J\u202e"


def uv_lock(**versions: str) -> str:
    own = '[[package]]\nname = "vox-backend"\nversion = "9.9"\nsource = { editable = "." }\n'
    rows = [
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "r" }}\n'
        for name, version in versions.items()
    ]
    return "version = 1\n\n" + "\n".join([own, *rows])


def npm_lock(**versions: str) -> str:
    rows = {f"node_modules/{name}": {"version": version} for name, version in versions.items()}
    inner = {
        "node_modules/a/node_modules/vite": {"version": "6.0.0"},
        "node_modules/ours": {"link": True},
        "tools/x": {"version": "1"},
    }
    return json.dumps({"lockfileVersion": 3, "packages": {"": {"version": "9.9"}, **rows, **inner}})


def content(here: Forge, good: Release | None, *, back: Release | None = None) -> Content:
    """What the newest release brings, or the one that is gone back to, as the gate's plan knows it."""
    name = here.service
    gate = here.gate(Options(rollback=(f"{name}={back.tag}",)) if back else None, good)
    gate.plan()
    return gate.contents[name]


def test_a_release_is_told_by_commits_files_packages_and_settings(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    (here.work / "uv.lock").write_text(uv_lock(httpx="0.27.0", anyio="4.0", gone="1.0"))
    (here.work / ".env.example").write_text("# LOG=1\nREDIS_URL=secret-1\nOLD=x\n")
    (here.work / "old.py").write_text("1\n")
    old = here.release()
    (here.work / "uv.lock").write_text(uv_lock(httpx="0.28.1", anyio="4.0", new="2.0"))
    (here.work / ".env.example").write_text("REDIS_URL=secret-2\n  export LOG_LEVEL = secret-3\n")
    (here.work / "old.py").unlink()
    (here.work / "fresh.py").write_text("1\n")
    git(here.work, "add", "-A")
    git(here.work, "commit", "-q", "-m", f"{HOSTILE}\n\nbody")
    new = here.release()
    found = content(here, old)
    assert (found.way, found.why) == (Direction.FORWARD, "")
    assert (found.brought.count, found.taken) == (2, Commits())
    last, first = found.brought.shown
    assert (last.commit, last.subject, last.author) == (new.commit, new.tag, "t")
    assert last.url == f"https://bitbucket.org/vox/vox-backend/commits/{new.commit}"
    assert first.subject == "<b>@channel</b> [x](https://evil) `$(reboot)` \\x1b[2J\\u202e"
    assert found.files == Files(1, 2, 1)
    packages = (
        Package("uv.lock", "gone", "1.0", None),
        Package("uv.lock", "httpx", "0.27.0", "0.28.1"),
        Package("uv.lock", "new", None, "2.0"),
    )
    assert found.packages == Packages(3, packages)
    assert found.settings == Settings(".env.example", ("LOG_LEVEL",), ("OLD",), (), ("LOG_LEVEL",))
    assert found.line == "2 commits, 4 files, 3 packages, new in .env.example: LOG_LEVEL"
    assert "secret" not in repr(found)
    # And back again: the same is taken away.
    back = content(here, new, back=old)
    assert (back.way, back.brought, back.taken.count, back.files) == (Direction.BACK, Commits(), 2, Files(1, 2, 1))
    assert back.packages.shown[1] == Package("uv.lock", "httpx", "0.28.1", "0.27.0")
    assert back.settings == Settings(".env.example", ("OLD",), ("LOG_LEVEL",), (), ("OLD",))
    assert back.line.startswith("takes 2 commits back, 4 files, 3 packages")


@pytest.mark.parametrize(
    ("size", "told"), [(1 << 20, Settings(".env.example", ("B",), ("A",), (), ("B",))), ((1 << 20) + 1, Settings())]
)
def test_an_example_of_settings_is_read_up_to_a_size(forge: Callable[[str], Forge], size: int, told: Settings) -> None:
    here = forge("backend")
    (here.work / ".env.example").write_text("A=1\n")
    old = here.release()
    (here.work / ".env.example").write_text("B=1\n".ljust(size, "#"))
    here.release()
    assert content(here, old).settings == told


def test_of_new_settings_it_is_told_what_the_estate_says_of_them(forge: Callable[[str], Forge]) -> None:
    """What services.toml requires each host must have; what it does not know none may have yet."""
    here = forge("backend")
    (here.work / ".env.example").write_text("MONGODB_URI=\n")
    old = here.release()
    (here.work / ".env.example").write_text("MONGODB_URI=\nJWT_SECRET=\nREDIS_URL=\nNOBODYS=\n")
    here.release()
    found = content(here, old)
    assert found.settings == Settings(
        ".env.example", ("JWT_SECRET", "NOBODYS", "REDIS_URL"), (), ("JWT_SECRET", "REDIS_URL"), ("NOBODYS",)
    )
    assert found.line.endswith("new in .env.example: JWT_SECRET, NOBODYS, REDIS_URL (JWT_SECRET, REDIS_URL required)")
    assert [line for line in found.lines() if "services.toml" in line] == [
        "of these services.toml requires JWT_SECRET, REDIS_URL: the .env of each host must have it",
        "of these services.toml does not know NOBODYS: no .env may have it before it does",
    ]
    assert content_of(content_row(found)) == found
    row = content_row(found)
    assert row is not None
    del row["settings"]["required"], row["settings"]["unknown"]  # as an earlier run wrote it
    assert content_of(row) is not None


def test_what_there_is_nothing_to_compare_with_is_said(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    (only,) = here.releases
    assert content(here, None).line == "the first deploy here: there is nothing to compare it with"
    assert content(here, only).line == "the same commit again"
    gone = content(here, Release("backend", "0" * 40, "vox-backend-2026.06.21-1"))
    assert gone.way is Direction.UNKNOWN
    assert gone.why == "the repository does not have vox-backend-2026.06.21-1 (000000000000) any more"


def test_a_release_that_what_ran_is_no_ancestor_of_is_said_to_be_so(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    git(here.work, "checkout", "-q", "-b", "side")
    git(here.work, "commit", "-q", "--allow-empty", "-m", "hotfix")
    git(here.work, "tag", "hotfix")
    git(here.work, "push", "-q", "origin", "side", "hotfix")
    side = Release("backend", git(here.work, "rev-parse", "HEAD"), None)
    git(here.work, "checkout", "-q", "main")
    new = here.release()
    found = content(here, side)
    assert (found.way, found.brought.count, found.taken.count) == (Direction.APART, 1, 1)
    assert [one.commit for one in (*found.brought.shown, *found.taken.shown)] == [new.commit, side.commit]
    assert "what ran is no ancestor of it: commits that ran are not in it" in found.lines()
    assert "1 commit that ran and is not in it" in found.line


def test_of_many_commits_and_packages_the_first_are_told_and_all_are_counted(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    old = here.releases[0]
    for number in range(SHOWN + 3):
        git(here.work, "commit", "-q", "--allow-empty", "-m", f"{number} " + "x" * 3000)
    (here.work / "uv.lock").write_text(uv_lock(**{f"p{number:03}": "1" * 3000 for number in range(SHOWN + 2)}))
    here.release()
    found = content(here, old)
    assert (found.brought.count, len(found.brought.shown)) == (SHOWN + 4, SHOWN)
    assert (found.packages.count, len(found.packages.shown)) == (SHOWN + 2, SHOWN)
    assert max(len(line) for line in found.lines()) < 600
    lines = list(found.lines(10))
    assert "and 44 more commits" in lines
    assert "and 42 more packages" in lines


def test_names_in_a_history_are_no_lines_and_no_fields_of_it(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    old = here.releases[0]
    tree = git(here.work, "rev-parse", "HEAD^{tree}")
    raw = f"tree {tree}\nparent {old.commit}\nauthor {HOSTILE[3:].replace('</b>', '')} <x> 1 +0000\ncommitter t <t> 1 +0000\n\n"
    argv = ["git", "-C", str(here.work), "hash-object", "-t", "commit", "-w", "--stdin"]
    body = raw.encode() + b"\xff\xfe caf\xe9\n"
    made = (
        subprocess.run(argv, input=body, capture_output=True, check=True, env={**os.environ, **WHO, **ALONE})
        .stdout.decode()
        .strip()
    )
    git(here.work, "reset", "-q", "--hard", made)
    here.release()
    last, first = content(here, old).brought.shown
    assert (last.author, first.commit) == ("t", made)
    assert "\x1b" not in first.author
    assert "\u202e" not in first.author
    assert "caf" in first.subject


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("a" + ".a" * 300_000 + " = 1\n", "cannot be read to its end"),
        ("a = " + "[" * 100_000, "no lock that can be read"),
        ("package = 3\n", "package is no list"),
        ("[[package]]\nversion = '1'\n", "a package has no name"),
        ("#" * (LOCK_AT_MOST + 1), "more than 8 MB"),
        ("<<<<<<< HEAD\n", "no lock that can be read"),
    ],
)
def test_a_lock_that_cannot_be_read_is_said_and_keeps_nothing_back(forge: Callable[[str], Forge], body: str, why: str) -> None:
    here = forge("backend")
    old = here.releases[0]
    (here.work / "uv.lock").write_text(body)
    here.release()
    found = content(here, old)
    (said,) = found.packages.unread
    assert why in said
    assert (found.way, found.brought.count, found.files.count) == (Direction.FORWARD, 1, 1)
    assert found.line.endswith("(a lock could not be read)")


def test_a_package_without_a_name_keeps_no_verdict_from_being_written(forge: Callable[[str], Forge]) -> None:
    """The deploy is promoted by then; without its verdict nobody is told of it."""
    here = forge("backend")
    old = here.releases[0]
    (here.work / "uv.lock").write_text('version = 1\n[[package]]\nname = ""\nversion = "1"\n', "utf-8")
    (here.work / "package-lock.json").write_text(json.dumps({"packages": {"node_modules/ ": {"version": ""}}}), "utf-8")
    here.release()
    found = content(here, old)
    assert [one.line for one in found.packages.shown] == ["(no name) added, 1", "(no name) added, "]
    told = {**schema("verdict")["$defs"]["content"], "$defs": schema("verdict")["$defs"]}
    Draft202012Validator(told).validate(content_row(found))


def test_what_stands_in_the_place_of_a_lock_or_an_example_is_none(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    old = here.releases[0]
    (here.work / "uv.lock").symlink_to("/etc/passwd")
    (here.work / ".env.example").symlink_to("/etc/passwd")
    for name in ("package-lock.json", ".env.sample"):
        (here.work / name).mkdir()
        (here.work / name / "x").write_text("x")
    here.release()
    found = content(here, old)
    assert (found.packages.count, len(found.packages.unread), found.settings.new) == (0, 1, ())


def test_the_console_s_lock_is_npm_s(forge: Callable[[str], Forge]) -> None:
    here = forge("console")
    (here.work / "package-lock.json").write_text(npm_lock(a="1.0.0", vite="7.0.0"))
    old = here.release()
    (here.work / "package-lock.json").write_text(npm_lock(a="1.0.0", vite="7.1.0"))
    here.release()
    assert content(here, old).packages == Packages(1, (Package("package-lock.json", "vite", "6.0.0, 7.0.0", "6.0.0, 7.1.0"),))


def test_what_npm_wrote_before_its_seventh_is_read_too() -> None:
    lock = {"lockfileVersion": 1, "dependencies": {"a": {"version": "1", "dependencies": {"b": {"version": "2"}}}}}
    assert packages_in("package-lock.json", json.dumps(lock).encode()) == {"a": "1", "b": "2"}
    with pytest.raises(ContractError, match="stands twice"):
        packages_in("package-lock.json", b'{"packages": {}, "packages": {}}')


@pytest.mark.parametrize("service", LAB.services, ids=lambda one: one.name)
def test_the_locks_of_real_services_are_read(service: Service) -> None:
    folder = Path(__file__).parents[2] / "lab" / "services" / service.repository
    (lock,) = [path for name in ("uv.lock", "package-lock.json") if (path := folder / name).exists()]
    found = packages_in(lock.name, lock.read_bytes())
    assert {"vite", "uvicorn"} & found.keys()
    assert service.repository not in found


def test_a_package_from_git_is_told_by_its_commit() -> None:
    lock = '[[package]]\nname = "x"\nversion = "1.0"\nsource = { git = "https://forge/x?rev=main#0123456789abcdef0123" }\n'
    assert packages_in("uv.lock", lock.encode()) == {"x": "1.0 @0123456789ab"}
