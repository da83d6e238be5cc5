"""The probe as it runs on hosts: the one file, and what that file is as a module. What is tested is what travels."""

from __future__ import annotations

import atexit
import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import Any

from voxgate.probe.built import program


def _written() -> Path:
    """The file, where any account may read it, for as long as this process is there."""
    folder = Path(tempfile.mkdtemp(prefix="voxgate-probe-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    (folder / "probe.py").write_bytes(program())
    return folder / "probe.py"


def _loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("voxgate_probe", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROBE = _written()
probe: Any = _loaded(PROBE)
