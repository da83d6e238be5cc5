"""A build agent: the image of the hosts, with what services need beside it, and nothing of the estate.

A file system, a network and processes of its own, made of the lab's layers: no host, no key, no address but loopback. In it is
what agents of the label `voxgate-build` have: git, uv, npm, and voxgate as a tool; beside these a Redis, a MongoDB, an S3 and who
answers for LiveKit, as the service containers of a pipeline. All of it ends with the block.
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab import estate, image
from lab.commands import until
from tests.pipelines import commands, parse, stages_of

ROOT = Path(__file__).resolve().parents[2]
BUILDER = "voxbuild"
PORTS = (6379, 27017, 9000, 7880)
PYTHON = "/opt/python"  # in it: voxgate's Python, in a place where it hides none of the agent's own
PATIENCE = "8"
"""An agent says of itself how busy it is: here two labs and the tests are beside it."""
BEGIN = r"""
set -eu
mount -t tmpfs agent "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay agent -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t tmpfs tmp ./tmp # before what may lie in it
chmod 1777 ./tmp
echo "$3" | while read -r path to; do
  above=$(dirname "$to")
  mkdir -p "./$above"
  if [ -d "$path" ]; then mkdir -p "./$to"; else : > "./$to"; fi
  mount --bind "$path" "./$to"
  mount -o remount,bind,ro "./$to"
  while [ "$above" != / ]; do chmod a+rx "./$above" 2>/dev/null || true; above=$(dirname "$above"); done
done
mount -t proc proc ./proc
for device in null zero full random urandom; do : > "./dev/$device"; mount --bind "/dev/$device" "./dev/$device"; done
ip link set lo up
printf '#!/bin/sh\n%s\nexec %s -m voxgate.cli.main "$@"\n' "$4" "$5" > ./usr/local/bin/voxgate
chmod 755 ./usr/local/bin/voxgate
echo begun
exec chroot . /bin/sh -c 'while :; do sleep 3600 & wait; done'
"""
BESIDE = """
set -eu
install -d -o nobody /tmp/redis /tmp/mongodb /tmp/s3/vox /tmp/livekit
printf OK > /tmp/livekit/index.html
export XDG_CACHE_HOME=/tmp/s3 RCLONE_CONFIG=/tmp/s3/none
for command in \
  'redis-server --port 6379 --save "" --dir /tmp/redis' \
  '/opt/lab/venv/bin/secantusd-py --host 127.0.0.1 --port 27017 --storage-path /tmp/mongodb/store --standalone --cache-size 64M' \
  '/opt/lab/venv/bin/rclone serve s3 --addr 127.0.0.1:9000 --auth-key contract-key,contract-secret /tmp/s3' \
  'busybox httpd -f -p 7880 -h /tmp/livekit'; do
  runuser -u nobody -- sh -c "exec $command" >/tmp/beside.log 2>&1 </dev/null &
done
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One command of a stage, as it ended; ``said`` is both of its streams."""

    title: str
    command: str
    status: int
    said: str


@dataclass(frozen=True, slots=True)
class Agent:
    """One that runs: the PID of its first process."""

    pid: int

    def run(self, argv: list[str], stdin: bytes = b"", deadline: float = 600) -> subprocess.CompletedProcess[str]:
        """A command in it as root."""
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--net", "--pid", "--root", "--wdns=/", "--", *argv]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}
        done = subprocess.run(enter, input=stdin, env=environment, capture_output=True, timeout=deadline, check=False)
        return subprocess.CompletedProcess(
            argv, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )

    def must(self, argv: list[str], stdin: bytes = b"") -> str:
        """The same, for what cannot fail: what it printed."""
        done = self.run(argv, stdin)
        assert done.returncode == 0, f"{shlex.join(argv)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def answers(self, port: int) -> bool:
        """Whether somebody is there."""
        return self.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"]).returncode == 0

    def take(self, repository: str, checkout: Path) -> Workspace:
        """A workspace with this checkout, of the account that builds."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            tar.add(checkout, arcname=".")
        workspace = Workspace(self, repository)
        self.must(["rm", "-rf", workspace.folder])
        self.must(["install", "-d", "-o", BUILDER, "-g", BUILDER, "/srv", workspace.folder])
        self.must(["runuser", "-u", BUILDER, "--", "tar", "-x", "--no-same-owner", "-C", workspace.folder], stream.getvalue())
        return workspace


