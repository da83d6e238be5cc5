"""Many hosts: hundreds with twenty workers each, by real sshd and the real transport, each playing what a lab host's probe
said.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench import calls, one_command, ours, places
from bench.calls import BLIND, LARGE_FLEET, WORKERS
from bench.player import PORT, SUDO
from bench.processes import ROOT, environment, gate, run
from lab import places as lab_places
from voxgate.errors import VoxgateError

STORE = "198.51.100.11"
DEADLINE = 1800.0
"""Seconds of one look, of the most hosts."""
COMMANDS = 500
"""Hosts of one command: what others published numbers for."""
SSHD = """\
AuthorizedKeysFile {folder}/authorized_keys
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
LogLevel QUIET
"""
ESTATE = """\
[estate]
name = "many"
user = "deploy"
repositories = "git@{forge}:oriserve1"
identity = "{identity}"
known_hosts = "{known_hosts}"
look = 1.3

[stores]
redis = {{ address = "{store}", port = 6379 }}

[listeners]
all = {{ "ssh.service" = [22] }}

[boot]
all = ["lab-network.service"]

[keys]
deploy = ["{cache}/lab/id_ed25519.pub"]
"""


def address_of(number: int) -> str:
    """The address of host ``number`` on this machine."""
    return f"10.40.{number // 200}.{number % 200 + 1}"


def measure(sizes: Sequence[int], say: Callable[[str], None], *, whole: bool) -> dict[str, Any]:
    """One look at so many hosts each; where ``whole``, the most of them in two and four shards and joined again too, and one
    command on ``COMMANDS`` hosts by other tools.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        recorded = _recorded(folder, say)
        looks: list[dict[str, Any]] = []
        commands: list[dict[str, Any]] = []
        for size in sizes:
            made(folder / str(size), recorded, size)
            with playing(folder / str(size), size):
                looks += _row(folder / str(size), size, say)
                if whole and size == max(sizes):
                    looks += [row for shards in (2, 4) for row in _shards(folder / str(size), size, shards, say)]
        if whole:
            made(folder / "commands", recorded, COMMANDS)
            with playing(folder / "commands", COMMANDS):
                commands = one_command.measure(folder / "commands", COMMANDS, 3, say)
    return {"looks": looks, "one_command": commands}


