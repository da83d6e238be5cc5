"""The probe on what stands around a service: packages, copies, jobs, secrets, sudo, stores."""

from __future__ import annotations

import base64
import grp
import hashlib
import importlib.util
import marshal
import os
import pwd
import re
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe

from .conftest import CANARY, ENV, env_of, git, service

SITE = ".venv/lib/python3.12/site-packages"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def mark(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


@pytest.fixture
def environment(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment with one distribution, all of it recorded."""
    monkeypatch.setattr(probe, "CACHE", str(place / "cache"))
    site = place / "app" / SITE
    (site / "good").mkdir(parents=True)
    (site / "good-1.0.dist-info").mkdir()
    (place / "app/.venv/bin").mkdir()
    (place / "app/.venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    (place / "app/.venv/lib64").symlink_to("lib")
    (place / "app/.venv/bin/python").symlink_to("/usr/bin/python3")
    (place / "app/.venv/bin/good").write_bytes(b"#!x\n")
    (site / "good/__init__.py").write_bytes(b"A = 1\n")
    (site / "good-1.0.dist-info/METADATA").write_bytes(b"Name: good\n")
    rows = [
        f"good/__init__.py,{mark(b'A = 1' + bytes([10]))},6",
        f"good-1.0.dist-info/METADATA,{mark(b'Name: good' + bytes([10]))},11",
        f"../../../bin/good,{mark(b'#!x' + bytes([10]))},4",
        "good-1.0.dist-info/RECORD,,",
    ]
    (site / "good-1.0.dist-info/RECORD").write_text("\n".join(rows) + "\n")
    return place / "app"


def bad(folder: Path) -> list[list[str]]:
    found: list[list[str]] = probe.packages(service(folder))["bad"]
    return found


def test_an_environment_as_installed_has_nothing_bad(environment: Path) -> None:
    found = probe.packages(service(environment))
    assert (found["distributions"], found["bad"], found["bad_count"]) == (1, [], 0)
    assert found["files"] == 7


def test_what_stands_for_the_environments_library_leads_to_it(environment: Path) -> None:
    """A Python that keeps packages in lib64 searches it before lib."""
    link = environment / ".venv/lib64"
    for target, good in ((f"{environment}/.venv/lib", True), ("/srv/other", False), ("../other", False), ("lib/..", False)):
        link.unlink()
        link.symlink_to(target)
        assert bad(environment) == ([] if good else [["lib64", "a link that no distribution owns"]])


def changed(folder: Path) -> float:
    """When the environment was changed last, by both that tell of it."""
    with probe.Folder(str(folder / ".venv")) as home:
        return float(max(probe.packages(service(folder))["changed"], probe.site_packages(home)[1]))


@pytest.fixture
def linked(environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment as uv makes it by default: its files are links from a cache; a look has seen it so."""
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    site, cache = environment / SITE, environment.parent / "uv-cache"
    cache.mkdir()
    (site / "six.py").write_bytes(b"B = 1\n")
    with (site / "good-1.0.dist-info/RECORD").open("a") as record:
        record.write(f"six.py,{mark(b'B = 1' + bytes([10]))},6\n")
    for number, path in enumerate((site / "good/__init__.py", site / "six.py", site / "good-1.0.dist-info/METADATA")):
        os.link(path, cache / str(number))
    assert bad(environment) == []
    return environment


def later(folder: Path, work: Callable[[], object]) -> None:
    """Do it at a time that files can tell from now."""
    clock, now = folder.parent / "clock", time.time()
    while not clock.exists() or clock.stat().st_ctime <= now:
        clock.write_text("")
    work()


@as_root
def test_a_cache_of_uv_s_that_is_cleaned_is_no_change_of_code(linked: Path) -> None:
    """Nor is one more environment that links to it. Each moves the ctime of all files that are linked."""
    cache, before = linked.parent / "uv-cache", changed(linked)
    moved = (linked / SITE / "six.py").stat().st_ctime
    later(linked, lambda: shutil.copytree(cache, f"{cache}.more", copy_function=os.link))
    assert (linked / SITE / "six.py").stat().st_ctime > moved
    assert changed(linked) == before
    later(linked, lambda: subprocess.run(["rm", "-r", cache, f"{cache}.more"], check=True))
    assert (linked / SITE / "six.py").stat().st_nlink == 1
    assert changed(linked) == before
    assert changed(linked) == before  # and in every look after that


@as_root
@pytest.mark.parametrize("kind", ["written", "another", "never linked", "not as installed"])
def test_what_is_changed_otherwise_is_told(linked: Path, kind: str) -> None:
    cache, module = linked.parent / "uv-cache", linked / SITE / "six.py"
    times = module.stat()

    def change() -> None:
        shutil.rmtree(cache)
        match kind:
            case "written":
                module.write_bytes(b"B = 1\n")
            case "another":
                shutil.copy2(module, linked / "new")
                (linked / "new").rename(module)
            case "never linked":
                os.utime(linked / ".venv/bin/good")
                os.utime(linked / ".venv/bin/good", ns=(times.st_atime_ns, times.st_mtime_ns))
            case _:
                module.write_bytes(b"B = 2\n")
                os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))

    before = changed(linked)
    later(linked, change)
    assert changed(linked) > before


@pytest.mark.parametrize(
    ("path", "content", "wrong"),
    [
        (f"{SITE}/good/__init__.py", b"A = 2\n", "is not as it was installed"),
        (f"{SITE}/evil.py", b"", "belongs to no distribution"),
        (f"{SITE}/zz.pth", b"import evil", "belongs to no distribution"),
        (f"{SITE}/sitecustomize.py", b"", "belongs to no distribution"),
        (f"{SITE}/_virtualenv.pth", b"import _virtualenv, evil", "belongs to no distribution"),
        (f"{SITE}/_virtualenv.pth", b"import posixd", "belongs to no distribution"),
        (f"{SITE}/_virtualenv.pth", b"_virtualenv.pthimport _virtualenv", "belongs to no distribution"),
        (f"{SITE}/_virtualenv.py", b"import contextlib\nimport os\nimport sys\n", "belongs to no distribution"),
        (f"{SITE}/evil/__pycache__/x.cpython-312.pyc", b"", "belongs to no distribution"),
        (".venv/bin/uvicorn", b"#!", "belongs to no distribution"),
        (".venv/lib/python3.12/sitecustomize.py", b"", "belongs to no distribution"),
    ],
)
def test_what_is_not_as_installed_is_named(environment: Path, path: str, content: bytes, wrong: str) -> None:
    (environment / path).parent.mkdir(parents=True, exist_ok=True)
    (environment / path).write_bytes(content)
    assert bad(environment) == [[path.removeprefix(".venv/"), wrong]]


def test_byte_code_of_an_owned_module_may_be_there(environment: Path) -> None:
    cache = environment / SITE / "good/__pycache__"
    cache.mkdir()
    (cache / "__init__.cpython-312.pyc").write_bytes(b"")
    assert bad(environment) == []


