"""As a package: the wheel, in an environment and a folder that know nothing of this one, judges a saved look and an own check.

It needs uv, and the packages of ``uv.lock`` in uv's cache: nothing is fetched.
"""

from __future__ import annotations

import ast
import json
import os
import re
import socket
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import voxgate
from tests.built import BUILDER, PROBE
from tests.uv import UV
from voxgate.cli.main import main
from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import names
from voxgate.model.evidence import known
from voxgate.model.installed import INSTALL_BUILDER, INSTALL_PROBE
from voxgate.model.invariant import expected
from voxgate.survey.saving import load

ROOT = Path(__file__).resolve().parents[2]
SAVED = ROOT / "tests/unit/evidence"
OWN = """
def test_ours(evidence):
    assert "api-1" in evidence.second.hosts
"""


def done(cwd: Path, *argv: str, status: int = 0, **env: str) -> str:
    """What a command prints, which has to end with ``status``: without anything that this process was started with."""
    ours = ("PYTEST_", "VOXGATE_", "VIRTUAL_", "PYTHON", "UV_PROJECT")
    outer = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    ended = subprocess.run(argv, cwd=cwd, env=outer | env, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def estate_of_the_look() -> str:
    """The lab's estate file, with the keys that the saved look found: those of another lab's are others."""
    seen = sorted({one.fingerprint for one in known(load(SAVED).second.host("data").keys).keys})
    text = (ROOT / "hosts/lab.toml").read_text("utf-8")
    text, count = re.subn(r'"\{cache\}/lab/id_ed25519\.pub"', ", ".join(map(json.dumps, seen)), text)
    assert count
    return text


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    done(ROOT, UV, "build", "--offline", "--quiet", "--wheel", "--out-dir", str(folder))
    return next(folder.glob("*.whl"))


def test_the_wheel_has_what_judges_and_no_lab(wheel: Path) -> None:
    packed = zipfile.ZipFile(wheel)
    inside = set(packed.namelist())
    for name in ("suites", "schemas", "hosts/units"):
        here = {
            path.relative_to(ROOT / name).as_posix()
            for path in (ROOT / name).rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }
        assert {f"voxgate/data/{name}/{path}" for path in here} <= inside
    assert {"voxgate/data/hosts/services.toml", "voxgate/py.typed"} <= inside
    assert {"voxgate/probe/main.py", "voxgate/moves/builder/main.py", "voxgate/deploy/on_host/main.py"} <= inside
    assert {name.partition("/")[0] for name in inside} == {"voxgate", f"voxgate-{voxgate.__version__}.dist-info"}
    assert not [name for name in inside if name.endswith(".pyc")]
    told = packed.read(f"voxgate-{voxgate.__version__}.dist-info/entry_points.txt").decode()
    assert "voxgate.plugin.entry" in told
    assert "lab" not in told


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has voxgate from the wheel, and nothing of this checkout."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "venv/bin/python"
    # What uv.lock says, for other versions need not be in the cache; and of voxgate the wheel alone.
    sync = (UV, "sync", "--locked", "--offline", "--quiet", "--no-dev", "--no-install-project", "--python", sys.executable)
    done(ROOT, *sync, UV_PROJECT_ENVIRONMENT=str(folder / "venv"))
    done(folder, UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(python), str(wheel))
    return python


def test_installed_elsewhere_it_judges(installed: Path, tmp_path: Path) -> None:
    """A folder made by ``voxgate init``, a check of its own, a saved look: each invariant is judged."""
    team, python = tmp_path / "Our Hosts", installed
    made = done(tmp_path, str(python.with_name("voxgate")), "init", str(team), "--estate", "lab")
    assert "hosts/lab.toml" in made
    (team / "hosts/lab.toml").write_text(estate_of_the_look())
    (team / "suites/test_ours.py").write_text(OWN)
    said = done(team, str(python), "-m", "pytest", "--estate", "lab", "--evidence", str(SAVED), "--html", "never", "-q")
    verdict: dict[str, Any] = json.loads((team / "reports/latest/verdict.json").read_text("utf-8"))
    judged = {one["id"]: one["verdict"] for one in verdict["invariants"]}
    rules = {one.id for one in expected(read_catalogue(), load_estate("lab"), names(), deploying=frozenset())}
    assert judged.keys() == {*rules, "test_ours.py::test_ours"}, said
    assert set(judged.values()) == {"holds"}, said
    assert (verdict["verdict"], verdict["missing"]) == ("holds", [])
    assert str(ROOT) not in done(team, str(python), "-c", "import voxgate; print(voxgate.__file__)")


@pytest.mark.parametrize("flaw", ["", "another-name"])
def test_a_contract_needs_no_checkout(installed: Path, tmp_path: Path, flaw: str) -> None:
    """In an empty folder a service is started, asked and judged by what comes with the package."""
    with socket.create_server(("127.0.0.1", 0)) as here:
        port = here.getsockname()[1]
    started = f"{sys.executable} {ROOT}/tests/unit/promises/service.py backend {port} {flaw}"
    (tmp_path / "contract.toml").write_text(f'service = "backend"\nat = "http://127.0.0.1:{port}"\nstart = "{started}"\n')
    with socket.create_server(("127.0.0.1", 0)) as store:
        uri = f"mongodb://127.0.0.1:{store.getsockname()[1]}/vox"
        settings = load_estate("lab").service("backend").required_settings
        (tmp_path / "test.env").write_text("".join(f"{name}={uri}\n" for name in settings))
        asked = ("contract", "--only", "it-names-itself", "--env", "test.env", "--junit", "contract.xml")
        said = done(tmp_path, str(installed.with_name("voxgate")), *asked, status=1 if flaw else 0)
    assert ("BROKEN" if flaw else "kept") in said
    assert f'failures="{1 if flaw else 0}"' in (tmp_path / "contract.xml").read_text("utf-8")


def test_init_overwrites_nothing_and_what_it_makes_is_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    team = tmp_path / "our-hosts"
    (team / "hosts").mkdir(parents=True)
    (team / "README.md").write_text("ours")
    (team / "Makefile").symlink_to("nowhere")
    assert main(["init", str(team), "--estate", "production"]) == 0
    said = capsys.readouterr().out
    assert (team / "README.md").read_text() == "ours"
    assert not (tmp_path / "our-hosts/nowhere").exists()
    assert {line.split(":")[0].split()[1].rpartition("/")[2] for line in said.splitlines() if " kept " in line} == {
        "README.md",
        "Makefile",
    }
    project = tomllib.loads((team / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["name"] == "our-hosts"
    assert project["project"]["dependencies"] == [f"voxgate>={voxgate.__version__}"]
    assert project["tool"]["uv"]["sources"]["voxgate"] == {"path": str(ROOT)}
    assert load_estate("production", team / "hosts").services == load_estate("staging").services
    check = team / "suites/test_ours.py"
    assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(check.read_text("utf-8"))))
    for lint in (("check",), ("format", "--check")):
        done(team, sys.executable, "-m", "ruff", *lint, "--no-cache", "--config", str(ROOT / "pyproject.toml"), str(check))
    before = {path: path.read_bytes() for path in team.rglob("*") if path.is_file()}
    assert not [path for path, text in before.items() if re.search(rb"@[a-z]+@", text)]
    assert main(["init", str(team), "--estate", "production"]) == 0
    assert {path: path.read_bytes() for path in team.rglob("*") if path.is_file()} == before
    assert main(["init", str(team), "--estate", "../x"]) == 1
    assert "no estate can be called so" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "program"), [(INSTALL_PROBE, PROBE), (INSTALL_BUILDER, BUILDER)], ids=["probe", "builder"])
def test_what_the_readme_and_the_hints_have_typed_installs_it(command: str, program: Path, tmp_path: Path) -> None:
    assert f"`{command}`" in " ".join((ROOT / "README.md").read_text("utf-8").split())
    target = command.rsplit(maxsplit=1)[-1]
    (tmp_path / "usr/local/sbin").mkdir(parents=True)
    typed = command.replace("uv run voxgate", f"{sys.executable} -m voxgate.cli.main").replace("ssh YOU@HOST sudo ", "")
    subprocess.run(["sh", "-c", typed.replace(target, f"{tmp_path}{target}")], cwd=ROOT, check=True, timeout=60)
    there = tmp_path / target[1:]
    assert there.read_bytes() == program.read_bytes()
    assert (there.stat().st_mode & 0o7777, there.stat().st_uid) == (0o755, 0)


def test_a_version_is_said_once_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"voxgate {voxgate.__version__}\n")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == voxgate.__version__
    assert f"## {voxgate.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