def _row(folder: Path, hosts: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One row of the table: a look. None where it did not end as it should, which is said: the other rows count all the same."""
    with tempfile.TemporaryDirectory() as reports:
        try:
            return [_told(looked(folder, Path(reports)), hosts, "", say)]
        except VoxgateError as error:
            say(f"  {hosts} hosts: not measured: {error.text[-1500:]}")
            return []


def _shards(folder: Path, hosts: int, shards: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Two rows: a look in so many shards, one after the other as on as many machines, of which the longest counts, and the
    joining of them, which judges all of it once more. What did not end as it should is said, and has no row.
    """
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        reports = [Path(name, str(number)) for number in range(1, shards + 1)]
        try:
            parts = [looked(folder, path, "--shard", f"{at}/{shards}") for at, path in enumerate(reports, 1)]
            longest = max(parts, key=lambda part: part["seconds"])
            rows.append(_told(longest, hosts, f", the longest of {shards} shards", say))
            rows.append(_told(_merged(folder, reports), hosts, f", {shards} shards joined by `voxgate merge`", say))
        except VoxgateError as error:
            say(f"  {hosts} hosts in {shards} shards: not measured: {error.text[-1500:]}")
    return rows


def _told(row: dict[str, Any], hosts: int, how: str, say: Callable[[str], None]) -> dict[str, Any]:
    say(f"  {hosts} hosts{how}: {row['judged']:,} judged, {row['seconds']:.1f} s, {row['mb']:.0f} MB, {row['counts']}")
    return {**row, "hosts": hosts, "workers": 20, "as": how}


def _recorded(folder: Path, say: Callable[[str], None]) -> Path:
    """The evidence of a look at the lab whose large host has twenty workers."""
    say("  recording a host with twenty workers")
    place = places.made(folder / "lab")
    calls.lab("ordinary", "--leave", WORKERS)
    try:
        calls.with_workers(place.estate_file)
        words = ["--estate", str(place.estate_file), "--reports", str(folder / "recorded"), "--html", "never", "-q"]
        run(gate(*words), fine=BLIND)
    finally:
        calls.lab("mend", WORKERS)
    return folder / "recorded" / "latest" / "evidence"


def made(folder: Path, evidence: Path, hosts: int) -> None:
    """All that ``player`` reads, and an estate in ``hosts/`` that says how they are reached."""
    (folder / "hosts").mkdir(parents=True)
    folder.chmod(0o755)
    names = {f"fleet-{number}": address_of(number) for number in range(1, hosts + 1)}
    workers = [f"{name}/{worker}" for name in names for worker in range(1, 21)]
    pins = []
    said = {asked: (evidence / look / "hosts" / f"{LARGE_FLEET}.json").read_text() for asked, look in _LOOKS.items()}
    pages = _pages(json.loads((evidence / "second" / "answers.json").read_text())["answers"], workers)
    for name, address in names.items():
        key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        (folder / name).write_bytes(key)
        (folder / name).chmod(0o600)
        public = paramiko.Ed25519Key.from_private_key_file(str(folder / name))
        pins.append(f"[{address}]:{PORT} {public.get_name()} {public.get_base64()}\n")
        for asked, text in said.items():
            (folder / f"{name}.{asked}.json").write_text(_renamed(text, name, address))
        (folder / f"{name}.pages.json").write_text(_renamed(pages, name, address, but='"workers'))
    (folder / "hosts.json").write_text(json.dumps(names))
    (folder / "known_hosts").write_text("".join(pins) + lab_places.known_hosts().read_text())
    shutil.copy(f"{lab_places.identity()}.pub", folder / "authorized_keys")
    (folder / "sshd_config").write_text(SSHD.format(folder=folder))
    (folder / "sudo").write_text(SUDO)
    (folder / "sudo").chmod(0o755)
    for file, line in (("passwd", "deploy:x:0:0::/tmp:/bin/bash\n"), ("shadow", "deploy:*:20000::::::\n")):
        (folder / file).write_text(Path("/etc", file).read_text() + line)
    _estate(folder, names)


_LOOKS = {"brief": "first", "whole": "second"}


def _renamed(text: str, name: str, address: str, but: str = "") -> str:
    """What the recorded host said, as this one: lines with ``but`` in them are of all hosts, and stay."""
    lines = []
    for line in text.splitlines(keepends=True):
        here = line if but and but in line else re.sub(rf"\b{LARGE_FLEET}(?![0-9])", name, line)
        lines.append(here.replace("198.51.100.31", address))
    return "".join(lines)


def _pages(answers: Sequence[Mapping[str, Any]], workers: Sequence[str]) -> str:
    """What the recorded host's workers answered, a page a line: port, path, body; the fleet's sum is of all workers."""
    found: dict[str, dict[str, str]] = {}
    for row in answers:
        asked = row["question"]
        if asked["host"] == LARGE_FLEET and asked["port"] > 8100 and isinstance(row.get("body"), str):  # noqa: PLR2004
            body = row["body"]
            if '"fleet_available"' in body:
                total = {"worker_max": len(workers), "fleet_available": len(workers), "workers": list(workers)}
                body = json.dumps({**json.loads(body), **total})
            found.setdefault(str(asked["port"]), {})[asked["path"]] = body
    return json.dumps(found, indent=0)


def _estate(folder: Path, names: Mapping[str, str]) -> None:
    """An estate of fleet hosts alone, with a services.toml that has no other service."""
    text = (ROOT / "hosts" / "services.toml").read_text()
    fleet = next(part for part in re.split(r"(?m)^(?=\[)", text) if part.startswith("[fleet]"))
    (folder / "hosts" / "services.toml").write_text(fleet)
    shutil.copytree(ROOT / "hosts" / "units", folder / "hosts" / "units")
    estate = ESTATE.format(
        forge=places.FORGE,
        store=STORE,
        identity=lab_places.identity(),
        known_hosts=folder / "known_hosts",
        cache="{cache}",
    )
    for name, address in names.items():
        estate += f'\n[hosts.{name}]\naddress = "{address}"\nport = {PORT}\nroles = ["fleet"]\nworkers = 20\n'
    (folder / "hosts" / "many.toml").write_text(estate)


@contextmanager
def playing(folder: Path, hosts: int) -> Iterator[None]:
    """All of them there, as long as the block. Raises VoxgateError where they do not come up."""
    addresses = [f"{address_of(number)}/32" for number in range(1, hosts + 1)]
    batch = "".join(f"address add {address} dev lo\n" for address in addresses)
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    command = ["unshare", "--mount", "--propagation", "private", "prlimit", f"--nofile={min(most, 65536)}"]
    argv = [*command, sys.executable, "-m", "bench.player", str(folder)]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()) as child:
        try:
            if child.stdout is None or child.stdout.readline() != "ready\n":
                raise VoxgateError("the hosts that are played did not come up", where=str(folder))
            yield
        finally:
            if child.stdin is not None:
                child.stdin.close()
            child.wait(timeout=60)
            subprocess.run(["ip", "-batch", "-"], input=batch.replace(" add ", " del "), text=True, check=True)


def looked(folder: Path, reports: Path, *words: str) -> dict[str, Any]:
    """One look, measured as ``_process`` does; its run is in ``reports``."""
    estate = ["--estate", str(folder / "hosts" / "many.toml"), "--reports", str(reports), "--html", "never", "-q"]
    return _process(gate(*estate, *words), ROOT, folder / "look.log", reports)


def _merged(folder: Path, parts: Sequence[Path]) -> dict[str, Any]:
    """Runs of parts joined, measured as ``_process`` does."""
    with tempfile.TemporaryDirectory() as reports:
        argv = [sys.executable, "-m", "voxgate.cli.main", "merge", *(str(part / "latest") for part in parts)]
        return _process([*argv, "--reports", reports, "--html", "never"], folder, folder / "merge.log", Path(reports))


def _process(argv: Sequence[str], cwd: Path, log: Path, reports: Path) -> dict[str, Any]:
    """A process that is measured alone: seconds, processor with that of its children, memory of the largest process of it, and
    the counts of the run that is then in ``reports``. Raises VoxgateError where it does not end, or ends otherwise than a look
    does.
    """
    began = time.perf_counter()
    with log.open("w") as out:
        child = subprocess.Popen(list(argv), cwd=cwd, stdout=out, stderr=out, env=environment())
        late = threading.Timer(DEADLINE, child.kill)
        late.start()
        _, status, used = os.wait4(child.pid, 0)
        late.cancel()
    took = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in BLIND:
        raise VoxgateError(f"it ended with {child.returncode} after {took:.0f} s", where=" ".join(argv)[:300], why=_last(log))
    verdict = json.loads((reports / "latest" / "verdict.json").read_text())
    if kept := os.environ.get("BENCH_KEEP"):  # what a person wants to look at afterwards
        shutil.copytree(reports / "latest", kept, dirs_exist_ok=True)
    return {
        "seconds": round(took, 2),
        "cpu": round(used.ru_utime + used.ru_stime, 2),
        "mb": round(used.ru_maxrss / 1024),
        "judged": ours.judged(verdict),
        "counts": verdict["counts"],
    }


def _last(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-2000:]
