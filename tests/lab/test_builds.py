"""Code of a release runs as the service, as nobody, or as the build account in its sandbox: never as deploy, never as root."""

from __future__ import annotations

import pytest

from tests.lab.conftest import Gate, head_of, on_host
from tests.lab.hostile import building, on_main

SITE = "/opt/vox-dialler/.venv/lib/python3.13/site-packages"
# What it tries changes nothing where it may: files are opened to be written, and closed.
TARGETS = [
    "/var/lib/voxgate/backend/last-known-good.json", "/var/lib/voxgate/console/ledger.jsonl", "/var/lib/voxgate/made-by-a-build",
    "/home/deploy/.ssh/authorized_keys", "/home/deploy/.bashrc", "/opt/vox-backend/.git/config", "/opt/vox-frontend/.git/config",
    "/var/lib/voxbuild/vox-frontend/cache/uv/CACHEDIR.TAG", "/var/lib/voxbuild/vox-backend/cache/npm/_made-by-a-build",
    "/var/lib/voxbuild/vox-backend/in/request.json", "/var/lib/voxbuild/vox-frontend/in/request.json",
    "/etc/voxgate-made", "/usr/local/bin/voxgate-made", "/var/spool/cron/crontabs/voxbuild", "/run/voxgate-made",
]  # fmt: skip
SECRETS = ["/home/deploy/.ssh/id_ed25519", "/opt/vox-backend/.env", "/var/lib/voxgate/backend/ledger.jsonl", "/etc/shadow"]
PYTHON = """
import os, subprocess, sys
done = []
def attempt(what, work):
    try:
        work()
    except BaseException:
        return
    done.append(what)
for path in TARGETS:
    attempt("write " + path, lambda: open(path, "a").close())
for path in SECRETS:
    attempt("read " + path, lambda: open(path).read(1))
attempt("the agent", lambda: os.stat(os.environ["SSH_AUTH_SOCK"]))
attempt("sudo", lambda: subprocess.run(["sudo", "-n", "/usr/bin/systemctl", "restart", "voxbridge.service"], check=True))
attempt("be another", lambda: os.setuid(1000))
def reach():  # the first process is of its own build
    try:
        os.kill(1, 0)
    except PermissionError:
        return
    raise KeyError
attempt("reach processes of others", reach)
subprocess.Popen(["sleep", "7777"], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                 stderr=subprocess.DEVNULL)
print("error: it could: " + (", ".join(done) or "nothing"), "as", os.getuid(), file=sys.stderr, flush=True)
os._exit(1)
"""


def trying(repository: str) -> str:
    """A program that tries all of it but what is its own build's to write, and says what it could."""
    own = (f"/var/lib/voxbuild/{repository}/cache", f"/opt/{repository}/")
    return f"TARGETS = {[path for path in TARGETS if not path.startswith(own)]!r}\nSECRETS = {SECRETS!r}\n{PYTHON}"


def test_a_look_starts_the_environment_as_a_user_that_there_is_not(gate: Gate) -> None:
    """A ``.pth`` file runs in whatever starts the environment's python: uv does so, to compare it with the lock."""
    line = 'import os; open(f"/dev/shm/started-by-{os.getuid()}", "w").close()'
    on_host("sip-1", "sh", "-c", f"echo '{line}' > {SITE}/zz.pth")
    try:
        look = gate("-m", "dialler")
        assert look.red == {"site-packages-are-intact[dialler-sip-1]", "process-is-the-new-code[sip-1-voxdialler]"}
        started = on_host("sip-1", "sh", "-c", "cd /dev/shm; ls -d started-by-*").split()
        assert started
        for one in started:  # each look has its own
            number = one.removeprefix("started-by-")
            assert int(number) not in {0, 65534}
            assert on_host("sip-1", "sh", "-c", f"getent passwd {number} || true") == ""
    finally:
        on_host("sip-1", "sh", "-c", f"rm -f {SITE}/zz.pth /dev/shm/started-by-*; systemctl restart voxdialler")


@pytest.mark.parametrize(("service", "how"), [("backend", "build backend"), ("console", "postinstall"), ("console", "build")])
def test_a_release_can_do_nothing_while_it_is_built(gate: Gate, service: str, how: str) -> None:
    """No state of the gate, no key, no other service or cache, no account's files; and nothing of it stays alive."""
    repository = {"backend": "vox-backend", "console": "vox-frontend"}[service]
    account = on_host("api-1", "id", "-u", "voxbuild")
    before = head_of("api-1", repository)
    with on_main(repository, building(repository, trying(repository), how)):
        run = gate("--deploy", f"{service}=main")
    assert run.status == 11, run.said
    assert f"it could: nothing as {account}" in run.verdict["summary"]
    assert on_host("api-1", "sh", "-c", "pgrep -f '[s]leep 7777' || true") == ""
    assert head_of("api-1", repository) == before
