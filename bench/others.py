"""Testinfra, ansible and pyinfra as they are, on the same facts."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import facts
from bench.measuring import Way
from bench.places import Place
from bench.processes import RIVALS, rival, run
from voxgate.errors import VoxgateError

AT_ONCE = 50


class Rivals:
    """All of them, for the lab as ``place`` reaches it. Each run begins with no connection, as a person's first does."""

    def __init__(self, place: Place, document: dict[str, Any], path: Path) -> None:
        """``document`` is what ``path`` holds: the facts."""
        self._place = place
        self._path = path
        self._count = facts.counted(document)
        self._hosts = list(document)

    def testinfra(self, backend: str, *words: str) -> Callable[[], int]:
        """A test a fact, over ``paramiko`` or ``ssh`` (one connection a host, kept by OpenSSH's ControlMaster)."""

        def work() -> int:
            with tempfile.TemporaryDirectory() as folder:
                spec = f"{backend}://NAME?ssh_config={self._place.ssh_config}"
                if backend == "ssh":
                    spec += f"&controlpath={folder}/%C&controlpersist=30"
                plain = [
                    "-p",
                    "no:cacheprovider",
                    "-q",
                    "-W",
                    "ignore",
                    "--rootdir",
                    folder,
                    "-c",
                    "/dev/null",
                    "--confcutdir",
                    folder,
                ]
                tests = shutil.copy(RIVALS / "test_facts.py", folder)
                env = {"BENCH_FACTS": str(self._path), "BENCH_BACKEND": spec}
                said = run([rival("python"), "-m", "pytest", *plain, *words, tests], env=env)
                self._hang_up(Path(folder))
            return self._passed(said, f"{self._count} passed")

        return work

    def ansible(self) -> int:
        """A playbook of its own modules; pipelining, all hosts at once, no facts gathered beforehand."""
        with tempfile.TemporaryDirectory() as folder:
            shared = {"ansible_ssh_common_args": f"-F {self._place.ssh_config}", "ansible_python_interpreter": "/usr/bin/python3"}
            variables = {**shared, "facts": json.loads(self._path.read_text())}
            inventory = {"all": {"hosts": {name: {} for name in self._hosts}, "vars": variables}}
            (Path(folder) / "inventory.json").write_text(json.dumps(inventory))
            env = {
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_FORKS": str(AT_ONCE),
                "ANSIBLE_SSH_CONTROL_PATH_DIR": folder,
                "ANSIBLE_LOCAL_TEMP": folder,
                "ANSIBLE_NOCOLOR": "1",
                "LC_ALL": "C.UTF-8",
            }
            argv = [rival("ansible-playbook"), "-i", f"{folder}/inventory.json", str(RIVALS / "facts.yml")]
            said = run(argv, cwd=Path(folder), env=env)
            self._hang_up(Path(folder))
        if said.count("failed=0 ") != len(self._hosts) or "unreachable=0" not in said:
            raise VoxgateError("ansible did not judge all hosts", why=said[-1500:])
        return self._count

    def pyinfra(self) -> int:
        """A deploy file that reads its facts."""
        with tempfile.TemporaryDirectory() as folder:
            data = {"ssh_config_file": str(self._place.ssh_config)}
            (Path(folder) / "inventory.py").write_text(f"hosts = {[(name, data) for name in self._hosts]!r}\n")
            argv = [rival("pyinfra"), "-y", "inventory.py", str(RIVALS / "facts_by_pyinfra.py")]
            said = run(argv, cwd=Path(folder), env={"BENCH_FACTS": str(self._path), "HOME": os.environ.get("HOME", "/root")})
        if said.count("Ready:") != len(self._hosts):
            raise VoxgateError("pyinfra did not judge all hosts", why=said[-1500:])
        return self._count

    def ways(self) -> list[Way]:
        """All of them, for the table."""
        return [
            Way("testinfra, paramiko", "a test a fact, one question after the other", self.testinfra("paramiko")),
            Way("testinfra, ssh ControlPath", "the same, over one kept ssh connection a host", self.testinfra("ssh")),
            Way("testinfra, ssh, -n 4", "the same, in four processes", self.testinfra("ssh", "-n", "4")),
            Way("ansible, pipelining", "a playbook of ansible's own modules, all hosts at once", self.ansible),
            Way("pyinfra", "pyinfra's own facts, all hosts at once", self.pyinfra),
        ]

    def _hang_up(self, folder: Path) -> None:
        """End the connections that OpenSSH keeps in a folder."""
        for path in folder.iterdir():
            if path.is_socket():
                run(["ssh", "-F", "none", "-o", f"ControlPath={path}", "-O", "exit", "any"], fine=(0, 255))

    def _passed(self, said: str, wanted: str) -> int:
        if wanted not in said:
            raise VoxgateError("not all facts were judged", why=said[-1500:])
        return self._count
