"""The gate as its users run it: a process of its own, against the embedded estate. Nothing here is faked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.hosts import must
from lab.proving.byte_code import keep_byte_code
from tests.lab.sharing import modules_of, run_or_leave, turn_of_this_run
from voxgate.contracts.json_strict import loads
from voxgate.contracts.schemas import check

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
DEADLINE = 300


@dataclass(frozen=True)
class GateRun:
    """One run of the gate: how it ended, what it printed, where it reported."""

    status: int
    said: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        """``verdict.json``, checked by its schema."""
        document = loads((self.folder / "verdict.json").read_bytes(), limit=64 * 1024 * 1024)
        check("verdict", document)
        return dict(document)

    @property
    def judged(self) -> dict[str, str]:
        """Each judgement: id to verdict."""
        return {one["id"]: one["verdict"] for one in self.verdict["invariants"]}

    @property
    def red(self) -> set[str]:
        """Ids of what does not hold."""
        return {key for key, verdict in self.judged.items() if verdict != "holds"}


Gate = Callable[..., GateRun]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Sessions side by side share the tests."""
    return run_or_leave(item, nextitem)


def fresh_lab() -> None:
    """Hosts on which nothing was ever deployed."""
    for command in ("down", "up"):
        lab_command(command)


@pytest.fixture(scope="session", autouse=True)
def _fresh_lab() -> None:
    """Whatever an earlier session left: one held service would refuse every deploy."""
    fresh_lab()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What leaves a fresh lab behind it comes first. With ``TURN=2/3`` there are only the modules whose turn it is."""
    items.sort(key=lambda item: item.path.name != "test_shapes.py")
    mine = modules_of(turn_of_this_run(), {item.path.name for item in items if item.path.parent == FOLDER})
    left = [item for item in items if item.path.parent == FOLDER and item.path.name not in mine]
    items[:] = [item for item in items if item.path.parent != FOLDER or item.path.name in mine]
    config.hook.pytest_deselected(items=left)


def run_gate(arguments: Sequence[str], reports: Path, *, cwd: Path = ROOT, prefix: Sequence[str] = ()) -> GateRun:
    """Run pytest as a user does."""
    argv = [*prefix, sys.executable, "-m", "pytest", "--reports", str(reports), "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(
        argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DEADLINE, check=False, stdin=subprocess.DEVNULL
    )
    said = done.stdout.decode("utf-8", "replace")
    assert "Traceback (most recent call last)" not in said, said
    return GateRun(done.returncode, said, (reports / "latest").resolve())


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> GateRun:
    """All four services, newest releases, through the gate: with the page, as ``make gate`` makes it. From then on, workers start
    from byte code.
    """
    done = run_gate(["--estate", "lab", "--deploy", "all"], tmp_path_factory.mktemp("deployed"))
    assert done.status == 0, done.said
    keep_byte_code()
    return done


@pytest.fixture
def gate(deployed: GateRun, tmp_path: Path) -> Gate:
    """Run the gate on the lab, where everything was deployed once: ``gate("--deploy", "backend")``."""
    assert deployed.status == 0

    def run(*arguments: str, **more: Any) -> GateRun:
        return run_gate(["--estate", "lab", "--html", "never", *arguments], tmp_path / "reports", **more)

    return run


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key to sign with; the file ``signers`` beside it knows it."""
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    (tmp_path / "signers").write_text(f'gate@example.com namespaces="voxgate" {path.with_suffix(".pub").read_text()}')
    return path


def on_host(host: str, *argv: str) -> str:
    """What a root command says on a host: by another way than the gate's own."""
    return must(host, list(argv)).strip()


def lab_command(*words: str) -> None:
    """One command of the lab, as a user types it: ``lab break worker-stopped``. The first ``up`` of all makes the image."""
    subprocess.run([sys.executable, "-m", "lab.cli", *words], cwd=ROOT, check=True, timeout=900)


def head_of(host: str, repository: str) -> str:
    """The commit that is checked out."""
    return on_host(host, "git", "-c", "safe.directory=*", "-C", f"/opt/{repository}", "rev-parse", "HEAD")


def known_good(host: str, service: str) -> dict[str, Any]:
    """The last known good that the gate wrote there."""
    return dict(json.loads(on_host(host, "cat", f"/var/lib/voxgate/{service}/last-known-good.json")))


def ledger(host: str, service: str) -> list[dict[str, Any]]:
    """What the gate did there, one event a line, the verdict of the last run at the end."""
    return [json.loads(line) for line in on_host(host, "cat", f"/var/lib/voxgate/{service}/ledger.jsonl").splitlines()]
