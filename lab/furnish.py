"""What a good operator puts on each host before its first boot: keys, units, settings, sudoers, checkouts."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab import estate, history, places
from voxgate.moves.builder import built as builder
from voxgate.probe.built import program

if TYPE_CHECKING:
    from lab.estate import Host, Service
    from lab.keys import Keys

ROOT, VOX, DEPLOY, GIT = 0, 990, 1000, 1001
SHARED = "/etc/systemd/system/multi-user.target.wants"
SYSTEM_UNITS = {
    "data": ("redis-server.service", "mongod.service", "s3.service"),
    "api": ("nginx.service", "haproxy.service"),
    "sip": ("containerd.service", "docker.service"),
}
ENGINE = ("docker.service", "docker.socket", "containerd.service")
PROBE = "/usr/local/sbin/voxgate-probe"
BUILDER = "/usr/local/libexec/voxgate-build"


@dataclass(frozen=True, slots=True)
class Tree:
    """A host's file tree, written from outside before it boots; paths are the host's own."""

    top: Path

    def at(self, path: str) -> Path:
        """The path as seen from here."""
        return self.top / path.lstrip("/")

    def write(self, path: str, content: str | bytes, *, owner: int = ROOT, mode: int = 0o644) -> None:
        """Write a whole file; missing folders above it are the owner's."""
        where = self.at(path)
        self.folder(str(Path(path).parent), owner=owner)
        where.touch(mode=0o600)
        where.write_bytes(content.encode() if isinstance(content, str) else content)
        os.chown(where, owner, owner)
        where.chmod(mode)

    def folder(self, path: str, *, owner: int = ROOT) -> None:
        """Make a folder where it is missing, and those above it."""
        where = self.at(path)
        if not where.exists():
            self.folder(str(Path(path).parent), owner=owner)
            where.mkdir(mode=0o755)
            os.chown(where, owner, owner)

    def copy(self, source: Path, path: str, *, owner: int) -> None:
        """Copy a whole folder from this machine."""
        where = self.at(path)
        self.folder(str(Path(path).parent), owner=owner if path.startswith("/home/") else ROOT)
        shutil.copytree(source, where, symlinks=True)
        for folder, _, names in os.walk(where):
            os.chown(folder, owner, owner)
            for name in names:
                os.chown(Path(folder) / name, owner, owner, follow_symlinks=False)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link, in place of what is there."""
        where = self.at(path)
        self.folder(str(Path(path).parent))
        where.unlink(missing_ok=True)
        where.symlink_to(target)


@dataclass(frozen=True, slots=True)
class Plan:
    """What all hosts are furnished from."""

    hosts: tuple[Host, ...]
    keys: Keys
    planted: dict[str, dict[str, str]]


def known_values(hosts: tuple[Host, ...]) -> dict[str, str]:
    """The settings that are no secrets, with the values that work in this lab."""
    data = next(host.address for host in hosts if host.role == "data")
    sip = next(host.address for host in hosts if host.role == "sip")
    return {
        "MONGODB_URI": f"mongodb://{data}:27017/vox",
        "REDIS_URL": f"redis://{data}:6379/0",
        "S3_ENDPOINT": f"http://{data}:9000",
        "LIVEKIT_URL": f"ws://{sip}:7880",
        "DIALLER_TICK_SECONDS": "1",
        "SIP_TRUNK_ID": "ST_lab",
    }


def furnish(tree: Tree, host: Host, plan: Plan) -> None:
    """Everything a host needs before its first boot, but the checkouts."""
    _itself(tree, host, plan)
    _keys(tree, host, plan)
    _role(tree, host, plan)
    tree.at("/var/lib/voxgate").chmod(0o700)
    for unit in host.unit_files:
        tree.write(f"/etc/systemd/system/{unit}", estate.unit_text(unit))
    if host.services:
        tree.write("/etc/systemd/system/voxgate-build@.service", estate.unit_text("voxgate-build@.service"))
    for service in host.services:
        tree.folder(f"/var/lib/voxbuild/{service.repository}")
        tree.folder(f"/var/lib/voxbuild/{service.repository}/in", owner=DEPLOY)
    tree.write("/etc/sudoers.d/voxgate", sudoers(host), mode=0o440)


def repositories(trees: dict[str, Tree], plan: Plan) -> None:
    """The bare repositories on the forge, and on each host its clones, nothing checked out yet."""
    forge = next(host for host in plan.hosts if host.role == "forge")
    there = f"/home/git/{estate.WORKSPACE}"
    names = [service.repository for service in estate.services()]
    with history.repositories(names, f"git@{forge.address}:{estate.WORKSPACE}") as made:
        for name in names:
            trees[forge.name].copy(made / f"{name}.git", f"{there}/{name}.git", owner=GIT)
        for host in plan.hosts:
            for service in host.services:
                trees[host.name].copy(made / service.repository, service.folder, owner=DEPLOY)


def settings(tree: Tree, host: Host, service: Service, plan: Plan) -> None:
    """The service's .env, for nobody but the user that runs it."""
    if service.settings:
        values = known_values(plan.hosts) | plan.planted[host.name]
        lines = "".join(f"{name}={values[name]}\n" for name in service.settings)
        tree.write(f"{service.folder}/.env", lines, owner=VOX, mode=0o600)


