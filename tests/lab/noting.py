"""What came of each run, in one file for all of them: sessions with labs of their own may write at the same time."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def note(path: Path, key: str, said: Mapping[str, Any]) -> None:
    """Add it to the list ``key`` of the file; a later one of the same ``name`` takes the place of an earlier one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = json.loads(path.read_text())[key] if path.exists() else []
        rest = [one for one in known if one["name"] != said["name"]]
        path.write_text(json.dumps({key: [*rest, said]}, indent=1, default=str) + "\n")