@dataclass(frozen=True, slots=True)
class Workspace:
    """A checkout on an agent."""

    agent: Agent
    repository: str

    @property
    def folder(self) -> str:
        """Where it is."""
        return f"/srv/{self.repository}"

    def sh(self, command: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """A ``sh`` step."""
        cache = f"/var/lib/voxbuild/{self.repository}/cache"
        said = {
            "HOME": self.folder,
            "CI": "1",
            "UV_CACHE_DIR": f"{cache}/uv",
            "npm_config_cache": f"{cache}/npm",
            "VOXGATE_PATIENCE": PATIENCE,
            **(environ or {}),
        }
        line = ["runuser", "-u", BUILDER, "--", "env", *(f"{name}={value}" for name, value in said.items())]
        return self.agent.run([*line, "sh", "-euc", f"cd {self.folder}; {command}"])

    def read(self, path: str) -> str:
        """A file of it."""
        return self.agent.must(["cat", f"{self.folder}/{path}"])

    def write(self, path: str, text: str) -> None:
        """Write one, of the account that builds."""
        self.agent.must(
            ["runuser", "-u", BUILDER, "--", "sh", "-c", f"cat > {shlex.quote(f'{self.folder}/{path}')}"], text.encode()
        )

    def pipeline(self) -> list[Stage]:
        """The stages of the checkout's own Jenkinsfile, as they stand, up to the first command that fails; not `Deploy`."""
        ran: list[Stage] = []
        for stage in stages_of(parse(self.read("Jenkinsfile"))):
            for command in commands(stage.one("steps")):
                done = self.sh(command)
                ran.append(Stage(stage.title, command, done.returncode, done.stdout + done.stderr))
                if done.returncode != 0:
                    return ran
        return ran

    def stage(self, title: str) -> list[str]:
        """The commands of one stage of it."""
        return commands(next(one for one in stages_of(parse(self.read("Jenkinsfile"))) if one.title == title).one("steps"))


@contextmanager
def agent(folder: Path) -> Iterator[Agent]:
    """One, for as long as the block; ``folder`` is where its file system is put on top of the image."""
    layers = ":".join(str(layer) for layer in reversed(image.stack(estate.NEWER)))
    python, library = Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))
    packages = sysconfig.get_path("purelib")
    tools = {
        str(ROOT): str(ROOT),
        packages: packages,
        str(python): f"{PYTHON}/bin/python",
        str(library): f"{PYTHON}/lib/{library.name}",
    }
    surroundings = f"export PYTHONPATH={ROOT}:{packages} PYTHONPYCACHEPREFIX=/tmp/compiled"
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        shared = str(sysconfig.get_config_var("INSTSONAME"))
        tools[f"{sysconfig.get_config_var('LIBDIR')}/{shared}"] = f"{PYTHON}/lib/{shared}"
        surroundings += f" LD_LIBRARY_PATH={PYTHON}/lib"
    told = "\n".join(f"{path} {to}" for path, to in tools.items())
    alone = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child=KILL", "--propagation=private"]
    argv = ["setpriv", "--pdeathsig", "KILL", *alone]  # whoever kills a test kills its agent
    argv += ["sh", "-c", BEGIN, "sh", str(folder), layers, told, surroundings, f"{PYTHON}/bin/python"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]}) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            found = Agent(int(child))
            until(lambda: found.run(["true"]).returncode == 0, deadline=20, where="agent", what="cannot be entered")
            found.must(["sh", "-c", BESIDE])
            for port in PORTS:
                until(partial(found.answers, port), deadline=60, where="agent", what=f"nobody is at {port}")
            yield found
        finally:
            process.kill()
