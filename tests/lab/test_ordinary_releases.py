"""Releases as teams have them: their builds set hooks, leave files, write where they like. Nothing live notices."""

from __future__ import annotations

import json

import httpx

from tests.lab.conftest import ROOT, Gate, head_of, on_host
from tests.lab.hostile import on_main
from tests.lab.serving import Serving
from tests.lab.test_gate import GOOD

SERVICES = ROOT / "lab" / "services"
PAGE = "http://198.51.100.21"


def console(**scripts: str) -> str:
    """package.json of the console, with these scripts."""
    package = json.loads((SERVICES / "vox-frontend" / "package.json").read_text("utf-8"))
    package["scripts"] |= scripts
    return json.dumps(package, indent=2)


def in_the_checkout(host: str, repository: str) -> str:
    """What lies in a checkout beside its commit, and what is set there."""
    git = f"git -c safe.directory=* -C /opt/{repository}"
    return on_host(host, "sh", "-c", f"{git} status --porcelain --ignored; {git} config --local --list")


def test_a_console_s_scripts_set_hooks_leave_files_and_come_after_the_bundler(gate: Gate) -> None:
    """As husky, tsc and a stamp of one's own: ``vite build && node tools/stamp.js`` is not the last command of the line."""
    changed = {
        "package.json": console(
            prepare="git config core.hooksPath .husky/_ && mkdir -p .husky/_ && echo x >.husky/_/pre-commit",
            prebuild="echo '{}' >tsconfig.tsbuildinfo",
            build="vite build && node tools/stamp.js",
            postbuild="rm -rf node_modules/.cache coverage",
        ),
        ".gitignore": "node_modules/\ndist\nbuilds/\n*.tsbuildinfo\n.husky/_\n",
        "tools/stamp.js": 'import { execSync } from "node:child_process";\nimport { writeFileSync } from "node:fs";\n'
        'writeFileSync("dist/stamp.txt", execSync("git rev-parse HEAD"));\n',
    }
    before = in_the_checkout("api-1", "vox-frontend")
    with on_main("vox-frontend", changed), Serving("an ordinary console") as serving:
        run = gate("--deploy", "console=main")
        assert run.status == 0, run.said
        assert httpx.get(f"{PAGE}/stamp.txt").text.strip() == head_of("api-1", "vox-frontend")
        assert in_the_checkout("api-1", "vox-frontend") == before
        back = gate("--deploy", f"console={GOOD['console']}")
        assert back.status == 0, back.said
        assert serving.flaws() == []


def test_a_build_that_goes_elsewhere_and_cleans_up_reaches_nothing_that_is_served(gate: Gate) -> None:
    """Its output is not where it must be, and it removes what it finds in the places that nginx serves."""
    changed = {"package.json": console(build="vite build --outDir site", postbuild="rm -rf /opt/vox-frontend/builds dist")}
    with on_main("vox-frontend", changed), Serving("a console that builds elsewhere") as serving:
        run = gate("--deploy", "console=main")
        assert run.status == 11, run.said
        assert "the build left no folder dist" in run.verdict["summary"]
        assert {one["verdict"] for one in run.verdict["rollback"]["invariants"]} == {"holds"}
        assert serving.flaws() == []


BACKEND = '''"""A build backend as many: it asks git for a version, and leaves that and an egg-info in its source."""

import base64
import hashlib
import subprocess
import tomllib
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
NAME, VERSION = PROJECT["name"].replace("-", "_"), PROJECT["version"]


def hashed(text):
    """As a RECORD has it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def build_editable(folder, settings=None, metadata=None):
    """A path."""
    return made(folder, {f"{NAME}.pth": str(HERE)})


def build_wheel(folder, settings=None, metadata=None):
    """The modules themselves."""
    return made(folder, {f"{NAME}/{path.name}": path.read_text() for path in (HERE / NAME).glob("*.py")})


def made(folder, lines):
    """A wheel of these files, and what says whose it is."""
    version = subprocess.run(["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=True)
    (HERE / NAME / "_version.py").write_text(f"VERSION = {version.stdout.strip()!r}")
    (HERE / f"{NAME}.egg-info").mkdir(exist_ok=True)
    (HERE / f"{NAME}.egg-info" / "PKG-INFO").write_text(f"Name: {NAME}")
    info = f"{NAME}-{VERSION}.dist-info"
    lines[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {PROJECT['name']}\\nVersion: {VERSION}\\n" + "".join(
        f"Requires-Dist: {one}\\n" for one in PROJECT.get("dependencies", [])
    )
    lines[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: making\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    lines[f"{info}/RECORD"] = "".join(f"{path},{hashed(text)},{len(text.encode())}\\n" for path, text in lines.items())
    name = f"{NAME}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder) / name, "w") as wheel:
        for path, text in lines.items():
            wheel.writestr(path, text)
    return name
'''
MAKING = '\n[build-system]\nrequires = []\nbuild-backend = "making"\nbackend-path = ["."]\n'


