"""A service's folder as an operator would leave it: a real repository, an environment, a .env, a published site."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import pytest

from tests.built import PROBE, probe
from voxgate.transport.ssh.known_hosts import fingerprint

CANARY = "c4n4ry-9f1d7e2b"
ENV = f"""# settings
REDIS_URL=redis://10.0.0.1:6379/0
JWT_SECRET="{CANARY}"
EMPTY=
TOKEN=changeme
"""
LOCK = """version = 1
[[package]]
name = "vox-backend"
version = "0.1.0"
[[package]]
name = "Pipecat_AI"
version = "1.14.0"
"""
PROJECT = """[project]
name = "vox-backend"
version = "0.1.0"
requires-python = ">=3.12"
dependencies = ["pipecat-ai[openai]==1.14.0", "fastapi >= 0.110, < 1"]
"""


@pytest.fixture(autouse=True)
def _nothing_lives_on() -> Iterator[None]:
    """On a host what the probe started ends with it; here the probe's process is ours, and lives on."""
    yield
    while probe.STARTED:
        with probe.STARTED.pop() as process:
            process.kill()


@dataclass(frozen=True)
class KeyPair:
    """A host's key: what only root of that host can sign with."""

    path: Path

    @property
    def public(self) -> paramiko.PKey:
        """Its public half, as a connection has it."""
        kind, blob = self.path.with_name(f"{self.path.name}.pub").read_text().split()[:2]
        return paramiko.PKey.from_type_string(kind, base64.b64decode(blob))

    @property
    def fingerprint(self) -> str:
        """As a request names it."""
        return fingerprint(self.public.asbytes())

    def sign(self, text: bytes, namespace: str = probe.NAMESPACE) -> bytes:
        """What ssh-keygen makes of it."""
        argv = ["ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(self.path)]
        return subprocess.run(argv, input=text, capture_output=True, check=True).stdout

    def framed(self, document: dict[str, Any], request: bytes) -> bytes:
        """What our own probe prints who says this document; signed where the request names a key."""
        text = json.dumps({**document, "probe": {**document["probe"], "request": hashlib.sha256(request).hexdigest()}}).encode()
        asked = json.loads(request)
        signature = self.sign(text) if "key" in asked else b""
        return b"voxgate-evidence 1 %b %d %d\n%b%b\n" % (
            asked["nonce"].encode(), len(text), len(signature), text, signature,
        )  # fmt: skip


@pytest.fixture(scope="session", params=["ed25519", "ecdsa", "rsa"])
def each_pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """A host's key of each kind."""
    return made_pair(tmp_path_factory.mktemp("hostkey"), request.param)


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """A host's key."""
    return made_pair(tmp_path_factory.mktemp("hostkey"), "ed25519")


def made_pair(folder: Path, kind: str) -> KeyPair:
    """A new key of that kind, as a host has it."""
    path = folder / f"ssh_host_{kind}_key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "root@host", "-f", str(path)], check=True)
    return KeyPair(path)


def git(folder: Path, *words: str) -> str:
    """What git says, with nobody's configuration."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    argv = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(argv, capture_output=True, check=True, text=True, env=environment).stdout


def service(folder: Path, **changes: Any) -> probe.Service:
    """A service of the request, as it comes out checked."""
    row: dict[str, Any] = {
        "name": "backend",
        "folder": str(folder),
        "kind": "python",
        "owner": "root",
        "user": None,
        "unit": "voxbridge.service",
        "units": ["voxbridge.service"],
        "pinned": None,
        "required_settings": ["JWT_SECRET"],
    }
    return probe.Service(**{**row, **changes})


def env_of(folder: Path) -> probe.Env:
    """What the probe takes of a folder's ``.env``."""
    with probe.Folder(str(folder)) as root:
        return probe.Env(root)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user can come to: as root, the probe runs git as the owner of a checkout, or as nobody."""
    with tempfile.TemporaryDirectory(prefix="voxgate-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def checkout(place: Path) -> Path:
    """A folder with one commit: a module, an executable, a link; around it what may lie there beside it."""
    folder = place / "vox-backend"
    (folder / "app" / "deep").mkdir(parents=True)
    (folder / "app" / "main.py").write_text("print('hello')\n")
    (folder / "app" / "deep" / "schön.txt").write_text("x" * 1000)
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("app/main.py")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "uv.lock").write_text(LOCK)
    (folder / ".gitignore").write_text(".venv\n.env\n__pycache__\nsecret.py\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", "git@198.51.100.10:oriserve1/vox-backend.git")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    (folder / "app" / "__pycache__").mkdir()
    (folder / "app" / "__pycache__" / "main.cpython-312.pyc").write_bytes(b"code")
    (folder / ".env").write_text(ENV)
    (folder / ".env").chmod(0o600)
    site = folder / ".venv" / "lib" / "python3.12" / "site-packages"
    for name in ("pipecat_ai-1.14.0.dist-info", "fastapi-0.115.0.dist-info", "fastapi"):
        (site / name).mkdir(parents=True)
    (folder / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.12.3\n")
    (folder / ".venv" / "bin").mkdir()
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return folder


@pytest.fixture
def site(place: Path) -> Path:
    """A console: two builds, the second published, with the manifest that its build wrote."""
    folder = place / "vox-frontend"
    for build, content in (("one", b"old"), ("two", b"<html>new</html>")):
        (folder / "builds" / build / "assets").mkdir(parents=True)
        (folder / "builds" / build / "index.html").write_bytes(content)
        (folder / "builds" / build / "assets" / "a b.js").write_bytes(b"1;")
    lines = [(path, (folder / "builds/two" / path).read_bytes()) for path in ("index.html", "assets/a b.js")]
    manifest = "".join(f"{hashlib.sha256(content).hexdigest()}  ./{path}\n" for path, content in lines)
    (folder / "builds" / "two.sha256").write_text(manifest)
    (folder / "dist").symlink_to("builds/two")
    git(folder, "init", "-q")
    return folder


def asked_of(row: probe.Service) -> dict[str, Any]:
    """A service's row of a request."""
    return {key: value for key, value in row._asdict().items() if key != "beside"}


def probed(services: list[probe.Service], python: str = sys.executable, uid: int | None = None) -> dict[str, Any]:
    """The document of the real program, in a process of its own; folders may lie anywhere here, and only here."""
    request = json.dumps({"format": 1, "services": [asked_of(row) for row in services]}).encode()
    anywhere = "import re, sys; p = sys.stdin.buffer; n = int(p.readline()); source = p.read(n); names = {'PROGRAM': source}; "
    anywhere += "names['__name__'] = 'probe'; exec(compile(source, 'probe', 'exec'), names); "
    anywhere += f"names['LOCK'] = '/run/voxgate-probe-test-{os.getpid()}'; "
    nice = 0 if os.geteuid() == 0 and uid is None else os.getpriority(os.PRIO_PROCESS, 0)  # only root may be less than it was
    anywhere += f"names['NICE'] = {nice}; "  # the machine may be busy
    anywhere += "import os; os._exit(names['main'](re.compile('/.*')))"
    source = PROBE.read_bytes()
    ended = subprocess.run(
        [python, "-I", "-c", anywhere],
        input=b"%d\n%b%b" % (len(source), source, request),
        capture_output=True,
        timeout=60,
        check=False,
        user=uid,
        cwd="/",
    )
    Path(f"/run/voxgate-probe-test-{os.getpid()}").unlink(missing_ok=True)
    assert ended.returncode in {0, 2}, ended.stderr.decode()
    assert ended.stderr == b""
    document: dict[str, Any] = json.loads(ended.stdout)
    return document