def sudoers(host: Host) -> str:
    """What deploy may do as root: these commands, word for word."""
    lines = ["# What the gate may do as root: exact commands, no wildcard."]
    lines += [
        f"deploy ALL=(root) NOPASSWD: /usr/bin/systemctl {verb} {unit}"
        for unit in host.units
        for verb in ("restart", "start", "stop", "reset-failed")
    ]
    lines += [
        f"deploy ALL=(root) NOPASSWD: /usr/bin/systemctl {verb} voxgate-build@{service.repository}.service"
        for service in host.services
        for verb in ("restart", "stop")
    ]
    lines.append(f'deploy ALL=(root) NOPASSWD: {PROBE} ""')
    return "\n".join(lines) + "\n"


def probe(tree: Tree) -> bool:
    """Bring the installed probe, and the program that builds, up to date; whether one had to be."""
    fresh = [_program(tree, *one) for one in ((PROBE, program()), (BUILDER, builder.program()))]
    return any(fresh)


def _program(tree: Tree, path: str, wanted: bytes) -> bool:
    there = tree.at(path)
    if there.exists() and there.read_bytes() == wanted:
        return False
    tree.write(path + ".new", wanted, mode=0o755)
    tree.at(path + ".new").replace(there)
    return True


def _itself(tree: Tree, host: Host, plan: Plan) -> None:
    names = "".join(f"{one.address} {one.name}\n{one.address6} {one.name}\n" for one in plan.hosts)
    tree.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{names}")
    tree.write("/etc/hostname", f"{host.name}\n")
    tree.write("/etc/lab-network", f"ADDRESS={host.address}\nADDRESS6={host.address6}\n")
    tree.write("/etc/machine-id", hashlib.md5(host.name.encode(), usedforsecurity=False).hexdigest() + "\n", mode=0o444)


def _keys(tree: Tree, host: Host, plan: Plan) -> None:
    own, fetch = plan.keys.host[host.name], plan.keys.fetch[host.name]
    tree.write("/etc/ssh/ssh_host_ed25519_key", own.private, mode=0o600)
    tree.write("/etc/ssh/ssh_host_ed25519_key.pub", own.public)
    home = "/home/deploy/.ssh"
    tree.write(f"{home}/authorized_keys", plan.keys.login.public, owner=DEPLOY, mode=0o600)
    tree.write(f"{home}/id_ed25519", fetch.private, owner=DEPLOY, mode=0o600)
    tree.write(f"{home}/id_ed25519.pub", fetch.public, owner=DEPLOY)
    at = next(one for one in plan.hosts if one.role == "forge")
    kind, key = plan.keys.host[at.name].public.split()[:2]
    tree.write(f"{home}/known_hosts", f"{at.address},{at.address6},{at.name} {kind} {key}\n", owner=DEPLOY)
    if host.role == "forge":
        tree.write("/home/git/.ssh/authorized_keys", plan.keys.may_fetch, owner=GIT, mode=0o600)


def _role(tree: Tree, host: Host, plan: Plan) -> None:
    files = places.RECIPE / "roles" / host.role
    for path in sorted(files.rglob("*")):
        if path.is_file():
            tree.write(f"/{path.relative_to(files)}", path.read_bytes())
    for unit in SYSTEM_UNITS.get(host.role, ()):
        own = (files / "etc/systemd/system" / unit).exists()
        tree.link(f"{SHARED}/{unit}", f"{'/etc' if own else '/usr/lib'}/systemd/system/{unit}")
    if host.role != "sip":
        for unit in ENGINE:
            tree.link(f"/etc/systemd/system/{unit}", "/dev/null")
    if host.role == "api":
        tree.write("/etc/haproxy/haproxy.cfg", haproxy(plan.hosts))
    if host.role == "data":
        secret = plan.planted[host.name]
        pair = f"{secret['S3_ACCESS_KEY']},{secret['S3_SECRET_KEY']}"
        # The inner quotes are rclone's (it reads a list), the outer ones systemd's. As an argument all could see it.
        tree.write("/etc/s3.env", f"RCLONE_AUTH_KEY='\"{pair}\"'\n", mode=0o600)


def haproxy(hosts: tuple[Host, ...]) -> str:
    """HAProxy's configuration: a server for each worker of the fleet."""
    servers = "".join(
        f"\tserver {host.name}-{worker} {host.address}:{8100 + worker}\n"
        for host in hosts
        for worker in range(1, host.workers + 1)
    )
    return (places.RECIPE / "haproxy.cfg").read_text() + servers


def fingerprint() -> str:
    """The hash of all that a running lab was furnished from, besides its image and the probe (which `up` refreshes)."""
    whole = hashlib.sha256()
    paths = [
        *(places.ROOT / "lab").glob("*.py"),
        *places.UNITS.glob("*"),
        *(places.ROOT / "hosts").glob("[ls]*.toml"),
    ]
    for top in (places.RECIPE, places.SERVICES, places.RELEASES):
        paths += history.files(top).values()
    for path in sorted(paths):
        whole.update(f"{path.relative_to(places.ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]
