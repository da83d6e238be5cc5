"""The probe and the builder as they run on hosts: the one file of each, and what that file is as a module. What is tested is what
is installed.
"""

from __future__ import annotations

import atexit
import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import Any

from voxgate.moves.builder import built as made_builder
from voxgate.probe import built as made_probe


def _written(name: str, program: bytes) -> Path:
    """The file, where any account may read it, for as long as this process is there."""
    folder = Path(tempfile.mkdtemp(prefix=f"voxgate-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    (folder / f"{name}.py").write_bytes(program)
    return folder / f"{name}.py"


def _loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"voxgate_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROBE = _written("probe", made_probe.program())
probe: Any = _loaded(PROBE)
BUILDER = _written("builder", made_builder.program())
builder: Any = _loaded(BUILDER)