def with_packages_of_its_own() -> dict[str, str]:
    """The dialler's project as a package, with a member of its workspace and a package by its path; and uv's lock of that."""
    home = SERVICES / "vox-dialler"
    project, lock = ((home / name).read_text("utf-8") for name in ("pyproject.toml", "uv.lock"))
    project = project.replace("dependencies = [\n", 'dependencies = [\n  "vox-book",\n  "vox-pace",\n', 1)
    project = project.replace("[tool.uv]\npackage = false\n", '[tool.uv.workspace]\nmembers = ["packages/*"]\n', 1)
    project += '\n[tool.uv.sources]\nvox-book = { path = "libs/vox-book" }\nvox-pace = { workspace = true }\n' + MAKING
    head, own, rest = lock.partition('[[package]]\nname = "vox-dialler"\n')
    head = head.replace("\n[[package]]", '\n[manifest]\nmembers = [\n    "vox-dialler",\n    "vox-pace",\n]\n\n[[package]]', 1)
    head += '[[package]]\nname = "vox-book"\nversion = "0.1.0"\nsource = { directory = "libs/vox-book" }\n\n'
    last, required = '    { name = "uvicorn" },\n', '    { name = "uvicorn", specifier = ">=0.34" },\n'
    rest = rest.replace('virtual = "."', 'editable = "."', 1)
    rest = rest.replace(last, f'{last}    {{ name = "vox-book" }},\n    {{ name = "vox-pace" }},\n', 1)
    book, pace = ('name = "vox-book", directory = "libs/vox-book"', 'name = "vox-pace", editable = "packages/vox-pace"')
    rest = rest.replace(required, f"{required}    {{ {book} }},\n    {{ {pace} }},\n", 1)
    rest += '\n[[package]]\nname = "vox-pace"\nversion = "0.1.0"\nsource = { editable = "packages/vox-pace" }\n'
    files = {"pyproject.toml": project, "uv.lock": head + own + rest, "making.py": BACKEND}
    for place, name in (("packages/vox-pace", "vox_pace"), ("libs/vox-book", "vox_book")):
        said = f'[project]\nname = "{name.replace("_", "-")}"\nversion = "0.1.0"\nrequires-python = ">=3.12"\n{MAKING}'
        files |= {f"{place}/pyproject.toml": said, f"{place}/making.py": BACKEND, f"{place}/{name}/__init__.py": "KNOWN = 1\n"}
    version = (home / "vox_dialler" / "version.py").read_text("utf-8")
    ignored = ".env\n.venv/\n__pycache__/\n_version.py\n*.egg-info/\n"
    return {**files, "vox_dialler/version.py": f"import vox_book\nimport vox_pace\n{version}", ".gitignore": ignored}


def test_packages_of_its_own_are_deployed_and_can_be_gone_back_to(gate: Gate) -> None:
    """The project itself, a member of its workspace, and a path, each built by a backend of its own: today, and once it is what a
    way back must lead to.
    """
    before = in_the_checkout("sip-1", "vox-dialler")
    with on_main("vox-dialler", with_packages_of_its_own()), Serving("packages of its own") as serving:
        run = gate("--deploy", "dialler=main")
        assert run.status == 0, run.said
        assert in_the_checkout("sip-1", "vox-dialler") == before
        back = gate("--deploy", f"dialler={GOOD['dialler']}")
        assert back.status == 0, back.said
        assert serving.flaws() == []