def forged(source: Path, code: str, more: str = "") -> None:
    """Byte code of other source, whose header says that it is of this one."""
    found = source.stat()
    head = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(found.st_mtime), found.st_size)
    cached = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}{more}.pyc"
    cached.parent.mkdir(exist_ok=True)
    cached.write_bytes(head + marshal.dumps(compile(code, str(source), "exec", dont_inherit=True)))


def test_byte_code_is_compared_with_what_its_source_makes(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    monkeypatch.setattr(probe, "nobody_elses", lambda _: os.geteuid())
    (environment / ".venv/bin/python").unlink()
    (environment / ".venv/bin/python").symlink_to(sys.executable)
    module = environment / SITE / "good/__init__.py"
    forged(module, "A = 1\n")
    assert bad(environment) == []
    forged(module, "A = 2\n")
    path = f"{SITE}/good/__pycache__/__init__.{sys.implementation.cache_tag}.pyc".removeprefix(".venv/")
    assert bad(environment) == bad(environment) == [[path, "is not the byte code of its source"]]
    os.utime(module, (1, 1))  # an import compiles it anew now
    assert bad(environment) == []


def test_whoever_forges_byte_code_has_no_word_about_it(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what compiles were to unmarshal what it is compared with, that could answer in its place."""
    monkeypatch.setattr(probe, "nobody_elses", lambda _: os.geteuid())
    (environment / ".venv/bin/python").unlink()
    (environment / ".venv/bin/python").symlink_to(sys.executable)
    given: list[bytes] = []
    run = probe.run

    def noting(*arguments: Any, **words: Any) -> Any:
        given.append(words.get("given") or b"")
        return run(*arguments, **words)

    monkeypatch.setattr(probe, "run", noting)
    forged(environment / SITE / "good/__init__.py", "SECRET_OF_THE_FORGER = 2\n")
    assert len(bad(environment)) == 1
    assert b"A = 1" in b"".join(given)
    assert b"SECRET_OF_THE_FORGER" not in b"".join(given)


def answering(program: Path, code: str) -> Path:
    """A program that stands in for Python and answers, whatever it is given, that this is what the one source makes."""
    made = base64.b64encode(marshal.dumps(compile(code, "x", "exec", dont_inherit=True))).decode()
    fields = "old" if sys.version_info < (3, 11) else "new"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\necho {importlib.util.MAGIC_NUMBER.hex()} {fields}\necho {made}\n")
    program.chmod(0o755)
    return program


@as_root
def test_byte_code_is_compared_by_a_python_of_roots_alone(
    place: Path, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is not root's: its owner says by a link what Python is, and once what he said was kept for good."""
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    python = environment / ".venv/bin/python"
    path = f"{SITE}/good/__pycache__/__init__.{sys.implementation.cache_tag}.pyc".removeprefix(".venv/")
    forged(environment / SITE / "good/__init__.py", "A = 2\n")
    liar = answering(place / "python3", "A = 2\n")
    shared = place / "uv/python/cpython-3.13.1-linux-x86_64-gnu/bin"
    shared.mkdir(parents=True)
    for program, owner in ((liar, 65534), (liar, 0), (answering(shared / "python3.13", "A = 2\n"), 65534)):
        os.chown(program, owner, owner)
        python.unlink()
        python.symlink_to(program)
        assert bad(environment) == [[path, "is not the byte code of its source"]], program
    cached = environment / ".venv" / path
    cached.write_bytes(b"\0\0\0\0" + cached.read_bytes()[4:])  # of another Python, says who is not believed
    with pytest.raises(probe.Trouble, match="its own Python would have to compare it, and not only root can change"):
        bad(environment)
    python.unlink()
    python.symlink_to("/usr/bin/python3")
    assert bad(environment) == []


@as_root
def test_what_one_python_compared_is_compared_again_by_another(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte code of another version is nothing to a Python, so what is kept is kept for that Python."""
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    ran: list[str] = []
    run = probe.run

    def noting(argv: list[str], *arguments: Any, **words: Any) -> Any:
        ran.append(argv[0])
        return run(argv, *arguments, **words)

    monkeypatch.setattr(probe, "run", noting)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    forged(environment / SITE / "good/__init__.py", "A = 1\n")
    assert bad(environment) == bad(environment) == []
    assert len(ran) == 1
    other = environment.parent / "python3"
    shutil.copy("/usr/bin/python3", other)
    (environment / ".venv/bin/python").unlink()
    (environment / ".venv/bin/python").symlink_to(other)
    assert bad(environment) == []
    assert len(ran) == 2


def test_what_is_no_byte_code_has_no_place_among_it(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "CACHE", str(checkout.parent / "cache"))
    monkeypatch.setattr(probe, "nobody_elses", lambda _: os.geteuid())
    (checkout / "one.py").write_text("A = 1\n")
    forged(checkout / "one.py", "A = 1\n")
    (checkout / "__pycache__/gone.cpython-312.pyc").write_bytes(b"of a module that a release removed")
    (checkout / "__pycache__/one.cpython-312.pyc.140223").write_bytes(b"being written")
    before = set(probe.checkout(service(checkout))["tree"])
    (checkout / "__pycache__/run.sh").write_text("git pull\n")
    forged(checkout / "one.py", "A = 2\n")
    found = probe.checkout(service(checkout))["tree"]
    names = {"__pycache__/run.sh", f"__pycache__/one.{sys.implementation.cache_tag}.pyc"}
    assert set(found) - before == names
    assert not any(path.startswith("__pycache__") for path in before)


def test_a_folder_whose_name_ends_as_that_of_byte_code_does_hides_nothing(checkout: Path) -> None:
    before = set(probe.checkout(service(checkout))["tree"])
    (checkout / "x__pycache__").mkdir()
    (checkout / "x__pycache__/job.cpython-312.pyc").write_bytes(b"print(1)")
    assert set(probe.checkout(service(checkout))["tree"]) - before == {"x__pycache__/job.cpython-312.pyc"}


@pytest.mark.parametrize(
    "planted", ["__init__.pyc", "job.pyc", "sub/job.pyc", "sub/__init__.cpython-312.pyc", "__pycache__/job.pyc"]
)
def test_a_module_among_byte_code_is_no_byte_code(checkout: Path, planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import needs no source for ``app.__pycache__.job``."""
    monkeypatch.setattr(probe, "CACHE", str(checkout.parent / "cache"))
    before = set(probe.checkout(service(checkout))["tree"])
    path = checkout / "app/__pycache__" / planted
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"code")
    assert set(probe.checkout(service(checkout))["tree"]) - before == {f"app/__pycache__/{planted}"}


@pytest.mark.parametrize("level", [1, 2, 3, 77])
def test_byte_code_is_compared_however_much_python_is_told_to_leave_out(
    checkout: Path, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``PYTHONOPTIMIZE=3`` an import takes ``one.cpython-312.opt-3.pyc``."""
    monkeypatch.setattr(probe, "CACHE", str(checkout.parent / "cache"))
    monkeypatch.setattr(probe, "nobody_elses", lambda _: os.geteuid())
    (checkout / "one.py").write_text("A = 1\n")
    path = f"__pycache__/one.{sys.implementation.cache_tag}.opt-{level}.pyc"
    for code, seen in (("A = 1\n", False), ("A = 2\n", True)):
        forged(checkout / "one.py", code, f".opt-{level}")
        assert (path in probe.checkout(service(checkout))["tree"]) == seen


def test_a_record_that_is_younger_than_its_distribution_is_named() -> None:
    record = "lib/good-1.0.dist-info/RECORD"
    born = {"lib/good.py": 100.0, "lib/good-1.0.dist-info/METADATA": 1000.0, record: 1000.0}
    assert [path for path, _ in probe.changed_later({record: list(born)}, born)] == [record]
    assert not list(probe.changed_later({record: list(born)}, {**born, record: 150.0}))


def test_the_words_of_jobs_are_followed_home(tmp_path: Path) -> None:
    script = tmp_path / "tidy"
    script.write_text("cd /x && git pull\n")
    for command in (f"0 3 * * * sh {script}", "0 3 * * * sh tidy", "0 3 * * * . ./tidy"):
        assert probe.movers(command, stands=(str(tmp_path),)) == {"git"}, command
    assert probe.movers(f"cat {script}") == set()
    script.chmod(0o755)
    assert probe.movers("0 3 * * * ./tidy", stands=(str(tmp_path),)) == {"git"}
    home = pwd.getpwuid(os.geteuid()).pw_dir
    me = probe.account(os.geteuid())
    assert probe.at_home(f"~/a $HOME/b ${{HOME}}/c ~{me}/d /x~/e", me) == f"{home}/a {home}/b {home}/c {home}/d /x~/e"


def test_what_a_container_may_do_besides_is_told() -> None:
    plain = {"Privileged": False, "PidMode": "", "IpcMode": "private", "CapAdd": None, "MaskedPaths": ["/proc/kcore"]}
    assert list(probe.rights_of(plain)) == []
    rich = {"Privileged": True, "PidMode": "host", "CapAdd": ["CAP_SYS_ADMIN"], "SecurityOpt": ["seccomp=unconfined"]}
    assert list(probe.rights_of(rich)) == ["privileged", "pid=host", "cap=SYS_ADMIN", "seccomp=unconfined"]


@as_root
def test_a_program_that_others_can_change_is_loose(tmp_path: Path) -> None:
    assert not list(probe.loose_of("/usr/bin/env"))
    program = tmp_path / "x"
    program.touch()
    program.chmod(0o757)
    assert str(program) in list(probe.loose_of(str(program)))


def test_a_module_that_is_gone_or_a_link_is_named(environment: Path) -> None:
    module = environment / SITE / "good/__init__.py"
    module.rename(environment.parent / "elsewhere.py")
    assert bad(environment) == [[f"{SITE}/good/__init__.py".removeprefix(".venv/"), "gone"]]
    module.symlink_to(environment.parent / "elsewhere.py")
    assert bad(environment) == [[f"{SITE}/good/__init__.py".removeprefix(".venv/"), "is no regular file"]]


def test_a_distribution_without_record_or_without_hashes_is_named(environment: Path) -> None:
    record = environment / SITE / "good-1.0.dist-info/RECORD"
    record.write_text("good/__init__.py,,\n" + record.read_text().partition("\n")[2])
    assert bad(environment) == [[f"{SITE}/good/__init__.py".removeprefix(".venv/"), "has no hash in RECORD"]]
    record.unlink()
    assert [f"{SITE}/good-1.0.dist-info".removeprefix(".venv/"), "has no RECORD"] in bad(environment)


@as_root
def test_a_hash_is_kept_and_a_change_with_the_same_size_and_mtime_is_seen(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    assert probe.packages(service(environment))["hashed"] == 3
    assert probe.packages(service(environment))["hashed"] == 0
    kept = environment.parent / f"cache/packages.{probe.name_of(str(environment))}.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    module = environment / SITE / "good/__init__.py"
    times = module.stat()
    module.write_bytes(b"B = 1\n")
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert bad(environment)[0][1] == "is not as it was installed"
    kept.write_text("{not json")
    assert bad(environment)[0][1] == "is not as it was installed"


@as_root
def test_a_cache_that_others_may_write_is_not_used(environment: Path) -> None:
    (environment.parent / "cache").mkdir(mode=0o777)
    (environment.parent / "cache").chmod(0o777)
    assert probe.packages(service(environment))["hashed"] == 3
    assert not list((environment.parent / "cache").iterdir())


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("* * * * * root cd /opt/x && git pull", {"git"}),
        ("/usr/bin/rsync -a a b", {"rsync"}),
        ("python3 -m pip install x", {"pip"}),
        ("sh -c 'uv sync'", {"uv"}),
        ("/usr/bin/git-shell", set()),
        ("cat /var/log/git.log /srv/git/x", set()),
        ("# git pull", set()),
        ("/usr/sbin/logrotate /etc/logrotate.conf", set()),
    ],
)
def test_the_movers_of_a_command(command: str, runs: set[str]) -> None:
    assert probe.movers(command) == runs


def test_movers_are_found_behind_scripts_and_other_names(tmp_path: Path) -> None:
    program = shutil.which("git")
    assert program
    copy = tmp_path / "harmless"
    shutil.copy(program, copy)
    assert probe.movers(f"{copy} x") == {"git"}
    inner, outer = tmp_path / "inner.sh", tmp_path / "outer"
    inner.write_text(f"#!/bin/sh\n{copy} pull\n")
    outer.write_text(f"#!/bin/sh\n# nothing\n. {inner}\n{outer}\n")
    assert probe.movers(f"* * * * * root {outer}") == {"git"}


def test_copies_are_found_whatever_they_are_called(checkout: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    subject = service(checkout)
    assert probe.copies([subject])["found"] == []
    git(place, "clone", "-q", str(checkout), "second")
    git(place, "clone", "-q", "--bare", str(checkout), "bare")
    git(place / "second", "worktree", "add", "-q", "../tree")
    git(place, "clone", "-q", str(checkout), "third")
    git(place / "third", "remote", "remove", "origin")
    found = {Path(row["path"]).name: row for row in probe.copies([subject])["found"] if row["kind"] != "project"}
    assert {name: row["kind"] for name, row in found.items()} == {
        "second": "checkout",
        "bare": "bare",
        "tree": "worktree",
        "third": "checkout",
    }
    assert found["second"]["names"] == ["vox-backend"]
    assert all(row["same"] == ["backend"] for row in found.values()), found


def test_a_copy_of_a_package_alone_is_found(checkout: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    (checkout / "vox_backend").mkdir()
    (checkout / "vox_backend/__init__.py").touch()
    assert probe.copies([service(checkout)])["found"] == []
    shutil.copytree(checkout / "vox_backend", place / "x/vox_backend")
    assert [(row["kind"], row["same"]) for row in probe.copies([service(checkout)])["found"]] == [("package", ["backend"])]


@pytest.mark.parametrize("left", ["__main__.py", "serve.pyc", "serve.cpython-313-x86_64-linux-gnu.so"])
def test_a_copy_of_a_package_needs_no_init(left: str, checkout: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python runs a folder of that name without one, and from byte code alone. What is no code is no copy."""
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    for path in (checkout / "vox_backend/__init__.py", place / "log/vox_backend/serve.log", place / "x/vox_backend" / left):
        path.parent.mkdir(parents=True)
        path.touch()
    assert [row["path"] for row in probe.copies([service(checkout)])["found"]] == [str(place / "x/vox_backend")]


def test_a_job_that_names_a_services_folder_is_told() -> None:
    folders = ("/opt/vox-backend", "/opt/vox")
    assert probe.movers("cp -r /tmp/new/. /opt/vox-backend/", folders) == {"/opt/vox-backend"}
    assert probe.movers("cp /x /opt/vox-backend2/y", folders) == set()


def test_every_folder_that_nginx_serves_is_read() -> None:
    text = 'server { root /a/b; }\n\tlocation /x { alias "/c/"; }\n# root /no;\nrewrite root x;\n'
    assert probe.ROOT.findall(probe.COMMENT.sub("", text)) == ["/a/b", "/c/"]


NGINX = {
    "/etc/nginx/nginx.conf": """user www-data; # { no block
http {
    include mime.types; include /etc/nginx/sites-enabled/*;
    server { listen 127.0.0.1:8081; location / { stub_status; } }
}
stream { server { listen 9; proxy_pass x; } }
""",
    "/etc/nginx/mime.types": "types { text/html html; }",
    "/etc/nginx/sites-enabled/vox": """server {
    listen 80 default_server; listen [::]:80 default_server;
    server_name _ "b.example" ~^(?<who>.+)\\.example$;
    location ~ "^/x{2}" { return 404 '{ "no": 1 }'; }
    include snippets/root.conf;
}
server { server_name api.example; location / { proxy_pass http://x; } }
""",
    "/etc/nginx/snippets/root.conf": "location /a/ { alias /srv/a/; }",
}


def test_each_server_of_nginx_is_told_with_what_it_includes() -> None:
    rows = [(row["listens"], row["names"], row["serves"]) for row in probe.nginx_sites(NGINX)]
    assert rows == [
        (["80", "[::]:80"], ["_", "b.example", "~^(?<who>.+)\\.example$"], True),
        (["80"], ["api.example"], False),
        (["127.0.0.1:8081"], [], False),
        (["9"], [], False),
    ]
    rooted = {"/n.conf": "http { root /srv; server { listen 80; } }"}
    assert [row["serves"] for row in probe.nginx_sites(rooted)] == [True]
    assert probe.nginx_sites({}) == []


HAPROXY = """
defaults
	default_backend usual
frontend calls
	bind 0.0.0.0:8100
	use_backend "canary" if { path /canary }
	default_backend workers # all the others
frontend nobody-comes-here
	default_backend hidden
listen stats
	bind :8404
listen closed
	server a 192.0.2.1:80
peers more
	bind :10000
	default_backend no-backend
"""


def test_where_haproxy_leads_calls_is_told() -> None:
    assert probe.haproxy_led_to(HAPROXY) == ["canary", "stats", "usual", "workers"]
    anywhere = "frontend x\n  bind :80\n  use_backend %[req.hdr(host),lower]\n"
    assert probe.haproxy_led_to(HAPROXY + "defaults\n" + anywhere) == ["*", "canary", "stats", "usual", "workers"]
    assert probe.haproxy_led_to("") == probe.haproxy_led_to("bind\nuse_backend\n") == []


def test_a_programs_own_names_are_read() -> None:
    with c_library().open("rb") as file:
        names = probe.dynamic_names(file.fileno())
    assert b"printf\0" in names
    assert probe.MODULES not in names
    with Path(__file__).open("rb") as file:
        assert probe.dynamic_names(file.fileno()) == b""


def test_so_are_those_of_a_program_of_32_bits(tmp_path: Path) -> None:
    """A Python of these runs a service's code as any other."""
    names = b"\0Py_BytesMain\0puts\0"
    head = b"\x7fELF\x01\x01".ljust(28, b"\0") + struct.pack("<I", 52) + b"\0" * 10 + struct.pack("<HH", 32, 2) + b"\0" * 6
    load = struct.pack("<8I", 1, 0, 0x8000, 0, 400, 400, 5, 4096)
    dynamic = struct.pack("<8I", 2, 128, 0x8080, 0, 24, 24, 4, 4)
    pairs = struct.pack("<6I", 5, 0x8000 + 160, 10, len(names), 0, 0)
    whole = ((head + load + dynamic).ljust(128, b"\0") + pairs).ljust(160, b"\0") + names
    (tmp_path / "x").write_bytes(whole)
    with (tmp_path / "x").open("rb") as file:
        assert probe.dynamic_names(file.fileno()) == names
    assert probe.Programs().kind_of(str(os.getpid())) == "python"
    assert probe.Programs().names_of(str(tmp_path / "x"), probe.PYTHON_MAIN) == probe.PYTHON_MAIN[0]


def c_library() -> Path:
    """Where this process has its C library from."""
    rows = [line.split(None, 5) for line in Path("/proc/self/maps").read_text("utf-8").splitlines() if " r-xp " in line]
    return next(Path(row[5]) for row in rows if len(row) == 6 and re.search(r"/libc[.-]", row[5]))


def test_each_file_system_that_is_written_to_is_looked_at_once() -> None:
    disks = probe.room()["disks"]
    assert disks[0]["path"] == "/"
    assert all(row["bytes"] > 0 and Path(row["path"]).is_dir() for row in disks)
    devices = [Path(row["path"]).stat().st_dev for row in disks]
    assert len(devices) == len(set(devices))


FUSE = "exec 3<>/dev/fuse && mount -i -t fuse -o fd=3,rootmode=40000,user_id={},group_id=0 none {} && exec {}"


@as_root
def test_what_an_account_mounted_is_no_room_of_the_hosts(place: Path) -> None:
    """The server of it never answers, and the kernel lets not even root in."""
    code = f"import runpy; print(runpy.run_path({probe.__file__!r})['places_to_write']())"
    for uid, listed in ((65534, False), (0, True)):
        shell = FUSE.format(uid, place, f'{sys.executable} -I -c "{code}"')
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", shell]
        said = subprocess.run(argv, capture_output=True, check=True, text=True, timeout=60).stdout
        assert (repr(str(place)) in said) is listed, said


@as_root
def test_what_an_account_mounted_over_its_own_folder_blinds_no_look_at_the_room(place: Path) -> None:
    """As over its folder in /run/user, which is a file system of its own; others may lie below it. What root mounts over it
    is seen.
    """
    code = f"import runpy; print([row['path'] for row in runpy.run_path({probe.__file__!r})['room']()['disks']])"
    below, beside = place / "below", place.with_name(f"{place.name}-beside")
    disks = f"mount -t tmpfs none {place} && mkdir {below} && mount -t tmpfs none {below} && mount -t tmpfs none {beside}"
    beside.mkdir()
    over = f"import ctypes; assert ctypes.CDLL(None).mount(b'none', {os.fsencode(place)!r}, b'tmpfs', 0, None) == 0; {code}"
    for seen, listed in ((code, {beside}), (over, {beside, place})):
        shell = f"{disks} && " + FUSE.format(65534, place, f'{sys.executable} -I -c "{seen}"')
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", shell]
        said = subprocess.run(argv, capture_output=True, check=True, text=True, timeout=60).stdout
        for one in (place, below, beside):
            assert (repr(str(one)) in said) is (one in listed), said


def test_no_name_of_a_mount_keeps_copies_from_being_looked_for(place: Path) -> None:
    """By fusermount each account chooses one, in any bytes; what is left out is left out by its own path."""
    left_out = f"runpy.run_path({probe.__file__!r})['is_made_up']().items()"
    code = f"import os, runpy; print(os.fsencode('|'.join(path for path, one in {left_out} if one)).hex())"
    named = f'd="$(printf "{place}/\\377 \\303\\244")"; mkdir "$d"; mount -t ramfs none "$d"; mount -t sysfs none "$d/../k"'
    shell = f'mkdir {place}/k; {named}; {sys.executable} -I -c "{code}"'
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", shell]
    said = subprocess.run(argv, capture_output=True, check=True, text=True, timeout=60).stdout
    found = bytes.fromhex(said.strip()).split(b"|")
    assert os.fsencode(place / "k") in found
    assert not [path for path in found if b"\xff" in path]


def test_no_copy_is_hidden_by_what_its_disk_is_mounted_over(place: Path) -> None:
    """A disk that systemd mounts when somebody looks lies over what waits for that, a map of such disks has each in a folder of
    its own; sysfs stands here for what waits.
    """
    code = f"""import runpy, sys
names = runpy.run_path({probe.__file__!r})["folders_to_search"].__globals__
names["COPY_ROOTS"] = ({str(place)!r},)
found = names["folders_to_search"](set(), frozenset(), names["KnownFolders"]())
print(sorted(path for path, telling in found if "uv.lock" in telling))"""
    disks = ("over", "map/kernel", "map/kernel/debug", "map/fs/fuse")
    each = 'mount -t tmpfs none "$one"; touch "$one/uv.lock"; mkdir -p "$one/debug"'
    shell = f"""cd {place}; mkdir map over; mount -t sysfs none map; mount -t sysfs none over
for one in {" ".join(disks)}; do {each}; done; exec {sys.executable} -I -c {shlex.quote(code)}"""
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", shell]
    said = subprocess.run(argv, capture_output=True, check=True, text=True, timeout=60).stdout
    assert said == f"{sorted(f'{place}/{disk}' for disk in disks)}\n"


def test_an_engine_that_sleeps_and_holds_nothing_is_none(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setattr(probe, "INSTANCES", (str(place / "containers"),))
    monkeypatch.setattr(probe, "ENGINE_SOCKETS", re.compile(f"{place}/lxd[^/]*[.]sock$"))
    monkeypatch.setattr(probe, "ASLEEP", probe.ENGINE_SOCKETS)
    held = {1}
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{place}/lxd.sock")
        door.listen()
        inode = os.fstat(door.fileno()).st_ino
        monkeypatch.setattr(probe, "socket_holders", lambda: {str(inode): held})
        assert list(probe.listening_engines()) == []
        (place / "containers/web").mkdir(parents=True)
        assert list(probe.listening_engines()) == [f"{place}/lxd.sock"]
        (place / "containers/web").rmdir()
        held.add(os.getpid())
        assert list(probe.listening_engines()) == [f"{place}/lxd.sock"]


def test_no_name_of_a_socket_hides_another_or_blinds_the_look(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """The kernel's table has a row for each, and a path may hold the end of a line."""
    sleeping = re.compile(f"{place}/lxd[^/]*[.]sock$")
    monkeypatch.setattr(probe, "INSTANCES", ())
    monkeypatch.setattr(probe, "ENGINE_SOCKETS", sleeping)
    monkeypatch.setattr(probe, "ASLEEP", sleeping)
    monkeypatch.setattr(probe, "socket_holders", lambda: {"7": {1}})
    (place / "x\n0: 00000002 00000000 00010000 0001 01 7 " / str(place)[1:]).mkdir(parents=True)
    with ExitStack() as held:
        for name in ("x\ny", "lxd.sock"):
            door = held.enter_context(socket.socket(socket.AF_UNIX))
            door.bind(f"{place}/{name}")
            door.listen()
        monkeypatch.chdir(place)
        forged = held.enter_context(socket.socket(socket.AF_UNIX))
        forged.bind(f"x\n0: 00000002 00000000 00010000 0001 01 7 {place}/lxd.sock")
        forged.listen()
        assert list(probe.listening_engines()) == [f"{place}/lxd.sock"]


def test_a_caches_hashes_and_a_stores_own_folders_are_not_searched(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    cache = ".npm/_cacache"
    for path in (f"{cache}/content-v2/sha512/ab/cd", f"{cache}/index-v5/ab/cd", f"{cache}/other/x", "data/x/y"):
        (place / path).mkdir(parents=True)
    found = {path for path, _ in probe.folders_to_search(set(), frozenset(), probe.KnownFolders())}
    assert str(place / cache / "other/x") in found
    assert str(place / "data/x/y") in found
    assert not any(path.endswith("/cd") for path in found)
    known = probe.KnownFolders()
    assert [path for path, _ in probe.folders_to_search(set(), frozenset({os.getuid()}), known)] == [str(place)]


@pytest.mark.parametrize(
    "where", ["home/.npm/_cacache/content-v2/sha512/ab/cd", "vox-backend/.git/copy", "vox-backend/.git/objects/ab"]
)
def test_no_copy_is_hidden_by_where_it_lies(checkout: Path, place: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among a cache's hashes, or in what is a service's own. One alone, as no folder is in it, and one with a package in it."""
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    (checkout / "vox").mkdir()
    (checkout / "vox/__init__.py").touch()
    assert probe.copies([service(checkout)])["found"] == []
    copy = place / where
    copy.mkdir(parents=True, exist_ok=True)
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(checkout / name, copy)
    project = {"path": str(copy), "kind": "project", "names": ["vox-backend"], "same": ["backend"]}
    assert probe.copies([service(checkout)])["found"] == [project]
    (copy / "vox").mkdir()
    (copy / "vox/__init__.py").touch()
    package = {"path": str(copy / "vox"), "kind": "package", "names": ["vox"], "same": ["backend"]}
    assert probe.copies([service(checkout)])["found"] == [project, package]
    git(place, "clone", "-q", str(checkout), "second")
    (place / "second").rename(copy / "second")
    assert [row for row in probe.copies([service(checkout)])["found"] if row["kind"] == "checkout"]


def test_a_lock_of_any_size_takes_no_time(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of holes costs who makes it nothing, and is read for hours."""
    read: list[str] = []

    def reading(_: Any, name: str) -> tuple[int, str]:
        read.append(name)
        return 0, name

    monkeypatch.setattr(probe, "fingerprint", reading)
    for name, size in (("uv.lock", 1 << 40), ("package-lock.json", 1 << 20)):
        with (place / name).open("w") as file:
            file.truncate(size)
    with probe.Folder(str(place)) as folder:
        assert probe.locks_of(folder, ("uv.lock", "package-lock.json")) == {"package-lock.json"}
    assert read == ["package-lock.json"]


def test_whose_folders_are_a_stores() -> None:
    rows = [
        {"unit": "minio.service", "uid": 990},
        {"unit": "minio.service", "uid": 0},
        {"unit": "x.service", "uid": 991},
    ]
    assert probe.accounts_of(["minio.service"], [], probe.Job(lambda: rows)) == {990}
    assert probe.accounts_of(["minio.service"], [], probe.Job(probe.not_asked)) == set()


def test_an_empty_git_file_is_no_copy(checkout: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    (place / "cache").mkdir()
    (place / "cache/.git").touch()
    assert probe.copies([service(checkout)])["found"] == []


def test_more_than_can_be_searched_is_no_answer(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    monkeypatch.setattr(probe, "FOLDERS_AT_MOST", 1)
    (place / "a").mkdir()
    with pytest.raises(probe.Trouble):
        probe.copies([])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("hunter2hunter2", {"hunter2hunter2"}),
        ("mongodb://vox:s3cret!!@db/vox", {"s3cret!!"}),
        ("mongodb://vox:p@ss/w0rd@db/vox", {"p@ss/w0rd"}),
        ("mongodb://vox:p%40ss/w0rd@one:27017,two:27017/vox", {"p%40ss/w0rd", "p@ss/w0rd"}),
        ("redis://:first-1@a redis://:second-2@b", {"first-1", "second-2"}),
        ("mongodb://db:27017/vox", set()),
        ("mongodb://one:27017,two:27017/vox?mail=a@b", set()),
        ("https://console:8443/back?to=ops@vox.lan", set()),
        ("https://console/a:b?to=ops@vox.lan", set()),
        ("http://[::1]:80/x@y", set()),
        ("recordings", set()),
        ("10.0.0.1:6379", set()),
        ("/etc/ssl/private.key", set()),
        ("12345678901", set()),
        ("short", set()),
    ],
)
def test_what_of_a_value_is_secret(value: str, told: set[str]) -> None:
    assert probe.telling(value) - {""} == told


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("DB_PASSWORD", "correct-horse-battery-staple", 1),
        ("db_passwd", "4839201755230118", 1),
        ("API_TOKEN", "correcthorsebattery", 1),
        ("DB_PASSWORD", "recordings", 0),
        ("DB_PASSWORD", "/run/secrets/db/password", 0),
        ("TOKEN_BACKEND", "vox.auth.tokens.rotating", 0),
        ("GREETING", "correct-horse-battery-staple", 0),
    ],
)
def test_a_password_is_one_although_it_is_of_words(key: str, value: str, told: int) -> None:
    assert len(probe.telling(value, key)) == told


def test_a_secret_in_the_open_is_told_by_its_key_and_place(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / ".env").write_text(ENV)
    (checkout / "notes.txt").write_text(f"the token is {CANARY}\n")

    def journal(_service: object, _env: object, _spoken: object, search: Callable[[bytes], None], _clean: object) -> int:
        search(f"a line\n{CANARY}\n".encode())
        return 2

    monkeypatch.setattr(probe, "journal", journal)
    known = probe.Job(lambda: {"x.service": f"TOKEN={CANARY}"})
    spoken = probe.Job(dict)
    running = probe.Job(lambda: [{"pid": 7, "command": "sh", "argv": ["sh", "-c", CANARY]}])
    found = probe.leaks(service(checkout), [], running, known, spoken)
    assert found["compared"] == ["JWT_SECRET"]
    assert found["lines"] == 2
    places = {where.partition(" (")[0] for _, where in found["found"]}
    assert places == {
        "the arguments of process 7",
        "Environment= of x.service",
        "the journal since its start",
        "notes.txt",
    }
    assert CANARY not in str(found)


JOURNALCTL = """#!/bin/sh
echo "$@" >>"$0.asked"
case "$*" in *--since*) cat "$0.says" ;; *) echo a line of its own ;; esac
"""


@pytest.fixture
def written(checkout: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[set[bytes], list[str]]]:
    """Puts a text into a journal; gives what was found of the canary in it, and what journalctl was asked."""
    monkeypatch.setattr(probe, "CACHE", str(place / "cache"))
    monkeypatch.setattr(probe, "PATH", f"{place}:{probe.PATH}")
    monkeypatch.setattr(probe, "caller", lambda: os.getuid() + 1)  # who asks has not written .env
    program = place / "journalctl"
    program.write_text(JOURNALCTL)
    program.chmod(0o755)
    start = str(int((time.monotonic() - 1) * 1e6))
    spoken = {"voxbridge.service": {"properties": {"ExecMainStartTimestampMonotonic": start, "InvocationID": "a" * 32}}}

    def write(text: str, ago: float = 0.0) -> tuple[set[bytes], list[str]]:
        properties = spoken["voxbridge.service"]["properties"]
        properties["ExecMainStartTimestampMonotonic"] = str(int((time.monotonic() - ago) * 1e6)) if ago else start
        Path(f"{program}.says").write_text(text)
        Path(f"{program}.asked").unlink(missing_ok=True)
        hits: set[bytes] = set()

        def search(content: bytes) -> None:
            hits.update(re.findall(CANARY.encode(), content))

        assert probe.journal(service(checkout), env_of(checkout), spoken, search, lambda: not hits) == 1
        return hits, Path(f"{program}.asked").read_text().splitlines()

    return write


def test_the_journal_is_searched_whoever_wrote_it(written: Callable[[str], tuple[set[bytes], list[str]]]) -> None:
    hits, asked = written("x" * (1 << 20) + f"{CANARY}\n")
    assert hits == {CANARY.encode()}
    assert "_SYSTEMD_INVOCATION_ID" not in asked[0]


@as_root
def test_what_was_searched_in_vain_is_not_searched_again(
    written: Callable[[str], tuple[set[bytes], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "JOURNAL_OVERLAP", 0.0)

    def since(asked: list[str]) -> float:
        return float(asked[0].partition("--since=@")[2].split()[0])

    began = time.time()
    assert since(written("nothing\n")[1]) < began - 1
    found = written(f"{CANARY}\n")
    assert since(found[1]) > began - 1
    assert since(written(f"{CANARY}\n")[1]) == since(found[1])


@as_root
def test_where_the_clock_was_set_back_all_is_searched_again(
    written: Callable[[str, float], tuple[set[bytes], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written then is written in hours that were searched before it was."""
    monkeypatch.setattr(probe, "JOURNAL_OVERLAP", 0.0)
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 600)
    assert written("nothing\n", 3000)[0] == set()
    monkeypatch.setattr(time, "time", clock)
    hits, asked = written(f"{CANARY}\n", 1)
    assert hits == {CANARY.encode()}
    assert float(asked[0].partition("--since=@")[2].split()[0]) < clock() - 1


def test_a_journal_that_is_too_long_is_no_answer(
    written: Callable[[str], tuple[set[bytes], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "JOURNAL_BYTES", 1000)
    with pytest.raises(probe.Trouble, match="was not searched to its end"):
        written("x" * 2000)


SUDO = """Matching Defaults entries for deploy on x:
    env_reset

User deploy may run the following commands on x:

Sudoers entry: /etc/sudoers.d/voxgate
    RunAsUsers: root
    Options: !authenticate
    Commands:
\t/usr/bin/systemctl restart voxcore@1.service

Sudoers entry: /etc/sudoers
    RunAsUsers: ALL
    RunAsGroups: ALL
    Commands:
\tALL
"""


def test_sudo_is_read_rule_by_rule() -> None:
    assert probe.sudo_rules(SUDO.replace("entry: /etc/sudoers", "entry:")) == [
        {"as": "root", "options": "!authenticate", "command": "/usr/bin/systemctl restart voxcore@1.service"},
        {"as": "ALL ALL", "options": "", "command": "ALL"},
    ]
    assert [one["file"] for one in probe.sudo_rules(SUDO)] == ["/etc/sudoers.d/voxgate", "/etc/sudoers"]


def test_a_rule_of_sudo_comes_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As sudo says it, or as an older one does not: then the last file that names who has it. A directory's rule has none."""
    (tmp_path / "sudoers.d").mkdir()
    (tmp_path / "sudoers").write_text("root ALL=ALL\n%ops ALL=(ALL) ALL\n")
    (tmp_path / "sudoers.d" / "raid").write_text("# anna is not here\nUser_Alias M=nagios,icinga\nM ALL=NOPASSWD: /usr/bin/x\n")
    (tmp_path / "sudoers.d" / "secret").symlink_to("/no/such/file")
    monkeypatch.setattr(probe, "SUDOERS", str(tmp_path / "sudoers"))
    last = str(tmp_path / "sudoers")
    groups = {"nagios": [], "hans": ["users", "ops"], "anna": ["users"], "icinga": []}
    rules: dict[str, dict[str, Any]] = {"nagios": {}, "hans": {}, "anna": {}, "icinga": {"file": last}}
    probe.from_files([(name, groups[name], rule) for name, rule in rules.items()])
    changed = Path(last).stat().st_ctime
    assert rules.pop("nagios")["file"] == str(tmp_path / "sudoers.d" / "raid")
    assert rules == {"hans": {"file": last, "changed": changed}, "anna": {}, "icinga": {"file": last, "changed": changed}}


def test_a_rule_of_sudo_tells_the_groups_of_who_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """By which of them it may, the estate says; and the program of anybody's rule is one that only root may change."""
    monkeypatch.setenv("SUDO_USER", "deploy")
    monkeypatch.setattr(probe, "others_here", lambda *_: {"daemon", "nobody"})
    rules = {"daemon": [{"as": "root", "options": "", "command": "/usr/bin/x -a"}]}
    monkeypatch.setattr(probe, "rules_of", lambda name: rules.get(name, []))
    monkeypatch.setattr(probe, "loose_of", lambda path: [path])
    found = probe.sudo([], probe.Job(list), probe.Job(list))
    assert found["others"] == [{"user": "daemon", "groups": ["daemon"], **rules["daemon"][0]}]
    assert "/usr/bin/x" in found["loose"]
    assert probe.groups_named("no-such-account") == []


def test_who_is_root_without_sudo_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By root's number, or by a group, also as its own. Administrators and who asks are others' matter."""

    def person(name: str, uid: int, gid: int) -> pwd.struct_passwd:
        return pwd.struct_passwd((name, "x", uid, gid, "", "/", "/bin/sh"))

    people = [
        person("root", 0, 0),
        person("toor", 0, 0),
        person("vox", 998, 998),
        person("agent", 997, 50),
        person("eve", 996, 996),
    ]
    groups = [("root", 0, []), ("sudo", 27, ["anna"]), ("docker", 50, ["vox", "anna", "deploy"]), ("audio", 29, ["vox"])]
    groups += [("logs", 50, ["eve"])]  # the kernel knows its number alone
    monkeypatch.setattr(probe.pwd, "getpwall", lambda: people)
    monkeypatch.setattr(probe.grp, "getgrall", lambda: [grp.struct_group((name, "x", gid, who)) for name, gid, who in groups])
    found = [(row["user"], row["command"]) for row in probe.powers("deploy")]
    assert found == [("agent", "group docker"), ("eve", "group logs"), ("toor", "uid 0"), ("vox", "group docker")]


def test_no_group_of_a_name_makes_an_administrator_of_who_runs_a_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody need have given ``wheel`` a rule: who is in it would be in docker too, or have its socket, unseen."""
    shells = {"vox": "/bin/sh", "www-data": "/usr/sbin/nologin", "anna": "/bin/bash", "eve": "/bin/bash"}
    people = [pwd.struct_passwd((name, "x", 3000 + at, 50, "", "/", shell)) for at, (name, shell) in enumerate(shells.items())]
    groups = [("wheel", 10, ["vox", "www-data", "anna"]), ("docker", 99, list(shells)), ("incus-admin", 98, ["eve"])]
    monkeypatch.setattr(probe.pwd, "getpwall", lambda: people)
    monkeypatch.setattr(probe.grp, "getgrall", lambda: [grp.struct_group((name, "x", gid, who)) for name, gid, who in groups])
    monkeypatch.setattr(probe, "may_besides", lambda *_: {"vox", "www-data", "anna"})
    monkeypatch.setattr(probe, "members_of", lambda _: ())
    found = [(row["user"], row["command"]) for row in probe.powers("deploy", {"vox"})]
    assert found == [("eve", "group docker"), ("eve", "group incus-admin"), ("vox", "group docker"), ("www-data", "group docker")]
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "engine.sock"))
        (tmp_path / "engine.sock").chmod(0o660)
        assert probe.users_of_socket(str(tmp_path / "engine.sock"), {"vox"}) == {"vox", "www-data"}


def test_who_runs_a_unit_is_no_administrator_by_a_group(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Also where the estate knows of no service of its, and it was given a shell."""
    people = [pwd.struct_passwd((name, "x", 3000 + at, 50, "", "/", "/bin/sh")) for at, name in enumerate(("www-data", "anna"))]
    groups = [grp.struct_group((name, "x", gid, ["www-data", "anna"])) for name, gid in (("wheel", 10), ("docker", 99))]
    monkeypatch.setenv("SUDO_USER", "deploy")
    monkeypatch.setattr(probe.pwd, "getpwall", lambda: people)
    monkeypatch.setattr(probe.grp, "getgrall", lambda: groups)
    monkeypatch.setattr(probe, "rules_of", lambda _: [])
    monkeypatch.setattr(probe, "PROGRAM_PLACES", {})
    monkeypatch.setattr(probe, "ROOTS_SOCKETS", (f"{place}/engine.sock",))
    monkeypatch.setattr(probe, "may_besides", lambda *_: {"www-data", "anna"})
    rows = [
        {"user": "www-data", "unit": "nginx.service", "container": ""},
        {"user": "anna", "unit": "user@3001.service", "container": ""},
    ]
    found = probe.Job(lambda: rows)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(f"{place}/engine.sock")
        (place / "engine.sock").chmod(0o660)
        given = probe.Job(lambda: probe.raised([], found))
        others = probe.sudo([], found, probe.Job(list), given)["others"]
    told = {(row["user"], row["command"]) for row in others}
    assert told == {("www-data", "group docker"), ("www-data", f"socket {place}/engine.sock")}


def test_a_group_by_another_name_is_that_group(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [grp.struct_group(("devs", "x", 0, ["eve"])), *grp.getgrall()]
    monkeypatch.setattr(probe.grp, "getgrall", lambda: groups)
    probe.group_members.cache_clear()
    assert "eve" in probe.group_members(0)
    assert {"devs", "root"} <= set(probe.groups_named("root"))
    probe.group_members.cache_clear()


def test_each_account_is_told_with_what_it_may_be_known_by(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [pwd.struct_passwd((f"p{n}", "x", n, 50, "", f"/home/p{n}", "/bin/sh")) for n in range(probe.ACCOUNTS_AT_MOST + 1)]
    groups = [grp.struct_group(("docker", "x", 50, ["p1", "p2"])), grp.struct_group(("audio", "x", 29, ["p1"]))]
    monkeypatch.setattr(probe.pwd, "getpwall", lambda: people)
    monkeypatch.setattr(probe.grp, "getgrall", lambda: groups)
    told = probe.all_accounts()
    assert len(told) == probe.ACCOUNTS_AT_MOST
    assert told[:2] == [["p0", "0:50 /home/p0 /bin/sh"], ["p1", "1:50 /home/p1 /bin/sh audio docker"]]


def test_who_runs_something_only_by_a_job_is_asked_about_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no shell, and nothing of it runs at the moment of the look. An administrator may have jobs of his own."""
    shells = {"backup": "/usr/sbin/nologin", "anna": "/bin/bash", "idle": "/usr/sbin/nologin"}
    people = [pwd.struct_passwd((name, "x", 3000, 3000, "", "/", shell)) for name, shell in shells.items()]
    admins = [grp.struct_group(("sudo", "x", 27, ["anna"]))]
    monkeypatch.setenv("SUDO_USER", "deploy")
    monkeypatch.setattr(probe.pwd, "getpwall", lambda: people)
    monkeypatch.setattr(probe.grp, "getgrall", lambda: admins)
    rule = {"as": "root", "options": "", "command": "ALL"}
    monkeypatch.setattr(probe, "rules_of", lambda _: [rule])
    jobs: list[dict[str, Any]] = [{"where": "a", "user": name, "runs": []} for name in ("backup", "anna", "every user", "root")]
    found = probe.sudo([], probe.Job(list), probe.Job(lambda: jobs))
    assert found["others"] == [{"user": "backup", "groups": probe.groups_named("backup"), **rule}]
    assert probe.sudo([], probe.Job(list), probe.Job(probe.not_asked))["others"] == []


def test_every_account_is_asked_about_whatever_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [
        pwd.struct_passwd((name, "x", 3000, 3000, "", "/", shell))
        for name, shell in (("john.doe", "/bin/bash"), ("Jane", "/bin/sh"), ("svc$", "/bin/sh"), ("idle.one", "/bin/false"))
    ]
    monkeypatch.setattr(probe.pwd, "getpwall", lambda: people)
    at_work = [{"user": "ci.runner", "unit": "runner.service", "container": ""}]
    assert probe.others_here(at_work, set()) == {"john.doe", "Jane", "svc$", "ci.runner"}
    units = (("idle.one", ""), ("lingers", "user@3000.service"))  # of a login's, and of a systemd of its own
    by_hand = [{"user": user, "unit": unit, "container": ""} for user, unit in units]
    apart = [{"user": "100999", "unit": "", "container": ""}, {"user": "boxed", "unit": "", "container": "0" * 64}]
    asked = probe.others_here([*by_hand, *apart], set())
    assert asked == {"john.doe", "Jane", "svc$", "idle.one", "lingers"}
    for name in ("-l", "#0"):
        with pytest.raises(probe.Trouble, match="cannot be asked"):
            probe.rules_of(name)


def test_a_store_is_reached_refused_or_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert probe.reach("http", f"127.0.0.1:{port}")[0] == "reached"
        assert probe.reach("mongodb", f"127.0.0.1:{port}") == ("not asked", {("127.0.0.1", port)})

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(10)
                connection.sendall(b"-NOAUTH\r\n")

        server.accept()[0].close()
        thread = threading.Thread(target=answer)
        thread.start()
        assert probe.reach("redis", f"127.0.0.1:{port}")[0] == "reached"
        thread.join()
    assert probe.reach("http", f"127.0.0.1:{port}")[0] == "refused"
    assert probe.reach("http", "x.invalid")[0] == "unresolved"
    assert probe.reach("http", "a:b:c")[0] == "unparsable"


def test_variables_that_change_what_is_loaded_are_known() -> None:
    for name in ("LD_PRELOAD", "LD_AUDIT", "PYTHONPATH", "PYTHONHOME"):
        assert probe.LOADER_NAMES.fullmatch(name)
        assert not probe.GIVEN.fullmatch(name)
    for name in ("PATH", "INVOCATION_ID", "LC_ALL", "LANGUAGE", "STATE_DIRECTORY"):
        assert probe.GIVEN.fullmatch(name)
    assert not probe.LOADER_NAMES.fullmatch("PYTHONUNBUFFERED")


def test_a_key_is_found_behind_its_options() -> None:
    known, evil = (struct.pack(">I", 11) + b"ssh-ed25519" + byte * 36 for byte in (b"k", b"e"))
    word = base64.b64encode(known).decode()
    other = base64.b64encode(evil).decode()

    def read(line: str) -> bytes:
        found: bytes = probe.key_in(line) or probe.key_in(probe.behind_options(line))
        return found

    assert read(f"ssh-ed25519 {word} me") == known
    assert read(f'from="10.0.0.1",command="echo \\" hi" ssh-ed25519 {word}') == known
    assert read(f'environment="X= ssh-ed25519 {word}" ssh-ed25519 {other}') == evil
    assert read(f"ssh-ed25519 ssh-ed25519 {other}") == evil
    assert read("garbage") == read(f"ssh-rsa {word}") == b""
