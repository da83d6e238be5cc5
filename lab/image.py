"""The images of the hosts: layers, each a folder built once and kept by the hash of what it is made of.

``debian`` is a rootfs by mmdebstrap; ``system`` adds the tools, users and settings; ``caches`` what uv and npm need to
work without a network; ``builds`` gives these to the account that builds. A changed lock file builds the last two anew, nothing
else. ``bookworm`` and ``system12`` are the same for a host of Debian 12, with what a data host needs. ``pool`` and ``pool12``
hold packages that a host can install without a network: what ordinary things are made of.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab import cgroup, estate, places
from lab.commands import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

BUILDING = ".building-"
GROUP = "build"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# What a machine may say about its way to the registries; passed on to the builds, never stored.
PASSED_ON = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "NPM_CONFIG_REGISTRY")
PYTHON_LOCK = ("pyproject.toml", "uv.lock")
NODE_LOCK = ("package.json", "package-lock.json")


STACKS = {
    estate.NEWER: ("debian", "system", "caches", "builds", "pool"),
    estate.OLDER: ("bookworm", "system12", "pool12"),
}
ROOTFS = {"debian": (estate.NEWER, "packages.txt"), "bookworm": (estate.OLDER, "packages12.txt")}
POOL = "var/cache/ordinary"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: what it is made of, and how; ``below`` names the one that it is put on, empty for none."""

    name: str
    below: str
    made_of: tuple[bytes, ...]
    build: Callable[[str, Path, tuple[Path, ...]], None]

    def digest(self, below: str) -> str:
        """The hash of the layer's content, given that of the layers below."""
        whole = hashlib.sha256(f"{below} {self.name}".encode())
        for part in self.made_of:
            whole.update(hashlib.sha256(part).digest())
        return whole.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Locks:
    """The distinct lock files of all services and releases, with their manifests."""

    python: tuple[tuple[bytes, bytes], ...]
    node: tuple[tuple[bytes, bytes], ...]


def layers() -> tuple[Layer, ...]:
    """All layers, each after the one below it."""
    locks = all_locks()
    locked = [part for pair in (*locks.python, *locks.node) for part in pair]
    tree = sorted(path for path in (places.RECIPE / "tree").rglob("*") if path.is_file())
    named = tuple(f"{path.relative_to(places.RECIPE)} {path.stat().st_mode:o}".encode() for path in tree)
    put = (*named, *(path.read_bytes() for path in tree))
    return (
        Layer("debian", "", (_read("packages.txt"), estate.NEWER.encode()), _rootfs),
        Layer("system", "debian", (*put, _read("system.sh"), _read("wheels.txt"), _read("stores.txt")), _tools),
        Layer("caches", "system", (_read("caches.sh"), *locked), _caches),
        Layer("builds", "caches", (_read("builds.sh"),), _builds),
        Layer("pool", "debian", (_read("pool.sh"), _read("pool.txt")), _packages),
        Layer("bookworm", "", (_read("packages12.txt"), estate.OLDER.encode()), _rootfs),
        Layer("system12", "bookworm", (*put, _read("system12.sh"), _read("wheels.txt"), _read("stores.txt")), _tools),
        Layer("pool12", "bookworm", (_read("pool.sh"), _read("pool12.txt")), _packages),
    )


def folders() -> dict[str, Path]:
    """Where each layer stands when built, by its name."""
    digests: dict[str, str] = {}
    for layer in layers():
        digests[layer.name] = layer.digest(digests.get(layer.below, ""))
    return {name: places.layers() / f"{name}-{digest}" for name, digest in digests.items()}


def stack(release: str) -> tuple[Path, ...]:
    """The layers of a host of that Debian, lowest first."""
    where = folders()
    return tuple(where[name] for name in STACKS[release])


def mark() -> str:
    """The hash of all layers."""
    return hashlib.sha256(" ".join(folder.name for folder in folders().values()).encode()).hexdigest()[:16]


def build(say: Callable[[str], None]) -> None:
    """Build what is missing, at once what does not stand on each other; older ones of the same name are removed."""
    places.layers().mkdir(parents=True, exist_ok=True)
    _sweep()
    where, all_layers = folders(), layers()
    on = {layer.name: layer.below for layer in all_layers}
    coming: dict[str, Future[None]] = {}

    def make(layer: Layer) -> None:
        if layer.below:
            coming[layer.below].result()
        if where[layer.name].exists():
            return
        below: list[Path] = []
        name = layer.below
        while name:
            below.insert(0, where[name])
            name = on[name]
        _build(layer, where[layer.name], tuple(below), say)

    with ThreadPoolExecutor(len(all_layers)) as pool:  # one each: a layer waits for the one below
        for layer in all_layers:
            coming[layer.name] = pool.submit(make, layer)
    for made in coming.values():
        made.result()


def _build(layer: Layer, folder: Path, below: tuple[Path, ...], say: Callable[[str], None]) -> None:
    start = time.monotonic()
    say(f"image: building {layer.name} (once; log: {places.log(f'image-{layer.name}')})")
    draft = folder.with_name(BUILDING + layer.name)
    draft.mkdir()
    layer.build(layer.name, draft, below)
    (draft / "tree").rename(folder)
    shutil.rmtree(draft)
    say(f"image: {layer.name} built in {time.monotonic() - start:.0f} s")
    for old in places.layers().glob(f"{layer.name}-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


def all_locks() -> Locks:
    """Every distinct pair of manifest and lock file in the services and their releases."""
    python: set[tuple[bytes, bytes]] = set()
    node: set[tuple[bytes, bytes]] = set()
    for service in sorted(places.SERVICES.glob("vox-*")):
        trees = [service, *sorted((places.RELEASES / service.name).glob("*"))]
        for names, found in ((PYTHON_LOCK, python), (NODE_LOCK, node)):
            for tree in trees:
                pair = [(tree if (tree / name).exists() else service) / name for name in names]
                if all(path.exists() for path in pair):
                    found.add((pair[0].read_bytes(), pair[1].read_bytes()))
    return Locks(tuple(sorted(python)), tuple(sorted(node)))


def _read(name: str) -> bytes:
    return (places.RECIPE / name).read_bytes()


def _sweep() -> None:
    """Remove what a killed build left."""
    for draft in places.layers().glob(f"{BUILDING}*"):
        shutil.rmtree(draft)


def _rootfs(name: str, draft: Path, _: tuple[Path, ...]) -> None:
    release, packages = ROOTFS[name]
    argv = ["mmdebstrap", "--variant=minbase", f"--include={','.join(_read(packages).decode().split())}"]
    argv += ["--keyring=/usr/share/keyrings/debian-archive-keyring.gpg"]
    argv += [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("doc", "man", "locale", "info")]
    argv += ["--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Languages "none"', release, str(draft / "tree")]
    _alone(argv, name, deadline=900)
    # A mount point for the machine's resolver while building; the hosts have none.
    resolver = draft / "tree" / "etc" / "resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.touch()


def _tools(name: str, draft: Path, below: tuple[Path, ...]) -> None:
    with _stage(draft) as stage:
        shutil.copytree(places.RECIPE, stage / "recipe")
        # By their hashes; what the layer is made of are the names and versions beside.
        shutil.copy(places.RECIPE / "stores.lock.txt", stage / "recipe" / "stores.txt")
        run([*_installer(), "--target", stage / "wheels", "-r", places.RECIPE / "wheels.lock.txt"], deadline=300)
        _in_image(draft, below, stage, f"recipe/{name}.sh", name)


def _packages(name: str, draft: Path, below: tuple[Path, ...]) -> None:
    with _stage(draft) as stage:
        shutil.copy(places.RECIPE / "pool.sh", stage)
        shutil.copy(places.RECIPE / f"{name}.txt", stage / "pool.txt")
        _in_image(draft, below, stage, "pool.sh", name)
    # Nothing else of what apt left: what a host has installed is the other layers' matter.
    whole = draft / "tree"
    whole.rename(draft / "whole")
    (whole / POOL).parent.mkdir(parents=True)
    (draft / "whole" / POOL).rename(whole / POOL)


def _caches(name: str, draft: Path, below: tuple[Path, ...]) -> None:
    locks = all_locks()
    with _stage(draft) as stage:
        shutil.copytree(places.RECIPE, stage / "recipe")
        for kind, names, pairs in (("python", PYTHON_LOCK, locks.python), ("node", NODE_LOCK, locks.node)):
            for number, pair in enumerate(pairs):
                folder = stage / "locks" / kind / str(number)
                folder.mkdir(parents=True)
                for file, content in zip(names, pair, strict=True):
                    (folder / file).write_bytes(content)
        _in_image(draft, below, stage, "recipe/caches.sh", name)


def _builds(name: str, draft: Path, below: tuple[Path, ...]) -> None:
    with _stage(draft) as stage:
        shutil.copytree(places.RECIPE, stage / "recipe")
        _in_image(draft, below, stage, "recipe/builds.sh", name)


@contextmanager
def _stage(draft: Path) -> Iterator[Path]:
    stage = draft / "stage"
    stage.mkdir(mode=0o755)
    yield stage


def _installer() -> list[str]:
    """The command that installs wheels into a folder: the uv that runs us, or pip."""
    found = os.environ.get("UV") or shutil.which("uv")
    tool = [found, "pip"] if found else [sys.executable, "-m", "pip"]
    return [*tool, "install", "--quiet", "--no-deps", "--require-hashes"]


def _in_image(draft: Path, below: tuple[Path, ...], stage: Path, script: str, layer: str) -> None:
    """Run a script of the recipe in the image, on this machine's network; what it writes is the new layer."""
    for name in ("tree", "work", "root"):
        (draft / name).mkdir(mode=0o755)
    lower = ":".join(str(folder) for folder in reversed(below))
    nspawn = ["systemd-nspawn", f"--directory={draft}/root", f"--machine=voxgate-build-{layer}", "--register=no", "--keep-unit"]
    nspawn += ["--as-pid2", "--console=pipe", "--quiet", "--resolv-conf=bind-host", "--settings=no"]
    nspawn += [f"--bind-ro={stage}:/mnt", "--setenv=UV_REQUIRE_HASHES=1"]
    nspawn += [f"--setenv={name}={os.environ[name]}" for name in _passed_on()]
    if CERTIFICATES.exists():
        nspawn += [f"--bind-ro={CERTIFICATES}"]
        nspawn += [f"--setenv={name}={CERTIFICATES}" for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")]
    mount = f"lowerdir={lower},upperdir={draft}/tree,workdir={draft}/work"
    shell = f'mount -t tmpfs lab /run && mount -t overlay lab -o {mount} {draft}/root && exec "$@"'
    _alone(["sh", "-ec", shell, "sh", *nspawn, "/bin/sh", f"/mnt/{script}"], layer, deadline=900)


def _passed_on() -> list[str]:
    return [name for known in PASSED_ON for name in (known, known.lower()) if name in os.environ]


def _alone(argv: list[str], layer: str, *, deadline: float) -> None:
    """Run a build in namespaces of its own and the lab's cgroup: it cannot outlive us, nor leave a mount."""
    sink, group = places.log(f"image-{layer}"), f"{GROUP}-{layer}"
    with suppress(FileNotFoundError):
        sink.unlink()
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", *argv]
    try:
        run(cgroup.joined(group, ["setpriv", "--pdeathsig", "KILL", *alone]), deadline=deadline, log=sink)
    finally:
        cgroup.remove(group)
